/** Chunks as we write them: one per read, whatever came in. */
import { writeChunkSize } from '../../http/chunked.ts';

/** The space in front of a chunk's data in which its size is written. */
export const CHUNK_ROOM = 20;

export const LAST_CHUNK: Uint8Array = Buffer.from('0\r\n\r\n');

/** Makes one chunk of the `size` bytes at `at + CHUNK_ROOM`, beginning at `at`; returns the offset behind it. */
export function frame(output: Uint8Array, at: number, size: number): number {
  if (size === 0) return at;
  const data = writeChunkSize(output, at, size);
  output.copyWithin(data, at + CHUNK_ROOM, at + CHUNK_ROOM + size);
  output[data + size] = 0x0d;
  output[data + size + 1] = 0x0a;
  return data + size + 2;
}
