/** Bytes in their order, copied in and copied out, in buffers that are lent. */
import { giveBufferBack, LARGE_BUFFER, lendBuffer } from './lent-buffers.ts';

/** So few that a buffer would be a waste: many streams may each keep little. */
const FEW = 4096;

export class ByteQueue {
  length = 0;
  private readonly blocks: Uint8Array[] = [];
  /** Where the first block's bytes begin, and the last one's end. */
  private start = 0;
  private end = 0;

  /** Copies `bytes[start … end)`. */
  put(bytes: Uint8Array, start: number, end: number): void {
    this.length += end - start;
    for (let p = start; p < end;) {
      let last = this.blocks.at(-1);
      if (last === undefined || this.end === last.length) {
        const rest = end - p;
        last = rest <= FEW ? new Uint8Array(rest) : lendBuffer(Math.min(rest, LARGE_BUFFER));
        this.blocks.push(last);
        this.end = 0;
      }
      const size = Math.min(end - p, last.length - this.end);
      last.set(bytes.subarray(p, p + size), this.end);
      this.end += size;
      p += size;
    }
  }

  /** Moves the first bytes to the beginning of `into`, at most `most`. @returns how many */
  take(into: Uint8Array, most: number): number {
    let taken = 0;
    while (taken < most && this.length > 0) {
      const block = this.blocks[0]!;
      const last = this.blocks.length === 1 ? this.end : block.length;
      const size = Math.min(most - taken, last - this.start);
      into.set(block.subarray(this.start, this.start + size), taken);
      taken += size;
      this.start += size;
      this.length -= size;
      if (this.start === last) this.drop();
    }
    return taken;
  }

  clear(): void {
    this.length = 0;
    while (this.blocks.length > 0) this.drop();
  }

  private drop(): void {
    giveBufferBack(this.blocks.shift()!);
    this.start = 0;
  }
}
