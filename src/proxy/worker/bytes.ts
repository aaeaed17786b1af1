/** Copying and writing into the scratch area. */
import { input, inputView } from './buffers.ts';

/** Up to here a loop is cheaper than a view. */
const SHORT = 192;

/**
 * Copies `from[start … end)`; returns the offset behind. What
 * stands at the beginning of the read buffer, as heads do, has a view already, and so has what is copied whole.
 */
export function copyRange(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const length = end - start;
  if (start === 0 && from === input) {
    to.set(inputView(end), at);
    return at + length;
  }
  if (length === from.length) {
    to.set(from, at);
    return at + length;
  }
  if (length > SHORT) {
    to.set(from.subarray(start, end), at);
    return at + length;
  }
  let o = at;
  for (let p = start; p < end; p++) to[o++] = from[p]!;
  return o;
}

/** Writes a text of latin1 characters; returns the offset behind. */
export function writeText(text: string, to: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) to[at + i] = text.charCodeAt(i);
  return at + text.length;
}

export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** ASCII case-insensitive: is the name `bytes[start … end)` one of `names` (in lower case)? */
export function isOneOf(bytes: Uint8Array, start: number, end: number, names: readonly string[]): boolean {
  for (const name of names) {
    if (name.length !== end - start) continue;
    let i = 0;
    while (i < name.length && lower(bytes[start + i]!) === name.charCodeAt(i)) i++;
    if (i === name.length) return true;
  }
  return false;
}

function lower(c: number): number {
  return c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
}
