/**
 * Request heads (RFC 9112 §2–3, §5), strictly: one pass, no strings, no bounds checks (a zero byte behind the data ends
 * every scan). What is not plainly right is an error; the number of each rule in the comments is that of the malformed
 * inputs in the tests.
 */
import { BAD, INCOMPLETE } from './bad.ts';
import { PATH, QUERY, TOKEN, VALUE, spells } from './characters.ts';
import { hostEnd } from './host.ts';
import { classifyRequestField, finishRequestFields, resetRequestFields } from './request-fields.ts';
import { FIELD, MAX_FIELDS, type RequestHead } from './request-head.ts';
import { normalisePath, normalisedPath } from './target.ts';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const MAX_METHOD = 32;

/**
 * Parses the head that begins at `start`; `bytes[end]` must be 0.
 * @returns the offset behind the head, INCOMPLETE, or one of BAD
 */
export function parseRequest(head: RequestHead, bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  // 52: at most two empty lines before a request (RFC 9112 §2.2 asks for one)
  while (bytes[p] === CR && bytes[p + 1] === LF && p < start + 4) p += 2;
  head.bytes = bytes;
  head.start = p;
  while (TOKEN[bytes[p]!] !== 0 || bytes[p] === 0x5f) p++;
  const methodLength = p - head.start;
  if (bytes[p] !== SP || methodLength === 0 || methodLength > MAX_METHOD) {
    if (p < end || methodLength > MAX_METHOD)
      return bytes[p] === CR && p + 1 === end && methodLength === 0 ? INCOMPLETE : BAD.request;
    return INCOMPLETE;
  }
  head.methodEnd = p;
  p = parseTarget(head, p + 1, end);
  if (p <= 0) return p;
  p = parseVersion(head, p, end);
  if (p <= 0) return p;
  return parseFields(head, p, end);
}

/** From the first byte of the target; returns the offset behind the blank that ends it. */
function parseTarget(head: RequestHead, start: number, end: number): number {
  const bytes = head.bytes;
  let p = start;
  head.targetStart = start;
  head.isAbsolute = false;
  head.isAsterisk = false;
  head.rewriteLine = false;
  methodFlags(head);
  if (isConnect(head)) return BAD.method;
  if (bytes[p] !== 0x2f) {
    if (p >= end) return INCOMPLETE;
    p = bytes[p] === 0x2a ? asterisk(head, p) : absolute(head, p, end);
    if (p <= 0) return p;
    head.rewriteLine = true;
    if (head.isAsterisk || bytes[p] !== 0x2f) return endOfEmptyPath(head, p, end);
  }
  head.pathStart = p;
  let irregular = false;
  for (;;) {
    let c = bytes[++p]!;
    while (PATH[c] === 1) c = bytes[++p]!;
    if (c === 0x2e) irregular ||= bytes[p - 1] === 0x2f;
    else if (c === 0x25) irregular = true;
    else break;
  }
  let pathEnd = p;
  head.queryStart = p;
  head.hasQuery = bytes[p] === 0x3f;
  if (head.hasQuery) {
    head.queryStart = ++p;
    while (QUERY[bytes[p]!] === 1) p++;
  }
  head.queryEnd = p;
  if (bytes[p] !== SP) return p >= end ? INCOMPLETE : BAD.target;
  head.targetEnd = p;
  head.pathBytes = bytes;
  if (irregular) {
    pathEnd = normalisePath(bytes, head.pathStart, pathEnd);
    if (pathEnd < 0) return BAD.target;
    head.pathBytes = normalisedPath;
    head.pathStart = 0;
    head.rewriteLine = true;
  }
  head.pathEnd = pathEnd;
  return p + 1;
}

const rootPath = new Uint8Array([0x2f, 0]);

/** `*` of OPTIONS, and `http://host` without a path, which means `/`. */
function endOfEmptyPath(head: RequestHead, p: number, end: number): number {
  const bytes = head.bytes;
  head.pathBytes = rootPath;
  head.pathStart = 0;
  head.pathEnd = 1;
  head.queryStart = head.queryEnd = p;
  head.hasQuery = false;
  if (bytes[p] !== SP) return p >= end ? INCOMPLETE : BAD.target;
  head.targetEnd = p;
  return p + 1;
}

function asterisk(head: RequestHead, p: number): number {
  if (!head.isOptions) return BAD.target;
  head.isAsterisk = true;
  return p + 1;
}

/** `http://authority` (60, 61); returns the offset behind the authority. */
function absolute(head: RequestHead, start: number, end: number): number {
  const bytes = head.bytes;
  const scheme = Math.min(7, end - start);
  if (!spells(bytes, start, 'http'.slice(0, scheme))) return BAD.target;
  for (let i = 4; i < scheme; i++) if (bytes[start + i] !== '://'.charCodeAt(i - 4)) return BAD.target;
  if (scheme < 7) return INCOMPLETE;
  let p = start + 7;
  while (QUERY[bytes[p]!] === 1 && bytes[p] !== 0x2f && bytes[p] !== 0x3f) p++;
  if (p >= end) return INCOMPLETE;
  const host = hostEnd(bytes, start + 7, p);
  if (host < 0) return BAD.target;
  head.isAbsolute = true;
  head.authorityStart = head.hostStart = start + 7;
  head.authorityEnd = p;
  head.hostEnd = host;
  return p;
}

