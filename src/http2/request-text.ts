/**
 * What the HEADERS of a stream say, as an HTTP/1.1 request (RFC 9113 §8.2–8.3, RFC 8441 §4): the one codec, and the rules
 * that belong to it, judge the rest. What HTTP/2 forbids is malformed here, whatever read the frames has let pass.
 */
import { QUERY, TOKEN } from '../http/characters.ts';
import { isFieldName, isFieldValue, OF_CONNECTION } from './field-rules.ts';

export interface RequestText {
  readonly type: 'request';
  /** The head, of characters up to U+00FF; ends with the empty line. */
  readonly text: string;
  /** How its body comes: with a length that was given, in chunks that have to be made of it, or not at all. */
  readonly body: 'none' | 'length' | 'chunked';
  readonly length: number;
  /** The Sec-WebSocket-Key of a tunnel that is asked for by an extended CONNECT; '' = no tunnel. */
  readonly key: string;
}

/** Well-formed, and not served. */
export interface Refused {
  readonly type: 'refused';
  readonly word: 'method_not_allowed' | 'not_implemented';
}

/**
 * @param fields names and values in turn, as received
 * @param ended no body follows
 * @param newKey makes a Sec-WebSocket-Key
 * @returns null where the request is malformed (a stream error, PROTOCOL_ERROR)
 */
export function requestText(
  fields: readonly string[],
  ended: boolean,
  newKey: () => string,
): RequestText | Refused | null {
  const read = new RequestFields();
  for (let i = 0; i < fields.length; i += 2) if (!read.take(fields[i]!, fields[i + 1]!)) return null;
  const { method, path, scheme, authority, protocol } = read;
  if (method === null || !isToken(method)) return null;
  if (authority !== null && read.host !== null && authority.toLowerCase() !== read.host.toLowerCase()) return null;
  const isConnect = method === 'CONNECT';
  if (protocol !== null && !isConnect) return null;
  if (isConnect && protocol === null)
    return path === null && scheme === null && authority !== null ? refused('method_not_allowed') : null;
  if (path === null || !isPath(path, method) || (scheme !== 'http' && scheme !== 'https')) return null;
  if (protocol !== null && authority === null) return null;
  // §8.3.1: no user information, as everybody would read it otherwise
  if (authority?.includes('@') === true) return null;
  if (protocol !== null && protocol !== 'websocket') return refused('not_implemented');
  const { length } = read;
  // 115: a length that no DATA can make up for
  if (ended && length > 0) return null;

  const host = authority ?? read.host;
  let text = `${isConnect ? 'GET' : method} ${path} HTTP/1.1\r\n`;
  if (host !== null) text += `Host: ${host}\r\n`;
  text += read.lines;
  // 116: crumbs are one cookie again
  if (read.cookie !== '') text += `cookie: ${read.cookie}\r\n`;
  if (isConnect) {
    const key = newKey();
    text += `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
    return { type: 'request', text, body: 'none', length: 0, key };
  }
  if (length >= 0) text += `Content-Length: ${length}\r\n`;
  else if (!ended) text += 'Transfer-Encoding: chunked\r\n';
  if (read.trailers) text += 'TE: trailers\r\n';
  const body = ended ? 'none' : length >= 0 ? 'length' : 'chunked';
  return { type: 'request', text: `${text}\r\n`, body, length: Math.max(0, length), key: '' };
}

class RequestFields {
  method: string | null = null;
  path: string | null = null;
  scheme: string | null = null;
  authority: string | null = null;
  protocol: string | null = null;
  host: string | null = null;
  /** −1 = not given. */
  length = -1;
  trailers = false;
  cookie = '';
  lines = '';
  private regular = false;

  /** @returns false where the field makes the request malformed (114) */
  take(name: string, value: string): boolean {
    if (!isFieldValue(value)) return false;
    if (name.startsWith(':')) return !this.regular && this.pseudo(name, value);
    this.regular = true;
    if (!isFieldName(name) || OF_CONNECTION.has(name)) return false;
    switch (name) {
      case 'host':
        if (this.host !== null) return false;
        this.host = value;
        return true;
      case 'cookie':
        this.cookie = this.cookie === '' ? value : `${this.cookie}; ${value}`;
        return true;
      case 'te':
        this.trailers = true;
        return value === 'trailers';
      case 'content-length':
        if (this.length >= 0 || !LENGTH.test(value)) return false;
        this.length = Number(value);
        return true;
      case 'sec-websocket-key':
        // RFC 8441 §5.1: not used by a tunnel over HTTP/2
        if (this.protocol !== null) return true;
        break;
    }
    this.lines += `${name}: ${value}\r\n`;
    return true;
  }

  private pseudo(name: string, value: string): boolean {
    const key = PSEUDO.get(name);
    if (key === undefined || this[key] !== null) return false;
    this[key] = value;
    return true;
  }
}

const PSEUDO = new Map([
  [':method', 'method'],
  [':path', 'path'],
  [':scheme', 'scheme'],
  [':authority', 'authority'],
  [':protocol', 'protocol'],
] as const) as ReadonlyMap<string, 'method' | 'path' | 'scheme' | 'authority' | 'protocol'>;

const LENGTH = /^[0-9]{1,15}$/;

const refused = (word: Refused['word']): Refused => ({ type: 'refused', word });

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1 && text[i] !== '_') return false;
  return text !== '';
}

/** Begins with a slash and has no blank; `*` only of OPTIONS. What else is wrong with it is answered, as on HTTP/1.1. */
function isPath(path: string, method: string): boolean {
  if (path === '*') return method === 'OPTIONS';
  if (!path.startsWith('/')) return false;
  for (let i = 1; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (QUERY[c] !== 1 && c < 0x80 && c !== 0x23) return false;
  }
  return true;
}
