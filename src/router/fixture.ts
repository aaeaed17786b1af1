import { RequestHead } from '../http/request-head.ts';
import type { Match, PathMatch, Rule } from '../model/snapshot.ts';

/** Requests and rules for tests and benchmarks. */
export interface Request {
  readonly method?: string;
  readonly path: string;
  /** Without `?`. */
  readonly query?: string;
  readonly host?: string;
  readonly fields?: readonly (readonly [name: string, value: string])[];
}

/** A head as the parser leaves it, as far as the router looks at it. */
export function headOf({ method = 'GET', path, query, host = 'shop.example', fields = [] }: Request): RequestHead {
  const head = new RequestHead();
  let text = '';
  const put = (piece: string): number => (text += piece).length;
  head.methodEnd = put(method);
  head.pathStart = head.targetStart = put(' ');
  head.pathEnd = put(path);
  head.hasQuery = query !== undefined;
  head.queryStart = put(head.hasQuery ? '?' : '');
  head.queryEnd = head.targetEnd = put(query ?? '');
  head.hostStart = put(' HTTP/1.1\r\nHost: ');
  head.hostEnd = put(host);
  put(':8000\r\n');
  for (const [name, value] of fields) {
    head.fields[head.fieldCount * 4] = text.length;
    head.fields[head.fieldCount * 4 + 1] = put(name);
    head.fields[head.fieldCount * 4 + 2] = put(': ');
    head.fields[head.fieldCount * 4 + 3] = put(value);
    put('\r\n');
    head.fieldCount++;
  }
  head.end = put('\r\n');
  head.bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  head.pathBytes = head.bytes;
  return head;
}

export function pathOf(type: PathMatch['type'], value: string): PathMatch {
  return { type, value };
}

export function ruleOf(match: Partial<Match>, name = 'rule'): Rule {
  return {
    name,
    match: { hosts: [], path: null, methods: [], headers: [], query: [], hashGroup: 0, ...match },
    destinations: { kind: 'Servers', servers: [] },
    filters: [],
    timeouts: { request: 60_000, connect: 1000, idle: 180_000 },
    retry: { attempts: 0, on: [] },
    rateLimit: null,
  };
}
