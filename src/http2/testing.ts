/** Blocks of fields as encoders of others make them, for tests: with a dynamic table and with Huffman's code. */
import { FRAME_HEAD, writeFrameHead } from './frames.ts';
import { CODES, LENGTHS } from './huffman-code.ts';
import { STATIC_TABLE } from './static-table.ts';

export function encodeHuffman(text: string): number[] {
  let bits = '';
  for (const c of Buffer.from(text, 'latin1')) bits += CODES[c]!.toString(2).padStart(LENGTHS[c]!, '0');
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [];
}

export function integer(first: number, mask: number, value: number): number[] {
  if (value < mask) return [first | value];
  const bytes = [first | mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

export function string(text: string, huffman = false): number[] {
  const bytes = huffman ? encodeHuffman(text) : [...Buffer.from(text, 'latin1')];
  return [...integer(huffman ? 0x80 : 0, 0x7f, bytes.length), ...bytes];
}

export interface Written {
  readonly name: string;
  readonly value: string;
  readonly how: 'indexed' | 'plain' | 'never';
  readonly huffman: boolean;
}

/** An encoder with a table of its own, as RFC 7541 describes it. */
export class TestEncoder {
  private table: [string, string][] = [];
  private limit = 4096;

  resize(limit: number): number[] {
    this.limit = limit;
    this.evict();
    return integer(0x20, 0x1f, limit);
  }

  encode(fields: readonly Written[]): number[] {
    return fields.flatMap((field) => this.field(field));
  }

  private field({ name, value, how, huffman }: Written): number[] {
    const all = [...STATIC_TABLE, ...this.table];
    const whole = all.findIndex((entry) => entry[0] === name && entry[1] === value) + 1;
    if (whole > 0) return integer(0x80, 0x7f, whole);
    const named = all.findIndex((entry) => entry[0] === name) + 1;
    const [first, mask] = how === 'indexed' ? [0x40, 0x3f] : how === 'never' ? [0x10, 0x0f] : [0, 0x0f];
    const bytes = [
      ...integer(first, mask, named),
      ...(named === 0 ? string(name, huffman) : []),
      ...string(value, huffman),
    ];
    if (how === 'indexed') {
      this.table.unshift([name, value]);
      this.evict();
    }
    return bytes;
  }

  private evict(): void {
    const size = () => this.table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.limit) this.table.pop();
  }
}

/** A frame of any kind. */
export function frame(type: number, flags: number, id: number, payload: readonly number[]): number[] {
  const bytes = new Uint8Array(FRAME_HEAD);
  writeFrameHead(bytes, 0, payload.length, type, flags, id);
  return [...bytes, ...payload];
}
