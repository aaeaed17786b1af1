/** A TLS client's first message: enough of it to know whom the client asks for (RFC 8446 §4.1.2, RFC 6066 §3). */

/** More bytes are needed. */
export const INCOMPLETE = 0;

/** Why it is no ClientHello that can be used: negative, so that it cannot be taken for one. */
export const BAD_HELLO = {
  /** Not TLS, or not well-formed. */
  malformed: -1,
  /** A request of HTTP in plain text. */
  plainHttp: -2,
  tooLarge: -3,
} as const;

export interface ClientHello {
  /** In lower case, without a final dot; '' where none is named. */
  readonly serverName: string;
}

/** Largest message, without the headers of its records; those of post-quantum key exchange have about 2 KB. */
export const MAX_HELLO = 16_384;
const RECORD_HEADER = 5;
/** A record of TLS in plain text has no more (RFC 8446 §5.1). */
const MAX_RECORD = 16_384;

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const MAX_NAME = 253;

/** Where a message that spans records is put together. */
const assembly = new Uint8Array(MAX_HELLO);

/**
 * Reads `bytes[0 … length)`, what a connection began with; a message may span records, and records may span reads.
 * @returns INCOMPLETE, a code of BAD_HELLO, or the message
 */
export function readHello(bytes: Uint8Array, length: number): ClientHello | number {
  if (length === 0) return INCOMPLETE;
  if (bytes[0] !== HANDSHAKE) return isLetter(bytes[0]!) ? BAD_HELLO.plainHttp : BAD_HELLO.malformed;
  /** Bytes of the message in the records so far, and in all (−1: not known yet). */
  let have = 0;
  let wanted = -1;
  for (let p = 0; ;) {
    if (p + RECORD_HEADER > length) return startsLikeRecord(bytes, p, length) ? INCOMPLETE : BAD_HELLO.malformed;
    if (!startsLikeRecord(bytes, p, length)) return BAD_HELLO.malformed;
    const size = uint16(bytes, p + 3);
    if (size === 0 || size > MAX_RECORD) return BAD_HELLO.malformed;
    const start = p + RECORD_HEADER;
    const end = Math.min(start + size, length);
    if (have === 0 && end > start && bytes[start] !== CLIENT_HELLO) return BAD_HELLO.malformed;
    if (have === 0 && end - start >= 4) {
      wanted = 4 + (bytes[start + 1]! << 16) + uint16(bytes, start + 2);
      if (wanted > MAX_HELLO) return BAD_HELLO.tooLarge;
      // all of it in the first record, as nearly always
      if (wanted <= end - start) return parse(bytes, start, start + wanted);
    }
    if (end < start + size) return INCOMPLETE;
    if (have + size > MAX_HELLO) return BAD_HELLO.tooLarge;
    assembly.set(bytes.subarray(start, end), have);
    have += size;
    if (wanted < 0 && have >= 4) {
      wanted = 4 + (assembly[1]! << 16) + uint16(assembly, 2);
      if (wanted > MAX_HELLO) return BAD_HELLO.tooLarge;
    }
    if (wanted >= 0 && have >= wanted) return parse(assembly, 0, wanted);
    p = end;
  }
}

/** As far as the header at `p` is here: type and version. */
function startsLikeRecord(bytes: Uint8Array, p: number, length: number): boolean {
  return (
    (p >= length || bytes[p] === HANDSHAKE) &&
    (p + 1 >= length || bytes[p + 1] === 3) &&
    (p + 2 >= length || bytes[p + 2]! <= 4)
  );
}

/** The whole message `bytes[start … end)`, its header of four bytes included. */
function parse(bytes: Uint8Array, start: number, end: number): ClientHello | number {
  // legacy_version and random
  let p = start + 4 + 2 + 32;
  if (p + 1 > end || bytes[p]! > 32) return BAD_HELLO.malformed;
  p += 1 + bytes[p]!;
  if (p + 2 > end) return BAD_HELLO.malformed;
  const suites = uint16(bytes, p);
  p += 2 + suites;
  if (suites < 2 || p + 1 > end) return BAD_HELLO.malformed;
  p += 1 + bytes[p]!;
  // extensions are missing in what old clients send
  if (p === end) return { serverName: '' };
  if (p + 2 > end || p + 2 + uint16(bytes, p) !== end) return BAD_HELLO.malformed;
  p += 2;
  let serverName: string | null = null;
  while (p < end) {
    if (p + 4 > end) return BAD_HELLO.malformed;
    const next = p + 4 + uint16(bytes, p + 2);
    if (next > end) return BAD_HELLO.malformed;
    if (uint16(bytes, p) === SERVER_NAME) {
      if (serverName !== null) return BAD_HELLO.malformed;
      serverName = nameIn(bytes, p + 4, next);
      if (serverName === null) return BAD_HELLO.malformed;
    }
    p = next;
  }
  return { serverName: serverName ?? '' };
}

/** The one name of the extension `bytes[start … end)`; null: not well-formed, or no name of a host. */
function nameIn(bytes: Uint8Array, start: number, end: number): string | null {
  if (end - start < 5 || start + 2 + uint16(bytes, start) !== end) return null;
  if (bytes[start + 2] !== HOST_NAME || start + 5 + uint16(bytes, start + 3) !== end) return null;
  let last = end;
  if (bytes[last - 1] === 0x2e) last--;
  const first = start + 5;
  if (last === first || last - first > MAX_NAME) return null;
  let name = '';
  for (let at = first; at < last; at++) {
    const byte = bytes[at]!;
    // RFC 6066: ASCII (A-labels); an underscore is no host name's, and yet in use
    if (!isLetter(byte) && !isDigit(byte) && byte !== 0x2d && byte !== 0x2e && byte !== 0x5f) return null;
    if (byte === 0x2e && (at === first || bytes[at - 1] === 0x2e)) return null;
    name += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
  }
  return name;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
