/** Strings that are Huffman-coded (RFC 7541 §5.2, appendix B). */
import { CODES, LENGTHS } from './huffman-code.ts';

const EOS = 256;
const NODES = EOS;
/** Of an entry of STEPS: the byte that is complete, whether there is one, whether this cannot be; the next node above. */
const SYMBOL = 0xff;
const COMPLETE = 0x100;
const FAULT = 0x200;
const NODE_SHIFT = 10;
/** No code is shorter than five bits. */
const SHORTEST = 5;

/**
 * Decodes `bytes[start … end)`, four bits at a time: none of them completes two symbols.
 * @returns the text, a character per byte; null where it is malformed: EOS within it, or a padding of more than seven bits
 * or of other bits than the beginning of EOS
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | null {
  const most = Math.ceil((8 * (end - start)) / SHORTEST);
  if (text.length < most) text = Buffer.alloc(most);
  let node = 0;
  let length = 0;
  for (let p = start; p < end; p++) {
    const c = bytes[p]!;
    const first = STEPS[(node << 4) | (c >>> 4)]!;
    if ((first & COMPLETE) !== 0) text[length++] = first & SYMBOL;
    const second = STEPS[((first >>> NODE_SHIFT) << 4) | (c & 15)]!;
    if (((first | second) & FAULT) !== 0) return null;
    if ((second & COMPLETE) !== 0) text[length++] = second & SYMBOL;
    node = second >>> NODE_SHIFT;
  }
  return ENDS[node] === 1 ? text.toString('latin1', 0, length) : null;
}

/** Where a text is put together. */
let text = Buffer.alloc(1024);

/** Two entries per node, for the bits 0 and 1: the next node, or −1 − symbol. */
const TREE = tree();
/** Where a text may end: at a whole symbol, and at up to seven bits of ones behind it. */
const ENDS = ends();
const STEPS = steps();

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

function ends(): Uint8Array {
  const may = new Uint8Array(NODES);
  let node = 0;
  for (let ones = 0; ones <= 7; ones++) {
    may[node] = 1;
    node = TREE[2 * node + 1]!;
  }
  return may;
}

/** What four bits do at each node. */
function steps(): Uint32Array {
  const table = new Uint32Array(NODES << 4);
  for (let node = 0; node < NODES; node++)
    for (let bits = 0; bits < 16; bits++) table[(node << 4) | bits] = step(node, bits);
  return table;
}

function step(from: number, bits: number): number {
  let node = from;
  let complete = 0;
  for (let bit = 3; bit >= 0; bit--) {
    node = TREE[2 * node + ((bits >>> bit) & 1)]!;
    if (node >= 0) continue;
    const symbol = -1 - node;
    if (symbol === EOS) return FAULT;
    complete = COMPLETE | symbol;
    node = 0;
  }
  return (node << NODE_SHIFT) | complete;
}
