/** Fields as we write them into a block (RFC 7541 §6.2): from bytes to bytes, without strings and without a dynamic table. */

import { fieldLine, readFieldLine } from './field-line.ts';

/** No head of so many bytes becomes a block that is longer than this. */
export const mostBlock = (head: number): number => 2 * head + 64;

/** Added to the index: nobody may put it into a table (§6.2.3). */
export const NEVER = 0x100;

/**
 * The field that was read last (`fieldLine`), from `from`: literal, put into no table.
 * @param index of its name in the static table; 0 = it is written out, in lower case. With NEVER: nobody may put it into one
 */
export function writeField(from: Uint8Array, index: number, out: Uint8Array, at: number): number {
  const { name, nameEnd, value, valueEnd } = fieldLine;
  const first = index >= NEVER ? 0x10 : 0;
  let o = writeInteger(out, at, first, 0x0f, index & 0xff);
  if ((index & 0xff) === 0) {
    o = writeInteger(out, o, 0, 0x7f, nameEnd - name);
    for (let p = name; p < nameEnd; p++) {
      const c = from[p]!;
      out[o++] = c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
    }
  }
  return writeString(from, value, valueEnd, out, o);
}

/** Up to here a loop is cheaper than a view. */
const SHORT = 64;

/** Without Huffman's code. */
export function writeString(from: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let o = writeInteger(out, at, 0, 0x7f, end - start);
  if (end - start > SHORT) {
    out.set(from.subarray(start, end), o);
    return o + end - start;
  }
  for (let p = start; p < end; p++) out[o++] = from[p]!;
  return o;
}

/** RFC 7541 §5.1: with the prefix `mask`, beside the bits `first`. */
function writeInteger(out: Uint8Array, at: number, first: number, mask: number, value: number): number {
  if (value < mask) {
    out[at] = first | value;
    return at + 1;
  }
  out[at] = first | mask;
  let o = at + 1;
  let rest = value - mask;
  while (rest >= 0x80) {
    out[o++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[o++] = rest;
  return o;
}

/** A section of trailers: `lines` as in HTTP/1.1, each with its CRLF. Returns the offset behind. */
export function writeTrailerBlock(lines: readonly number[], out: Uint8Array, at: number): number {
  const bytes = Uint8Array.from(lines);
  let o = at;
  for (let p = 0; p < bytes.length;) {
    p = readFieldLine(bytes, p);
    o = writeField(bytes, 0, out, o);
  }
  return o;
}
