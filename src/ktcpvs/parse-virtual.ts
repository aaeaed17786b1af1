/** One `Virtual NAME { … }`, from its opening brace on. */
import { printIdent, readHostPort, readNumber, readServer } from './host-port.ts';
import { judgePattern } from './patterns.ts';
import type { Services } from './services.ts';
import {
  DEFAULT_PORT,
  DEFAULT_SCHEDULER,
  LIMITS,
  MAX_CLIENTS,
  MAX_MATCH,
  MAX_PATTERN,
  MAX_PROCESSES,
  MAX_WEIGHT,
  SCHEDULERS,
  refKey,
  sameRef,
} from './table.ts';
import type { HostPort, Ident, KeptRule, ServerRef, Virtual } from './table.ts';
import type { Token } from './tokens.ts';
import { Words, show } from './words.ts';

const NUMBERS = ['startservers', 'maxclients', 'minspareservers', 'maxspareservers'] as const;
const ONCE = ['listen', 'scheduler', 'started', ...NUMBERS, 'redirect'] as const;
const KEYWORDS = [...ONCE, 'server', 'rule'];
const RULES_ONLY = 'rules-only';
const EXPECTED = `a keyword (${KEYWORDS.join(', ')}) or "}"`;

type UnresolvedRef = { kind: 'Address'; host: string; port: number | null } | { kind: 'Object'; name: string };

interface RuleLine {
  readonly token: Token;
  readonly pattern: string;
  readonly match: number | null;
  readonly weight: number | null;
  readonly server: UnresolvedRef;
}

/** As read, before what is left out is filled in. */
interface Lines {
  readonly once: Map<string, Token>;
  readonly numbers: Map<string, number>;
  listen: { host: string; port: number | null };
  scheduler: string;
  started: boolean | null;
  redirect: HostPort | null;
  readonly servers: { token: Token; ref: UnresolvedRef; weight: number; byRulesOnly: boolean }[];
  readonly rules: (RuleLine | KeptRule)[];
}

export function readVirtual(words: Words, ident: Ident, at: Token, services: Services): Virtual {
  words.keyword(['{'], `"{" after the name ${printIdent(ident)}`);
  const lines: Lines = {
    once: new Map(),
    numbers: new Map(),
    listen: { host: '*', port: null },
    scheduler: DEFAULT_SCHEDULER,
    started: null,
    redirect: null,
    servers: [],
    rules: [],
  };
  for (;;) {
    const token = words.peek();
    const keyword = words.keyword([...KEYWORDS, '}'], EXPECTED);
    if (keyword === '}' || token === undefined) return assemble(words, ident, at, lines);
    words.keyword(['='], `"=" between white space after ${keyword}`);
    const earlier = lines.once.get(keyword);
    if (earlier !== undefined) {
      words.report(token, `${keyword} a second time`, `it once (it stands in line ${earlier.line})`);
    }
    if ((ONCE as readonly string[]).includes(keyword)) lines.once.set(keyword, token);
    readLine(words, keyword, token, lines, services);
  }
}

function readLine(words: Words, keyword: string, at: Token, lines: Lines, services: Services): void {
  if (keyword === 'rule') {
    lines.rules.push(readRule(words, at, services));
    return;
  }
  const value = words.next(`a value for ${keyword}`);
  if (keyword === 'listen') {
    lines.listen = words.judge(value, readHostPort(value.text, services));
  } else if (keyword === 'scheduler') {
    lines.scheduler = value.text.toLowerCase();
    if (!SCHEDULERS.includes(lines.scheduler))
      words.report(value, show(value), `a scheduler: ${SCHEDULERS.join(', ')}`);
  } else if (keyword === 'started') {
    const answer = value.text.toLowerCase();
    if (answer !== 'yes' && answer !== 'no') words.report(value, show(value), 'yes or no');
    lines.started = answer === 'yes';
  } else if (keyword === 'redirect') {
    const { host, port } = words.judge(value, readHostPort(value.text, services));
    if (port === null || host === '*') words.report(value, show(value), 'HOST:PORT');
    else lines.redirect = { host, port };
  } else if (keyword === 'server') {
    const ref = words.judge(value, readServer(value.text, services));
    lines.servers.push({ token: value, ref, ...readServerWeight(words) });
  } else {
    lines.numbers.set(
      keyword,
      words.judge(value, readNumber(value.text, 0, keyword === 'maxclients' ? MAX_CLIENTS : MAX_PROCESSES)),
    );
  }
}

/** `server = HOST:PORT` may be followed by a weight, and by `rules-only`. */
function readServerWeight(words: Words): { weight: number; byRulesOnly: boolean } {
  if (words.take(RULES_ONLY) !== null) return { weight: 0, byRulesOnly: true };
  const token = words.peek();
  const none = token === undefined || token.quoted || token.text === '}' || KEYWORDS.includes(token.text.toLowerCase());
  if (none) return { weight: 1, byRulesOnly: false };
  words.next('a weight');
  const weight = words.judge(token, readNumber(token.text, 0, MAX_WEIGHT));
  const only = words.take(RULES_ONLY);
  if (only !== null && weight > 0)
    words.report(only, `${RULES_ONLY} after weight ${weight}`, 'weight 0, or no such word');
  return { weight, byRulesOnly: only !== null };
}

