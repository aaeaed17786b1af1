/** What single request fields mean for framing, routing and the connection; the field parser calls it line by line. */
import { BAD } from './bad.ts';
import { HEX, spells } from './characters.ts';
import { applyConnection, connectionField } from './connection-fields.ts';
import { hostEnd } from './host.ts';
import { FIELD, type RequestHead } from './request-head.ts';
import { eachToken, hasToken } from './tokens.ts';

export function resetRequestFields(head: RequestHead): void {
  head.special = false;
  head.bodyLength = 0;
  head.hasLength = false;
  head.plainFraming = true;
  head.keepAlive = head.minor === 1;
  head.expectsContinue = false;
  head.upgrade = false;
  head.acceptsTrailers = false;
  head.cookie = -1;
  head.hosts = head.connections = head.upgrades = 0;
  head.closes = false;
  if (!head.isAbsolute) head.authorityStart = head.authorityEnd = head.hostStart = head.hostEnd = 0;
}

/** @returns the FIELD kind of the line, or one of BAD. Switches on the length of the name first: most are unknown. */
export function classifyRequestField(
  head: RequestHead,
  name: number,
  nameEnd: number,
  value: number,
  valueEnd: number,
  index: number,
): number {
  const b = head.bytes;
  switch (nameEnd - name) {
    case 2:
      return spells(b, name, 'te') ? te(head, value, valueEnd) : FIELD.plain;
    case 4:
      return spells(b, name, 'host') ? host(head, value, valueEnd) : FIELD.plain;
    case 6:
      if (spells(b, name, 'expect')) return expect(head, value, valueEnd);
      if (spells(b, name, 'cookie')) head.cookie = index;
      return FIELD.plain;
    case 7:
      if (spells(b, name, 'upgrade')) {
        head.upgrades += isWebsocket(b, value, valueEnd) ? 1 : 1000;
        return FIELD.upgrade;
      }
      return spells(b, name, 'trailer') ? FIELD.dropped : FIELD.plain;
    case 9:
      if (spells(b, name, 'forwarded')) return FIELD.forwardedFor;
      return spells(b, name, 'x-real-ip') ? FIELD.forwarded : FIELD.plain;
    case 10:
      if (spells(b, name, 'connection')) return connectionField(head, value, valueEnd);
      return spells(b, name, 'keep-alive') ? FIELD.dropped : FIELD.plain;
    case 14:
      if (spells(b, name, 'content-length')) return contentLength(head, nameEnd, value, valueEnd);
      return spells(b, name, 'http2-settings') ? FIELD.dropped : FIELD.plain;
    case 15:
      return spells(b, name, 'x-forwarded-for') ? FIELD.forwardedFor : FIELD.plain;
    case 16:
      if (spells(b, name, 'proxy-connection')) return FIELD.dropped;
      break;
    case 17:
      if (spells(b, name, 'transfer-encoding')) return transferEncoding(head, nameEnd, value, valueEnd);
      break;
    case 18:
      if (spells(b, name, 'proxy-authenticate')) return FIELD.dropped;
      break;
    case 19:
      if (spells(b, name, 'proxy-authorization')) return FIELD.dropped;
      break;
  }
  return (b[name]! | 0x20) === 0x78 && nameEnd - name > 11 && spells(b, name, 'x-forwarded')
    ? FIELD.forwarded
    : FIELD.plain;
}

/** What only the whole head can tell. @returns the end of the head, or one of BAD */
export function finishRequestFields(head: RequestHead): number {
  // 55, 56: exactly one Host on HTTP/1.1; 1, 2: both framings; 11: chunked on HTTP/1.0
  if (head.hosts > 1 || (head.hosts === 0 && head.minor === 1)) return BAD.host;
  if (head.bodyLength < 0 && (head.hasLength || head.minor === 0)) return BAD.framing;
  if (head.special) {
    if (head.connections > 0) applyConnection(head);
    if (head.closes) head.keepAlive = false;
    // 81, 82: only a bodiless GET on HTTP/1.1 whose Connection names it, and only to websocket
    head.upgrade &&= head.upgrades === 1 && head.isGet && head.minor === 1 && head.bodyLength === 0;
    // 93: without a body nobody waits; HTTP/1.0 knows no expectations
    if (head.minor === 0 || head.bodyLength === 0) head.expectsContinue = false;
  }
  return head.end;
}

function host(head: RequestHead, value: number, valueEnd: number): number {
  head.hosts++;
  const end = hostEnd(head.bytes, value, valueEnd);
  if (end < 0) return BAD.host;
  if (head.isAbsolute) return FIELD.host;
  head.authorityStart = head.hostStart = value;
  head.authorityEnd = valueEnd;
  head.hostEnd = end;
  return FIELD.plain;
}

/** 12–17: digits only, at most 15 of them (exact in a double), once; leading zeros are written anew. */
function contentLength(head: RequestHead, nameEnd: number, value: number, valueEnd: number): number {
  if (head.hasLength) return BAD.framing;
  const length = parseLength(head.bytes, value, valueEnd);
  if (length < 0) return BAD.framing;
  head.hasLength = true;
  if (head.bodyLength === 0) head.bodyLength = length;
  head.plainFraming = isPlain(head.bytes, nameEnd, value, valueEnd) && !hasLeadingZero(head.bytes, value, valueEnd);
  return head.plainFraming ? FIELD.plain : FIELD.contentLength;
}

/** One blank behind the colon, none behind the value: as we write a line ourselves. */
export function isPlain(bytes: Uint8Array, nameEnd: number, value: number, valueEnd: number): boolean {
  return value === nameEnd + 2 && bytes[nameEnd + 1] === 0x20 && bytes[valueEnd] === 0x0d;
}

export function hasLeadingZero(bytes: Uint8Array, value: number, valueEnd: number): boolean {
  return bytes[value] === 0x30 && valueEnd - value > 1;
}

export function isLowerCase(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! < 0x61) return false;
  return true;
}

/** Value of a Content-Length, or −1. */
export function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = HEX[bytes[i]!]!;
    if (digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** 3–8: exactly `chunked`; another coding before it is one that we do not implement. */
function transferEncoding(head: RequestHead, nameEnd: number, value: number, valueEnd: number): number {
  const b = head.bytes;
  if (head.bodyLength < 0) return BAD.framing;
  if (valueEnd - value === 7 && spells(b, value, 'chunked')) {
    head.bodyLength = -1;
    head.plainFraming = isPlain(b, nameEnd, value, valueEnd) && isLowerCase(b, value, valueEnd);
    return head.plainFraming ? FIELD.plain : FIELD.transferEncoding;
  }
  let codings = 0;
  let chunked = 0;
  let last = false;
  const wellFormed = eachToken(b, value, valueEnd, (start, end) => {
    codings++;
    last = end - start === 7 && spells(b, start, 'chunked');
    if (last) chunked++;
  });
  return wellFormed && codings > 1 && last && chunked === 1 ? BAD.notImplemented : BAD.framing;
}

/** 92: any other expectation is refused. */
function expect(head: RequestHead, value: number, valueEnd: number): number {
  if (valueEnd - value !== 12 || !spells(head.bytes, value, '100-continue')) return BAD.expectation;
  head.expectsContinue = true;
  return FIELD.expect;
}

function te(head: RequestHead, value: number, valueEnd: number): number {
  if (hasToken(head.bytes, value, valueEnd, 'trailers')) head.acceptsTrailers = true;
  return FIELD.te;
}

function isWebsocket(bytes: Uint8Array, value: number, valueEnd: number): boolean {
  return valueEnd - value === 9 && spells(bytes, value, 'websocket');
}
