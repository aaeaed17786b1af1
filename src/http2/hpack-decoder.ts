/**
 * Blocks of fields as peers send them (RFC 7541). Clients may use a dynamic table of 4,096 bytes; to servers its size is
 * announced as 0, but until they have acknowledged that, they may use as much.
 */
import { decodeHuffman } from './huffman.ts';
import { STATIC_TABLE } from './static-table.ts';

/** The most that a peer may have the table be. */
const MOST_TABLE = 4096;
/** So many times as large as is taken, a block is an attack. */
const BOMB = 16;
/** What each entry counts for beside its text (RFC 7541 §4.1). */
const OVERHEAD = 32;

export class HpackDecoder {
  /** Names and values of the last block, in turn; a character per byte. */
  fields: string[] = [];
  /** The last block had more than was allowed: the rest is not in `fields`. */
  tooLarge = false;
  /** The last block says something about the table: the same bytes may mean something else another time. */
  touched = false;
  /** The last block puts something into the table, where that has room. */
  indexes = false;
  /** Goes up whenever what indexes mean may have changed. */
  generation = 0;
  private readonly most: number;
  private position = 0;
  /** The newest first. */
  private readonly table: (readonly [name: string, value: string])[] = [];
  private size = 0;
  private limit = MOST_TABLE;

  /** `most`: bytes that the fields of one block may have, counted as RFC 9113 §6.5.2 counts them. */
  constructor(most: number) {
    this.most = most;
  }

  /** The table has no room: whatever a block puts into it is forgotten at once. */
  get isStateless(): boolean {
    return this.limit === 0;
  }

  /** @returns false where the block is malformed: the connection cannot go on (COMPRESSION_ERROR) */
  decode(bytes: Uint8Array, start: number, end: number): boolean {
    this.fields = [];
    this.tooLarge = this.touched = this.indexes = false;
    this.position = start;
    let total = 0;
    let first = true;
    while (this.position < end) {
      const c = bytes[this.position]!;
      if ((c & 0xe0) === 0x20) {
        const size = this.integer(bytes, end, 0x1f);
        if (!first || size < 0 || size > MOST_TABLE) return false;
        this.touched = true;
        this.generation++;
        this.limit = size;
        this.evict(0);
        continue;
      }
      first = false;
      const field = c & 0x80 ? this.indexed(bytes, end) : this.literal(bytes, end, c);
      if (field === null) return false;
      total += field[0].length + field[1].length + OVERHEAD;
      // a few bytes that name a long entry again and again (113): nobody honest comes near it
      if (total > BOMB * this.most) return false;
      if (total > this.most) this.tooLarge = true;
      else this.fields.push(field[0], field[1]);
    }
    return true;
  }

  private indexed(bytes: Uint8Array, end: number): readonly [string, string] | null {
    return this.entry(this.integer(bytes, end, 0x7f));
  }

  private literal(bytes: Uint8Array, end: number, c: number): readonly [string, string] | null {
    const isIndexing = (c & 0x40) !== 0;
    const index = this.integer(bytes, end, isIndexing ? 0x3f : 0x0f);
    const name = index === 0 ? this.string(bytes, end) : (this.entry(index)?.[0] ?? null);
    if (name === null) return null;
    const value = this.string(bytes, end);
    if (value === null) return null;
    const field = [name, value] as const;
    if (isIndexing) this.insert(field);
    return field;
  }

  private entry(index: number): readonly [string, string] | null {
    if (index < 1) return null;
    if (index <= STATIC_TABLE.length) return STATIC_TABLE[index - 1]!;
    this.touched = true;
    return this.table[index - STATIC_TABLE.length - 1] ?? null;
  }

  private insert(field: readonly [string, string]): void {
    this.indexes = true;
    if (this.limit === 0) return;
    this.touched = true;
    this.generation++;
    const size = field[0].length + field[1].length + OVERHEAD;
    this.evict(size);
    if (size > this.limit) return;
    this.table.unshift(field);
    this.size += size;
  }

  /** Makes room for `size` bytes. */
  private evict(size: number): void {
    while (this.table.length > 0 && this.size + size > this.limit) {
      const [name, value] = this.table.pop()!;
      this.size -= name.length + value.length + OVERHEAD;
    }
  }

  /** An integer (§5.1) of at most four bytes behind its prefix; −1 where it is malformed or longer. */
  private integer(bytes: Uint8Array, end: number, mask: number): number {
    let value = bytes[this.position++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift < 28 && this.position < end; shift += 7) {
      const c = bytes[this.position++]!;
      value += (c & 0x7f) << shift;
      if (c < 0x80) return value;
    }
    return -1;
  }

  private string(bytes: Uint8Array, end: number): string | null {
    if (this.position >= end) return null;
    const isCoded = (bytes[this.position]! & 0x80) !== 0;
    const length = this.integer(bytes, end, 0x7f);
    const start = this.position;
    if (length < 0 || start + length > end) return null;
    this.position = start + length;
    if (isCoded) return decodeHuffman(bytes, start, start + length);
    let text = '';
    for (let p = start; p < start + length; p++) text += String.fromCharCode(bytes[p]!);
    return text;
  }
}
