/**
 * Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights by -w / ln u: Schindelhauer and Schomaker 2005):
 * each cell has a lot for each hash, the best lot wins. When a cell comes or goes, only its own hashes move; the order of
 * the cells does not matter; replicas and workers agree without talking.
 * In two steps: cells by weight, keyed by the real server's name, then the cell's endpoints, keyed by address and port.
 * So a real server that grows from 9 endpoints to 10 moves a tenth of its own hashes and none of the others'.
 */
import { NOTHING } from './chooser.ts';
import type { HashChooser } from './chooser.ts';
import type { DispatchRow } from './dispatch-row.ts';
import { RoundRobin } from './round-robin.ts';

export class Hashed extends RoundRobin implements HashChooser {
  readonly #row: DispatchRow;
  readonly #cells: readonly HashedCell[];

  constructor(row: DispatchRow) {
    super(row);
    this.#row = row;
    this.#cells = row.plan.cells
      .map((cell, index) => ({
        key: hashText(cell.server),
        weight: cell.weight,
        members: row.members.filter((member) => row.plan.endpoints[member]!.cell === index),
        keys: row.members
          .map((member) => row.plan.endpoints[member]!)
          .filter((endpoint) => endpoint.cell === index)
          .map((endpoint) => hashText(`${endpoint.address}:${endpoint.port}`)),
      }))
      .filter((cell) => cell.members.length > 0);
  }

  chooseByHash(hash: number, tried: readonly number[]): number {
    const cells = this.#cells;
    let best = Infinity;
    let winner: HashedCell | null = null;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      const lot = (mix(hash ^ cell.key) + 0.5) / 2 ** 32;
      // -ln u / w is what counts; 1 - u is never above -ln u, so most logarithms need not be taken.
      if (1 - lot >= best * cell.weight) continue;
      const cost = -Math.log(lot) / cell.weight;
      if (cost < best && this.#inCell(cell, hash, tried) !== NOTHING) {
        best = cost;
        winner = cell;
      }
    }
    return winner === null ? NOTHING : this.#inCell(winner, hash, tried);
  }

  /** The endpoint with the highest lot of those that take work and were not tried. */
  #inCell(cell: HashedCell, hash: number, tried: readonly number[]): number {
    const { members, keys } = cell;
    let best = -1;
    let winner = NOTHING;
    for (let i = 0; i < members.length; i++) {
      const lot = mix(hash ^ keys[i]!);
      if (lot > best && this.#row.takesWork(members[i]!) && !tried.includes(members[i]!)) {
        best = lot;
        winner = members[i]!;
      }
    }
    return winner;
  }
}

interface HashedCell {
  readonly key: number;
  readonly weight: number;
  readonly members: readonly number[];
  readonly keys: readonly number[];
}

/** 32 bits over `bytes[start … end)`: FNV-1a, then mixed, as FNV's upper bits hardly see the last bytes. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
  return mix(hash);
}

/** As `hashBytes` over the text's UTF-16 units: equal for ASCII. */
export function hashText(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return mix(hash);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** MurmurHash3's finaliser: every bit of the answer depends on every bit of the input. 0 … 2^32 - 1. */
function mix(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