function readRule(words: Words, at: Token, services: Services): RuleLine | KeptRule {
  const expected = '"pattern" (or "keep" and the name of a rule)';
  if (words.keyword(['pattern', 'keep'], expected) === 'keep') {
    const name = words.next('the name of a rule').text;
    return { kind: 'Keep', name, at: { line: at.line, column: at.column } };
  }
  const pattern = words.next('a pattern');
  const given = new Map<string, number>();
  for (;;) {
    const token = words.peek();
    const keyword = words.keyword(
      ['match', 'weight', 'conns', 'use'],
      '"match", "weight" or "use server" after the pattern',
    );
    if (keyword === 'use' || token === undefined) break;
    if (given.has(keyword)) words.report(token, `${keyword} a second time`, 'it once');
    const number = words.next(`a number after ${keyword}`);
    // `conns` is a live count of a listing: skipped, however large it has grown.
    const most = { match: MAX_MATCH, weight: MAX_WEIGHT }[keyword] ?? Number.MAX_SAFE_INTEGER;
    given.set(keyword, words.judge(number, readNumber(number.text, 0, most)));
  }
  words.keyword(['server'], '"server" after "use"');
  const destination = words.next('HOST or HOST:PORT');
  const server = words.judge(destination, readServer(destination.text, services));
  const { match = null, weight = null } = Object.fromEntries(given);
  const fault = judgeText(pattern.text) ?? judgePattern(pattern.text, match ?? 0);
  if (fault !== null) words.report(pattern, fault.read, fault.expected);
  return { token: destination, pattern: pattern.text, match, weight, server };
}

function judgeText(pattern: string): { read: string; expected: string } | null {
  if (pattern === '') return { read: 'an empty pattern', expected: 'a POSIX extended regular expression (.* for all)' };
  if (pattern.length > MAX_PATTERN) {
    return { read: `a pattern of ${pattern.length} characters`, expected: `at most ${MAX_PATTERN}` };
  }
  return /\p{Cc}/u.test(pattern)
    ? { read: JSON.stringify(pattern), expected: 'a pattern without control characters' }
    : null;
}

function assemble(words: Words, ident: Ident, at: Token, lines: Lines): Virtual {
  const listen = { host: lines.listen.host, port: lines.listen.port ?? DEFAULT_PORT };
  const resolve = (ref: UnresolvedRef): ServerRef =>
    ref.kind === 'Object' ? ref : { kind: 'Address', host: ref.host, port: ref.port ?? listen.port };
  const number = (name: (typeof NUMBERS)[number]) => lines.numbers.get(name) ?? null;
  if (lines.servers.length > LIMITS.servers)
    words.stop(at, `${lines.servers.length} servers`, `at most ${LIMITS.servers}`);
  const weights = new Map<string, number>();
  const servers = lines.servers.map(({ token, ref, weight, byRulesOnly }) => {
    const server = { ref: resolve(ref), weight, ...(byRulesOnly ? { byRulesOnly } : {}), at: place(token) };
    const key = refKey(server.ref);
    if (weights.has(key)) words.report(token, `server ${token.text} a second time`, 'it once');
    weights.set(key, weight);
    return server;
  });
  const rules = gather(words, ident, at, lines.rules, resolve, weights);
  const named = new Set(rules.flatMap((rule) => (rule.destinations ?? []).map(({ ref }) => refKey(ref))));
  for (const server of servers) {
    if (server.byRulesOnly !== true || named.has(refKey(server.ref))) continue;
    words.report(server.at, `a server ${RULES_ONLY}`, 'a rule that names it');
  }
  return {
    ident,
    listen,
    scheduler: lines.scheduler,
    started: lines.started,
    startServers: number('startservers'),
    maxClients: number('maxclients'),
    minSpareServers: number('minspareservers'),
    maxSpareServers: number('maxspareservers'),
    redirect: lines.redirect,
    servers,
    rules,
    at: place(at),
  };
}

/** Lines with the same pattern build one rule, in the place of the first of them. */
function gather(
  words: Words,
  ident: Ident,
  at: Token,
  lines: Lines['rules'],
  resolve: (ref: UnresolvedRef) => ServerRef,
  weights: ReadonlyMap<string, number>,
): Virtual['rules'] {
  const rules = new Map<string, Virtual['rules'][number]>();
  for (const line of lines) {
    if ('kind' in line) {
      if (rules.has(`keep ${line.name}`)) words.report(line.at ?? at, `keep ${line.name} a second time`, 'it once');
      rules.set(`keep ${line.name}`, line);
      continue;
    }
    const ref = resolve(line.server);
    if (!weights.has(refKey(ref))) {
      words.report(line.token, JSON.stringify(line.token.text), `a server of virtual server ${printIdent(ident)}`);
    }
    const key = `pattern ${line.pattern}`;
    const rule = rules.get(key);
    const destination = { ref, weight: line.weight, at: place(line.token) };
    if (rule?.kind !== 'Pattern') {
      const { pattern, match } = line;
      rules.set(key, {
        kind: 'Pattern',
        pattern,
        match: match ?? 0,
        destinations: [destination],
        at: place(line.token),
      });
      continue;
    }
    if (line.match !== null && line.match !== rule.match) {
      words.report(line.token, `match ${line.match}`, `match ${rule.match}, as the same pattern has above`);
    }
    if (rule.destinations.some((other) => sameRef(other.ref, ref))) {
      words.report(line.token, `server ${line.token.text} a second time for the same pattern`, 'it once');
    }
    rules.set(key, { ...rule, destinations: [...rule.destinations, destination] });
  }
  if (rules.size > LIMITS.rules) words.stop(at, `${rules.size} rules`, `at most ${LIMITS.rules}`);
  return [...rules.values()];
}

function place({ line, column }: Token): { line: number; column: number } {
  return { line, column };
}
