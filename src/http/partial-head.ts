/**
 * A head that comes in pieces. Parsing begins at its beginning each time, so whoever sends it in single bytes could have us
 * look at the square of its length: `isWorthParsing` keeps that to a small multiple of the length.
 */
export class PartialHead {
  /** What is there, with room for the zero behind it. */
  bytes: Uint8Array;
  length: number;
  /** Bytes that parsing has looked at, over all times. */
  parsed: number;

  /** `bytes[start … end)` has been parsed, and is not the whole. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.length = this.parsed = end - start;
    this.bytes = new Uint8Array(Math.max(512, 2 * this.length) + ROOM);
    this.bytes.set(bytes.subarray(start, end));
  }

  /** Appends `read[0 … length)`. @returns whether all of it ought to be parsed now */
  append(read: Uint8Array, length: number): boolean {
    const before = this.length;
    const total = before + length;
    if (total + ROOM > this.bytes.length) {
      const larger = new Uint8Array(2 * total + ROOM);
      larger.set(this.bytes.subarray(0, before));
      this.bytes = larger;
    }
    this.bytes.set(length === read.length ? read : read.subarray(0, length), before);
    this.length = total;
    return isWorthParsing(this.bytes, before, total, this.parsed);
  }
}

/**
 * Whether a head of which `bytes[0 … end)` is there, and `bytes[from … end)` is new, may be whole; or is malformed, which
 * must be found soon, but not at once.
 * @param parsed bytes that parsing it has looked at so far
 */
export function isWorthParsing(bytes: Uint8Array, from: number, end: number, parsed: number): boolean {
  return parsed <= PATIENCE * end || hasEmptyLine(bytes, from, end);
}

/** Faults are found when a sixteenth more of the head is there, at the latest; the cost is below seventeen times its length. */
const PATIENCE = 15;
/** Behind the end: one is needed. */
const ROOM = 8;

/** Does an empty line end in `bytes[from … end)`? */
function hasEmptyLine(bytes: Uint8Array, from: number, end: number): boolean {
  for (let p = bytes.indexOf(LF, from); p >= 0 && p < end; p = bytes.indexOf(LF, p + 1)) {
    const before = bytes[p - 1] === CR ? p - 2 : p - 1;
    if (before >= 0 && bytes[before] === LF) return true;
  }
  return false;
}

const CR = 0x0d;
const LF = 0x0a;
