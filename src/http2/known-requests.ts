import type { HpackDecoder } from './hpack-decoder.ts';
/**
 * Requests of one connection that have come before, by the bytes of their block. A block means the same as long as nothing
 * is put into the dynamic table in between: clients that ask for the same again say so in a few bytes, and none of them
 * needs to be decoded or written anew.
 */
import { requestText, type RequestText, type Refused } from './request-text.ts';

/** What a block asks for. */
export interface KnownRequest {
  /** Null where it is malformed (a stream error, PROTOCOL_ERROR). */
  readonly request: RequestText | Refused | null;
  /** Its fields are more than is taken: no request was made of them. */
  readonly tooLarge: boolean;
  /** The head in HTTP/1.1; there is room for a zero behind `length` bytes. */
  readonly bytes: Uint8Array;
  readonly length: number;
}

interface Slot extends KnownRequest {
  readonly block: Uint8Array;
  readonly ended: boolean;
  /** Of the decoder's table. */
  readonly generation: number;
}

/** Each block has two places: that of its hash, and the one beside it for what was there before. */
const SLOTS = 64;
/** A longer block is decoded each time. */
const MOST_BLOCK = 512;

export class KnownRequests {
  private readonly slots: (Slot | null)[] = Array.from({ length: SLOTS }, () => null);
  private readonly newKey: () => string;

  /** @param newKey makes a Sec-WebSocket-Key */
  constructor(newKey: () => string) {
    this.newKey = newKey;
  }

  /**
   * The request in the block `bytes[start … end)`.
   * @param ended no body follows
   * @returns null where the block is malformed, and the connection cannot go on
   */
  find(decoder: HpackDecoder, bytes: Uint8Array, start: number, end: number, ended: boolean): KnownRequest | null {
    const at = slotOf(bytes, start, end);
    const { generation } = decoder;
    const known = this.slots[at]!;
    if (isOf(known, generation, ended, bytes, start, end)) return known;
    const before = this.slots[at ^ 1]!;
    if (isOf(before, generation, ended, bytes, start, end)) return before;
    if (!decoder.decode(bytes, start, end)) return null;
    if (decoder.tooLarge) return TOO_LARGE;
    const request = requestText(decoder.fields, ended, this.newKey);
    const made = asBytes(request);
    // a tunnel's key is used once
    const isTunnel = request?.type === 'request' && request.key !== '';
    if (isTunnel || end - start > MOST_BLOCK || decoder.generation !== generation) return made;
    const slot = { ...made, block: bytes.slice(start, end), ended, generation };
    this.slots[at ^ 1] = known;
    this.slots[at] = slot;
    return slot;
  }
}

const NOTHING = new Uint8Array(1);
const TOO_LARGE: KnownRequest = { request: null, tooLarge: true, bytes: NOTHING, length: 0 };

function asBytes(request: RequestText | Refused | null): KnownRequest {
  if (request === null || request.type === 'refused') return { request, tooLarge: false, bytes: NOTHING, length: 0 };
  const { text } = request;
  const bytes = Buffer.allocUnsafe(text.length + 1);
  bytes.write(text, 'latin1');
  return { request, tooLarge: false, bytes, length: text.length };
}

function isOf(
  slot: Slot | null,
  generation: number,
  ended: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): slot is Slot {
  if (slot === null || slot.generation !== generation || slot.ended !== ended) return false;
  const { block } = slot;
  if (block.length !== end - start) return false;
  for (let i = 0; i < block.length; i++) if (block[i] !== bytes[start + i]) return false;
  return true;
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let p = start; p < end; p++) hash = (hash * 31 + bytes[p]!) | 0;
  return hash & (SLOTS - 1);
}
