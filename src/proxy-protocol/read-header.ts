/**
 * The header of the PROXY protocol, versions 1 and 2 (HAProxy's `doc/proxy-protocol.txt`; sections below are of that).
 * Strict: who sends it is a program that we were told to trust, so that anything odd is a fault, never a guess.
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

import type { Ends } from './write-header.ts';

/** More bytes are needed. */
export const INCOMPLETE = 0;

/** Why it is no header: negative, so that it cannot be taken for one. */
export const BAD_PROXY_HEADER = {
  /** What came begins like neither version. */
  missing: -1,
  malformed: -2,
  tooLong: -3,
} as const;

export interface ProxyHeader {
  /** Bytes of the header: what comes behind them is the connection's own. */
  readonly length: number;
  /** The client's connection; null: the proxy speaks for itself (LOCAL), or does not know (UNKNOWN, UNSPEC, a Unix socket). */
  readonly ends: Ends | null;
}

/** §2.1: the longest line of version 1, with its end. */
const MAX_LINE = 107;
/** Longest header of version 2: the addresses have 216 bytes at most, the rest is for extensions of which we read none. */
const MAX_BINARY = 4096;
const LINE = Buffer.from('PROXY ');
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n');
/** Signature, version and command, family and protocol, length. */
const FIXED = 16;
const LF = 0x0a;
const CR = 0x0d;

/** Reads what a connection begins with, `bytes[0 … length)`. @returns INCOMPLETE, a code of BAD_PROXY_HEADER, or the header */
export function readProxyHeader(bytes: Uint8Array, length: number): ProxyHeader | number {
  if (length === 0) return INCOMPLETE;
  const isLine = bytes[0] === LINE[0];
  const start = isLine ? LINE : SIGNATURE;
  for (let i = 0; i < start.length && i < length; i++) if (bytes[i] !== start[i]) return BAD_PROXY_HEADER.missing;
  return isLine ? readLine(bytes, length) : readBinary(bytes, length);
}

/** §2.1 */
function readLine(bytes: Uint8Array, length: number): ProxyHeader | number {
  const end = bytes.subarray(0, Math.min(length, MAX_LINE)).indexOf(LF);
  if (end < 0) return length < MAX_LINE ? INCOMPLETE : BAD_PROXY_HEADER.tooLong;
  if (bytes[end - 1] !== CR) return BAD_PROXY_HEADER.malformed;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end - 1).toString('latin1');
  const [, family, source, destination, ...ports] = text.split(' ');
  if (family === 'UNKNOWN') return { length: end + 1, ends: null };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isUnzoned : () => false;
  const isGood =
    isAddress(source ?? '') &&
    isAddress(destination ?? '') &&
    ports.length === 2 &&
    ports.every((port) => isPort(port));
  if (!isGood) return BAD_PROXY_HEADER.malformed;
  const [sourcePort, destinationPort] = ports.map(Number);
  return {
    length: end + 1,
    ends: {
      source: plain(source!),
      sourcePort: sourcePort!,
      destination: plain(destination!),
      destinationPort: destinationPort!,
    },
  };
}

/** What a zone means, only the machine knows that wrote it. */
function isUnzoned(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** By family and protocol (§2.2): the bytes of an address; both stand in front of two ports, but for Unix sockets. */
const ADDRESSES = new Map([
  [0x11, 4],
  [0x21, 16],
]);
const UNSPECIFIED = 0x00;
const UNIX_STREAM = 0x31;
const UNIX_BLOCK = 216;

/** §2.2 */
function readBinary(bytes: Uint8Array, length: number): ProxyHeader | number {
  if (length < FIXED) return INCOMPLETE;
  const command = bytes[12]!;
  const family = bytes[13]!;
  const rest = (bytes[14]! << 8) | bytes[15]!;
  if (command !== 0x20 && command !== 0x21) return BAD_PROXY_HEADER.malformed;
  if (FIXED + rest > MAX_BINARY) return BAD_PROXY_HEADER.tooLong;
  const end = FIXED + rest;
  const isLocal = command === 0x20;
  const size = ADDRESSES.get(family);
  const block = size === undefined ? (family === UNIX_STREAM ? UNIX_BLOCK : 0) : 2 * size + 4;
  if (!isLocal && block === 0 && family !== UNSPECIFIED) return BAD_PROXY_HEADER.malformed;
  if (!isLocal && rest < block) return BAD_PROXY_HEADER.malformed;
  if (length < end) return INCOMPLETE;
  // LOCAL and UNSPEC: whatever stands there says nothing
  if (isLocal || family === UNSPECIFIED) return { length: end, ends: null };
  if (!areExtensions(bytes, FIXED + block, end)) return BAD_PROXY_HEADER.malformed;
  if (size === undefined) return { length: end, ends: null };
  const ports = FIXED + 2 * size;
  return {
    length: end,
    ends: {
      source: addressAt(bytes, FIXED, size),
      sourcePort: (bytes[ports]! << 8) | bytes[ports + 1]!,
      destination: addressAt(bytes, FIXED + size, size),
      destinationPort: (bytes[ports + 2]! << 8) | bytes[ports + 3]!,
    },
  };
}

/** §2.2.7: a byte of type, two of length, and so many more; the last one ends where the header does. */
function areExtensions(bytes: Uint8Array, start: number, end: number): boolean {
  let p = start;
  while (p + 3 <= end) p += 3 + ((bytes[p + 1]! << 8) | bytes[p + 2]!);
  return p === end;
}

function addressAt(bytes: Uint8Array, start: number, size: number): string {
  if (size === 4) return bytes.subarray(start, start + size).join('.');
  const groups: string[] = [];
  for (let p = start; p < start + size; p += 2) groups.push(((bytes[p]! << 8) | bytes[p + 1]!).toString(16));
  return plain(groups.join(':'));
}

/** In the one form that logs and headers have: lower case, zeros left out (RFC 5952). */
function plain(address: string): string {
  return isIPv4(address) ? address : new SocketAddress({ address, family: 'ipv6' }).address;
}
