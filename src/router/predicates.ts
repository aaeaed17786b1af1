import type { RequestHead } from '../http/request-head.ts';
import type { Match, ValueMatch } from '../model/snapshot.ts';
import { compilePattern, type Pattern } from '../pattern/pattern.ts';
import { bytesOf, equalsAt, equalsIgnoringCase } from './bytes.ts';
import type { HostMarks } from './host-marks.ts';

/** A part of a match that does not concern the path. */
export type Part = 'hosts' | 'methods' | 'headers' | 'query';

interface Value {
  readonly name: Uint8Array;
  /** Null: the name is enough. */
  readonly literal: Uint8Array | null;
  readonly pattern: Pattern | null;
}

/** Everything of one match but its path, compiled. */
export class Predicates {
  private readonly marks: HostMarks;
  private readonly hosts: Int32Array | null;
  private readonly methods: readonly Uint8Array[];
  private readonly headers: readonly Value[];
  private readonly query: readonly Value[];

  /**
   * `marks`: knows the hosts of all matches of the table.
   * @throws PatternError for a Regex that does not compile
   */
  constructor(match: Match, marks: HostMarks) {
    const anyHost = match.hosts.length === 0 || match.hosts.includes('*');
    this.marks = marks;
    this.hosts = anyHost ? null : marks.numbersOf(match.hosts);
    this.methods = match.methods.map(bytesOf);
    this.headers = match.headers.map(compileValue);
    this.query = match.query.map(compileValue);
  }

  /** Whether they all hold whatever comes. */
  get empty(): boolean {
    return this.hosts === null && this.methods.length + this.headers.length + this.query.length === 0;
  }

  /** After `marks.look(head)`. */
  holds(head: RequestHead): boolean {
    return this.hostHolds() && this.methodHolds(head) && this.headersHold(head) && this.queryHolds(head);
  }

  /** The parts that do not hold, after `marks.look(head)`; for tools. */
  failing(head: RequestHead): Part[] {
    const parts: Part[] = [];
    if (!this.hostHolds()) parts.push('hosts');
    if (!this.methodHolds(head)) parts.push('methods');
    if (!this.headersHold(head)) parts.push('headers');
    if (!this.queryHolds(head)) parts.push('query');
    return parts;
  }

  private hostHolds(): boolean {
    return this.hosts === null || this.marks.anyFits(this.hosts);
  }

  private methodHolds(head: RequestHead): boolean {
    if (this.methods.length === 0) return true;
    for (const method of this.methods) if (equalsAt(head.bytes, head.start, head.methodEnd, method)) return true;
    return false;
  }

  private headersHold(head: RequestHead): boolean {
    for (const value of this.headers) if (!hasField(head, value)) return false;
    return true;
  }

  private queryHolds(head: RequestHead): boolean {
    for (const value of this.query) if (!hasParameter(head, value)) return false;
    return true;
  }
}

function compileValue(match: ValueMatch): Value {
  return {
    name: bytesOf(match.name),
    literal: match.type === 'Exact' ? bytesOf(match.value) : null,
    pattern: match.type === 'Regex' ? compilePattern(match.value, 'regex') : null,
  };
}

/** Of several lines with the name, any may hold; each is compared as it stands, lists are not taken apart. */
function hasField(head: RequestHead, value: Value): boolean {
  const { bytes, fields, fieldCount } = head;
  for (let at = 0; at < fieldCount * 4; at += 4) {
    if (!equalsIgnoringCase(bytes, fields[at]!, fields[at + 1]!, value.name)) continue;
    if (valueHolds(value, bytes, fields[at + 2]!, fields[at + 3]!)) return true;
  }
  return false;
}

/** Parameters are what stands between `&`; name and value are compared as they were sent, nothing is decoded. */
function hasParameter(head: RequestHead, value: Value): boolean {
  const { bytes, queryStart, queryEnd } = head;
  for (let start = queryStart; start < queryEnd;) {
    let end = start;
    let equals = -1;
    for (; end < queryEnd && bytes[end] !== 38; end++) if (equals < 0 && bytes[end] === 61) equals = end;
    const nameEnd = equals < 0 ? end : equals;
    if (equalsAt(bytes, start, nameEnd, value.name)) {
      if (valueHolds(value, bytes, equals < 0 ? end : equals + 1, end)) return true;
    }
    start = end + 1;
  }
  return false;
}

function valueHolds(value: Value, bytes: Uint8Array, start: number, end: number): boolean {
  if (value.literal !== null) return equalsAt(bytes, start, end, value.literal);
  return value.pattern === null || value.pattern.test(bytes, start, end);
}