/** `HTTP/1.x` CRLF. */
function parseVersion(head: RequestHead, p: number, end: number): number {
  const bytes = head.bytes;
  if (p + 10 > end) {
    for (let i = 0; p + i < end; i++) {
      const want = 'HTTP/1.'.charCodeAt(i);
      if (i < 7 && bytes[p + i] !== want) return i === 5 ? versionError(bytes[p + i]!) : BAD.request;
    }
    return bytes[p + 8] === undefined || p + 8 >= end || bytes[p + 8] === CR ? INCOMPLETE : BAD.request;
  }
  const good =
    bytes[p] === 0x48 &&
    bytes[p + 1] === 0x54 &&
    bytes[p + 2] === 0x54 &&
    bytes[p + 3] === 0x50 &&
    bytes[p + 4] === 0x2f;
  if (!good || bytes[p + 6] !== 0x2e || bytes[p + 8] !== CR || bytes[p + 9] !== LF) return BAD.request;
  const minor = bytes[p + 7]! - 48;
  if (minor < 0 || minor > 9) return BAD.request;
  if (bytes[p + 5] !== 0x31) return versionError(bytes[p + 5]!);
  head.minor = minor === 0 ? 0 : 1;
  if (minor !== 1) head.rewriteLine = true;
  return p + 10;
}

function versionError(digit: number): number {
  return digit >= 0x30 && digit <= 0x39 ? BAD.version : BAD.request;
}

/** Field lines, and what they mean for the request as a whole. */
function parseFields(head: RequestHead, start: number, end: number): number {
  const bytes = head.bytes;
  const fields = head.fields;
  const kinds = head.kinds;
  let p = start;
  let count = 0;
  resetRequestFields(head);
  for (;;) {
    const name = p;
    let underscore = false;
    for (;;) {
      while (TOKEN[bytes[p]!] !== 0) p++;
      if (bytes[p] !== 0x5f) break;
      underscore = true;
      p++;
    }
    if (bytes[p] !== 0x3a) {
      if (p === name && bytes[p] === CR) {
        if (p + 1 >= end) return INCOMPLETE;
        if (bytes[p + 1] !== LF) return BAD.request;
        head.fieldCount = count;
        head.end = p + 2;
        return finishRequestFields(head);
      }
      return p >= end ? INCOMPLETE : BAD.request;
    }
    const nameEnd = p;
    if (nameEnd === name) return BAD.request;
    let c = bytes[++p]!;
    while (c === SP || c === 0x09) c = bytes[++p]!;
    const value = p;
    while (VALUE[bytes[p]!] !== 0) p++;
    if (bytes[p] !== CR) return p >= end ? INCOMPLETE : BAD.request;
    if (p + 1 >= end) return INCOMPLETE;
    if (bytes[p + 1] !== LF) return BAD.request;
    let valueEnd = p;
    while (valueEnd > value && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === 0x09)) valueEnd--;
    p += 2;
    if (count === MAX_FIELDS - 1) return BAD.tooManyFields;
    const i = 4 * count;
    fields[i] = name;
    fields[i + 1] = nameEnd;
    fields[i + 2] = value;
    fields[i + 3] = valueEnd;
    const kind = underscore ? FIELD.dropped : classifyRequestField(head, name, nameEnd, value, valueEnd, count);
    if (kind < 0) return kind;
    kinds[count++] = kind;
    if (kind > FIELD.plain) head.special = true;
  }
}

function methodFlags(head: RequestHead): void {
  const bytes = head.bytes;
  const s = head.start;
  head.isGet = head.isHead = head.isOptions = head.isIdempotent = false;
  switch (head.methodEnd - s) {
    case 3:
      head.isGet = bytes[s] === 0x47 && bytes[s + 1] === 0x45 && bytes[s + 2] === 0x54;
      head.isIdempotent = head.isGet || isMethod(bytes, s, 'PUT');
      break;
    case 4:
      head.isHead = head.isIdempotent = isMethod(bytes, s, 'HEAD');
      break;
    case 5:
      head.isIdempotent = isMethod(bytes, s, 'TRACE');
      break;
    case 6:
      head.isIdempotent = isMethod(bytes, s, 'DELETE');
      break;
    case 7:
      head.isOptions = head.isIdempotent = isMethod(bytes, s, 'OPTIONS');
      break;
  }
}

function isConnect(head: RequestHead): boolean {
  return head.methodEnd - head.start === 7 && isMethod(head.bytes, head.start, 'CONNECT');
}

/** Methods are case-sensitive (RFC 9110 §9.1). */
function isMethod(bytes: Uint8Array, at: number, method: string): boolean {
  for (let i = 0; i < method.length; i++) if (bytes[at + i] !== method.charCodeAt(i)) return false;
  return true;
}
