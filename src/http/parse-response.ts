/**
 * Response heads (RFC 9112 §4–6): a real server is not trusted either. Strict in the same way as the request parser; an
 * error means 502, and the connection is not used again.
 */
import { INCOMPLETE } from './bad.ts';
import { TOKEN, VALUE, spells } from './characters.ts';
import { applyConnection, connectionField } from './connection-fields.ts';
import { hasLeadingZero, isLowerCase, isPlain, parseLength } from './request-fields.ts';
import { FIELD, MAX_FIELDS } from './request-head.ts';

/** Fields per head: more than a request may have (105). */
export const MAX_RESPONSE_FIELDS = 2 * (MAX_FIELDS - 1);

/** Any fault of a response head. */
export const BAD_RESPONSE = -1;

export class ResponseHead {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  /** 100 … 999 */
  status = 0;
  minor = 1;
  /** The status line is written as we would write it. */
  plainLine = true;
  /** Offset behind the status line. */
  fieldsStart = 0;
  /** As in RequestHead. */
  readonly fields = new Int32Array(4 * MAX_RESPONSE_FIELDS);
  readonly kinds = new Uint8Array(MAX_RESPONSE_FIELDS);
  fieldCount = 0;
  /** The head cannot be copied as it is: some line is of this connection only. */
  special = false;
  end = 0;
  hasLength = false;
  /** The framing field, if there is one, is written as we would write it. */
  plainFraming = true;
  /** −1 where none is given. */
  length = -1;
  chunked = false;
  keepAlive = true;
  /** Connection names `upgrade`, and Upgrade is `websocket`. */
  upgrade = false;
  /** Seconds of `Keep-Alive: timeout=N`; 0 where it does not say. */
  keepAliveSeconds = 0;
  /** Notes of the field parser to itself. */
  closes = false;
  connections = 0;
  upgrades = 0;
}

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;

/** As parseRequest: the offset behind the head, INCOMPLETE or BAD_RESPONSE. `bytes[end]` must be 0. */
export function parseResponse(head: ResponseHead, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 13) return couldBegin(bytes, start, end) && !hasLine(bytes, start, end) ? INCOMPLETE : BAD_RESPONSE;
  const p = start;
  const good = couldBegin(bytes, p, p + 7) && bytes[p + 8] === SP;
  const minor = bytes[p + 7]! - 48;
  const a = bytes[p + 9]! - 48;
  const b = bytes[p + 10]! - 48;
  const c = bytes[p + 11]! - 48;
  if (!good || minor < 0 || minor > 9 || a < 1 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return BAD_RESPONSE;
  head.bytes = bytes;
  head.start = start;
  head.status = a * 100 + b * 10 + c;
  head.minor = minor === 0 ? 0 : 1;
  let q = p + 12;
  // 101: RFC 9112 §4 wants a blank here even where there is no reason phrase
  head.plainLine = minor === 1 && bytes[q] === SP;
  if (bytes[q] === SP) while (VALUE[bytes[q]!] !== 0) q++;
  if (bytes[q] !== CR) return q >= end ? INCOMPLETE : BAD_RESPONSE;
  if (q + 1 >= end) return INCOMPLETE;
  if (bytes[q + 1] !== LF) return BAD_RESPONSE;
  head.fieldsStart = q + 2;
  return parseFields(head, q + 2, end);
}

function hasLine(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === LF) return true;
  return false;
}

function couldBegin(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < 7 && start + i < end; i++) if (bytes[start + i] !== 'HTTP/1.'.charCodeAt(i)) return false;
  return true;
}

