/** Strings that are Huffman-coded (RFC 7541 §5.2, appendix B). */
import { CODES, LENGTHS } from './huffman-code.ts';

/**
 * Decodes `bytes[start … end)`.
 * @returns the text, a character per byte; null where it is malformed: EOS within it, or a padding of more than seven bits
 * or of other bits than the beginning of EOS
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | null {
  let text = '';
  let node = 0;
  let padding = 0;
  let ones = true;
  for (let p = start; p < end; p++) {
    const c = bytes[p]!;
    for (let bit = 7; bit >= 0; bit--) {
      const one = (c >>> bit) & 1;
      const next = TREE[2 * node + one]!;
      if (next >= 0) {
        node = next;
        padding++;
        ones &&= one === 1;
        continue;
      }
      const symbol = -1 - next;
      if (symbol === EOS) return null;
      text += String.fromCharCode(symbol);
      node = 0;
      padding = 0;
      ones = true;
    }
  }
  return padding > 7 || !ones ? null : text;
}

const EOS = 256;
/** Two entries per node, for the bits 0 and 1: the next node, or −1 − symbol. */
const TREE = tree();

function tree(): Int16Array {
  const nodes = new Int16Array(2 * (EOS + 1));
  let count = 1;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = LENGTHS[symbol]! - 1; bit > 0; bit--) {
      const at = 2 * node + ((CODES[symbol]! >>> bit) & 1);
      if (nodes[at] === 0) nodes[at] = count++;
      node = nodes[at]!;
    }
    nodes[2 * node + (CODES[symbol]! & 1)] = -1 - symbol;
  }
  return nodes;
}
