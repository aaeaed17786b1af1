/**
 * What a request head means, told a second time: by regular expressions over latin1 text, from RFC 9112, RFC 9110 and
 * the stricter choices that are documented in `docs` and the numbered cases. The fuzzer compares the codec with it; the
 * two share no code.
 */

export interface Judgement {
  /** The codec must refuse it. */
  readonly refuse: string | null;
  readonly method: string;
  /** As it must be forwarded: normalised path and query. */
  readonly target: string;
  /** The authority that is forwarded; null where HTTP/1.0 gives none. */
  readonly host: string | null;
  /** −1 = chunked. */
  readonly bodyLength: number;
  /** Bytes of the head, with the empty lines before it. */
  readonly length: number;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const HEAD = new RegExp(
  `^(?:\\r\\n){0,2}(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([0-9])\\r\\n((?:${TOKEN}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*)\\r\\n`,
);
/** No empty label but the last. */
const AUTHORITY = /^([A-Za-z0-9\-_~]+(?:\.[A-Za-z0-9\-_~]+)*\.?|\[[0-9A-Fa-f:.]{2,}\])(?::([0-9]{1,5}))?$/;
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/|[\]]|%[0-9A-Fa-f]{2})*$/;
const QUERY = /^[\x21\x22\x24-\x7e]*$/;
const FIELDS = 100;
const METHOD = 32;

/** null: the text does not begin with a whole head (it may be unfinished, or hopeless). */
export function judge(text: string): Judgement | null {
  const match = HEAD.exec(text);
  if (match === null) return null;
  const [whole, method, target, minor, lines] = match as unknown as [string, string, string, string, string];
  const fields = lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':');
      return {
        name: line.slice(0, colon).toLowerCase(),
        value: line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, ''),
      };
    });
  const of = (name: string) => fields.filter((field) => field.name === name).map((field) => field.value);
  const result = { refuse: null, method, target, host: null, bodyLength: 0, length: whole.length };
  const refuse = (why: string): Judgement => ({ ...result, refuse: why });

  if (method.length > METHOD) return refuse('method');
  if (method === 'CONNECT') return refuse('CONNECT');
  if (fields.length > FIELDS) return refuse('fields');

  const hosts = of('host');
  if (hosts.length > 1 || (hosts.length === 0 && minor !== '0')) return refuse('Host');
  if (hosts.some((host) => !isAuthority(host))) return refuse('Host');

  let host = hosts[0] ?? null;
  let rest = target;
  const absolute = /^http:\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute !== null) {
    if (!isAuthority(absolute[1]!)) return refuse('authority');
    host = absolute[1]!;
    rest = absolute[2] === '' ? '/' : absolute[2]!;
  } else if (target === '*' && method === 'OPTIONS') rest = '/';
  const forwarded = normalise(rest);
  if (forwarded === null) return refuse('target');

  const codings = of('transfer-encoding');
  const lengths = of('content-length');
  if (lengths.length > 1 || (lengths.length > 0 && codings.length > 0)) return refuse('framing');
  if (codings.length > 1) return refuse('coding');
  if (codings.some((value) => value.toLowerCase() !== 'chunked')) return refuse('coding');
  if (codings.length > 0 && minor === '0') return refuse('chunked in 1.0');
  if (lengths.some((value) => !/^[0-9]{1,15}$/.test(value))) return refuse('length');
  if (of('expect').some((value) => value.toLowerCase() !== '100-continue')) return refuse('expectation');
  const bodyLength = codings.length > 0 ? -1 : Number(lengths[0] ?? 0);
  return { ...result, target: forwarded, host, bodyLength };
}

function isAuthority(text: string): boolean {
  const match = AUTHORITY.exec(text);
  if (match === null) return false;
  return match[2] === undefined || (Number(match[2]) > 0 && Number(match[2]) < 65_536);
}

/** Origin-form with its path normalised; null where it must be refused. */
function normalise(target: string): string | null {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  if (!PATH.test(path) || !QUERY.test(query)) return null;
  if (/%(?:[01][0-9a-f]|7f|5c|c[01])/i.test(path)) return null;
  if (/%e0%[89][0-9a-f]/i.test(path) || /%f0%8[0-9a-f]/i.test(path)) return null;
  const decoded = path.replaceAll(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    // RFC 3986 §6.2.2.1: digits of escapes in upper case
    return /[A-Za-z0-9\-._~]/.test(character) ? character : escape.toUpperCase();
  });
  const out: string[] = [];
  const segments = decoded.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (/^\.{1,2};/.test(segment)) return null;
    if (segment === '..') {
      if (out.length === 0) return null;
      out.pop();
    } else if (segment !== '.') {
      out.push(segment);
      continue;
    }
    if (last) out.push('');
  }
  return `/${out.join('/')}${query}`;
}