function parseFields(head: ResponseHead, start: number, end: number): number {
  const bytes = head.bytes;
  const fields = head.fields;
  let p = start;
  let count = 0;
  head.special = head.chunked = head.hasLength = head.upgrade = head.closes = false;
  head.length = -1;
  head.plainFraming = true;
  head.keepAlive = head.minor === 1;
  head.keepAliveSeconds = head.connections = head.upgrades = 0;
  for (;;) {
    const name = p;
    while (TOKEN[bytes[p]!] !== 0 || bytes[p] === 0x5f) p++;
    if (bytes[p] !== 0x3a) {
      if (p !== name || bytes[p] !== CR) return p >= end ? INCOMPLETE : BAD_RESPONSE;
      if (p + 1 >= end) return INCOMPLETE;
      if (bytes[p + 1] !== LF) return BAD_RESPONSE;
      head.fieldCount = count;
      head.end = p + 2;
      return finish(head);
    }
    const nameEnd = p;
    if (nameEnd === name) return BAD_RESPONSE;
    let c = bytes[++p]!;
    while (c === SP || c === 0x09) c = bytes[++p]!;
    const value = p;
    while (VALUE[bytes[p]!] !== 0) p++;
    if (bytes[p] !== CR) return p >= end ? INCOMPLETE : BAD_RESPONSE;
    if (p + 1 >= end) return INCOMPLETE;
    if (bytes[p + 1] !== LF) return BAD_RESPONSE;
    let valueEnd = p;
    while (valueEnd > value && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === 0x09)) valueEnd--;
    p += 2;
    if (count === MAX_RESPONSE_FIELDS) return BAD_RESPONSE;
    const i = 4 * count;
    fields[i] = name;
    fields[i + 1] = nameEnd;
    fields[i + 2] = value;
    fields[i + 3] = valueEnd;
    const kind = classify(head, name, nameEnd, value, valueEnd);
    if (kind < 0) return BAD_RESPONSE;
    head.kinds[count++] = kind;
    if (kind !== FIELD.plain && kind !== FIELD.contentLength && kind !== FIELD.transferEncoding) head.special = true;
  }
}

function classify(head: ResponseHead, name: number, nameEnd: number, value: number, valueEnd: number): number {
  const b = head.bytes;
  switch (nameEnd - name) {
    case 2:
      return spells(b, name, 'te') ? FIELD.dropped : FIELD.plain;
    case 7:
      if (spells(b, name, 'upgrade')) {
        head.upgrades += valueEnd - value === 9 && spells(b, value, 'websocket') ? 1 : 1000;
        return FIELD.upgrade;
      }
      return spells(b, name, 'trailer') ? FIELD.dropped : FIELD.plain;
    case 10:
      if (spells(b, name, 'connection')) return connectionField(head, value, valueEnd);
      if (!spells(b, name, 'keep-alive')) return FIELD.plain;
      head.keepAliveSeconds = keepAliveTimeout(b, value, valueEnd);
      return FIELD.dropped;
    case 14: {
      if (!spells(b, name, 'content-length')) return FIELD.plain;
      const length = parseLength(b, value, valueEnd);
      // 97: two lengths, even equal ones, are one too many
      if (head.hasLength || length < 0) return BAD_RESPONSE;
      head.hasLength = true;
      head.length = length;
      head.plainFraming = isPlain(b, nameEnd, value, valueEnd) && !hasLeadingZero(b, value, valueEnd);
      return FIELD.contentLength;
    }
    case 16:
      return spells(b, name, 'proxy-connection') ? FIELD.dropped : FIELD.plain;
    case 17:
      if (!spells(b, name, 'transfer-encoding')) return FIELD.plain;
      if (head.chunked || valueEnd - value !== 7 || !spells(b, value, 'chunked')) return BAD_RESPONSE;
      head.chunked = true;
      head.plainFraming = isPlain(b, nameEnd, value, valueEnd) && isLowerCase(b, value, valueEnd);
      return FIELD.transferEncoding;
    case 18:
      return spells(b, name, 'proxy-authenticate') ? FIELD.dropped : FIELD.plain;
    case 19:
      return spells(b, name, 'proxy-authorization') ? FIELD.dropped : FIELD.plain;
  }
  return FIELD.plain;
}

function finish(head: ResponseHead): number {
  if (head.chunked && (head.hasLength || head.minor === 0)) return BAD_RESPONSE;
  if (head.connections > 0) applyConnection(head);
  if (head.closes) head.keepAlive = false;
  head.upgrade &&= head.upgrades === 1;
  return head.end;
}

/** `timeout=N` of a Keep-Alive field, in seconds; 0 where it does not say. */
function keepAliveTimeout(bytes: Uint8Array, start: number, end: number): number {
  let seconds = 0;
  for (let p = start; p + 8 < end; p++) {
    if (bytes[p + 7] !== 0x3d || !spells(bytes, p, 'timeout')) continue;
    for (let q = p + 8; q < end && bytes[q]! >= 48 && bytes[q]! <= 57 && seconds < 100_000; q++)
      seconds = seconds * 10 + bytes[q]! - 48;
    return seconds;
  }
  return 0;
}
