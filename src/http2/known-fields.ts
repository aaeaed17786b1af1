/**
 * The fields of the request before, as text and as the block that was made of them: most clients say the same with each
 * request of a connection, but for its first line.
 */

/** Longer fields are encoded each time. */
const MOST_TEXT = 2048;
/** Requests in a row whose fields were others: from then on nothing is kept. */
const MOST_MISSES = 8;

const NOTHING = Buffer.alloc(0);

/** Of one client's connection. */
export class KnownFields {
  block: Uint8Array = NOTHING;
  /** Bytes that follow as the body; −1 = chunks. */
  bodyLength = 0;
  private text: Buffer = NOTHING;
  private misses = 0;

  /** Length of the text. */
  get length(): number {
    return this.text.length;
  }

  /** Does the text stand in `head` at `at`? */
  isAt(head: Uint8Array, at: number): boolean {
    const { text } = this;
    if (text.length === 0 || at + text.length > head.length) return false;
    if (text.compare(head, at, at + text.length) !== 0) return false;
    this.misses = 0;
    return true;
  }

  /** `head[start … end)` became `out[from … to)`. */
  keep(
    head: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    from: number,
    to: number,
    bodyLength: number,
  ): void {
    if (this.misses > MOST_MISSES || end - start > MOST_TEXT) return;
    if (++this.misses > MOST_MISSES) {
      this.text = NOTHING;
      this.block = NOTHING;
      return;
    }
    this.text = Buffer.from(head.subarray(start, end));
    this.block = out.slice(from, to);
    this.bodyLength = bodyLength;
  }
}
