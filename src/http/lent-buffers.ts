/**
 * Buffers of a worker for bytes that have to wait: for the end of a turn, for the kernel, for a window. Those that rest serve
 * whoever comes next: fresh memory for each part of a long body costs more than all else that is done with it.
 */

const SMALL = 16_384;
/** Twice a read. */
export const LARGE_BUFFER = 131_072;
/** As many rest, 4 and 8 MB: what some streams keep of what came before their client took it. */
const MOST_SMALL = 256;
const MOST_LARGE = 64;
const small: Uint8Array[] = [];
const large: Uint8Array[] = [];
let saves = false;

/** At least `size` bytes; what is too long for these is growing, and gets twice that. */
export function lendBuffer(size: number): Uint8Array {
  if (size <= SMALL) return small.pop() ?? new Uint8Array(SMALL);
  if (size <= LARGE_BUFFER) return large.pop() ?? new Uint8Array(LARGE_BUFFER);
  return new Uint8Array(2 * size);
}

/** Nobody reads it any more. */
export function giveBufferBack(bytes: Uint8Array): void {
  if (bytes.length === SMALL && small.length < MOST_SMALL && !saves) small.push(bytes);
  else if (bytes.length === LARGE_BUFFER && large.length < MOST_LARGE && !saves) large.push(bytes);
}

/** Memory is short: none rests. */
export function saveLentBuffers(value: boolean): void {
  saves = value;
  if (saves) small.length = large.length = 0;
}
