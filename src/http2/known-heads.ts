/**
 * Heads that have come before, by the bytes of their block. While the peer has no dynamic table, a block means the same each
 * time: looking it up instead of decoding it saves 4.6 µs of the 20 that a request costs.
 */
import { ResponseHead, parseResponse } from '../http/parse-response.ts';
import { type AnswerText, answerText, switchingText } from './answer-text.ts';
import type { HpackDecoder } from './hpack-decoder.ts';

export interface KnownHead {
  /** The head in HTTP/1.1; a zero is behind it. */
  readonly bytes: Uint8Array;
  /** It goes to clients as it is, has a length, and is short: what a parser would say of it is known (see `recall`). */
  readonly isPlain: boolean;
  readonly status: number;
  /** What content-length says; −1 = nothing. */
  readonly length: number;
  readonly block: Uint8Array;
  readonly behind: number;
  /** It means the same only as long as the table has no room. */
  readonly indexes: boolean;
}

/** A longer block is decoded each time. */
const MOST_BLOCK = 1024;
const SLOTS = 256;

/** Bounded: a head that comes takes the place of another. At most a megabyte, where all of them are as long as they may be. */
export class KnownHeads {
  private readonly slots: (KnownHead | null)[] = Array.from({ length: SLOTS }, () => null);

  /**
   * The head in the block `bytes[start … end)`.
   * @param behind one of BEHIND
   * @returns null where it is malformed; undefined where the block is, and the connection cannot go on
   */
  find(
    decoder: HpackDecoder,
    bytes: Uint8Array,
    start: number,
    end: number,
    behind: number,
  ): KnownHead | null | undefined {
    const length = end - start;
    const slot = slotOf(bytes, start, end, behind);
    const known = this.slots[slot]!;
    if (known !== null && known.behind === behind && (!known.indexes || decoder.isStateless)) {
      const { block } = known;
      let i = block.length === length ? 0 : -1;
      while (i >= 0 && i < length) i = block[i] === bytes[start + i] ? i + 1 : -1;
      if (i >= 0) return known;
    }
    if (!decoder.decode(bytes, start, end)) return undefined;
    const text = decoder.tooLarge ? null : answerText(decoder.fields, behind);
    if (text === null) return null;
    const isKept = length <= MOST_BLOCK && !decoder.touched;
    const head = headOf(text, isKept ? bytes.slice(start, end) : NOTHING, behind, decoder.indexes);
    if (isKept) this.slots[slot] = head;
    return head;
  }
}

/**
 * The head of an answer to an extended CONNECT: 101 where the tunnel is open.
 * @param accept Sec-WebSocket-Accept of the key that the server has not seen
 * @returns as `find`
 */
export function tunnelHead(
  decoder: HpackDecoder,
  bytes: Uint8Array,
  start: number,
  end: number,
  behind: number,
  accept: string,
): KnownHead | null | undefined {
  if (!decoder.decode(bytes, start, end)) return undefined;
  if (decoder.tooLarge) return null;
  const text = switchingText(decoder.fields, accept) ?? answerText(decoder.fields, behind);
  return text === null ? null : headOf(text, NOTHING, behind, false);
}

function headOf(text: AnswerText, block: Uint8Array, behind: number, indexes: boolean): KnownHead {
  const lines = text.text;
  const room = new Uint8Array(lines.length + 1);
  for (let i = 0; i < lines.length; i++) room[i] = lines.charCodeAt(i);
  return {
    bytes: room.subarray(0, lines.length),
    isPlain: isPlain(room, lines.length),
    status: text.status,
    length: text.length,
    block,
    behind,
    indexes,
  };
}

const NOTHING = new Uint8Array(0);
const MOST_PLAIN = 16_384;
/** Answers that may have content behind them. */
const LEAST_STATUS = 200;
const parsed = new ResponseHead();

function isPlain(bytes: Uint8Array, length: number): boolean {
  return (
    length <= MOST_PLAIN &&
    parseResponse(parsed, bytes, 0, length) === length &&
    parsed.status >= LEAST_STATUS &&
    parsed.plainLine &&
    parsed.plainFraming &&
    parsed.hasLength &&
    !parsed.special
  );
}

/** Sets `head` to what parsing a plain `known` would make of it, but for its list of fields. */
export function recall(head: ResponseHead, known: KnownHead): void {
  head.bytes = known.bytes;
  head.start = head.fieldCount = head.keepAliveSeconds = 0;
  head.end = known.bytes.length;
  head.status = known.status;
  head.minor = 1;
  head.plainLine = head.plainFraming = head.hasLength = head.keepAlive = true;
  head.special = head.chunked = head.upgrade = false;
  head.length = known.length;
}

function slotOf(bytes: Uint8Array, start: number, end: number, behind: number): number {
  let hash = end - start + behind;
  // fields that differ from answer to answer stand anywhere: lengths first, most often
  for (let p = start; p < end; p += 7) hash = (hash * 31 + bytes[p]!) | 0;
  return hash & (SLOTS - 1);
}
