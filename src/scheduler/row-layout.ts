/** What dispatching by a row needs of its cells and endpoints, in plain arrays: made once for all rows that share the lists. */
import type { CellPlan, RowPlan } from '../model/plan.ts';
import { NOTHING } from './chooser.ts';

export interface RowLayout {
  /** Indices of the endpoints that may be chosen in this epoch, cell by cell. */
  readonly members: readonly number[];
  /** Per endpoint. A member's weight is that of its cell / members of the cell: kept as two integers for exactness. */
  readonly slots: readonly number[];
  readonly weights: readonly number[];
  readonly siblings: readonly number[];
  readonly caps: readonly number[];
  /** Per cell. */
  readonly turns: readonly CellTurn[];
}

/** What a turn of a cell needs, in one place. */
export interface CellTurn {
  /** The only member, its slot and its cap; -1 if there are none or several. */
  readonly only: number;
  readonly slot: number;
  readonly cap: number;
  /** The members are `members[first … first + count)`, taken in turns by a cursor of the cell's own. */
  readonly first: number;
  readonly count: number;
}

/** Counts of what is in flight are signed 32-bit integers. */
const MAX_CAP = 2 ** 31 - 1;

/** By the list of endpoints; what is made for it holds for the list of cells that it came with. */
const known = new WeakMap<RowPlan['endpoints'], { readonly cells: readonly CellPlan[]; readonly layout: RowLayout }>();

export function layoutOf(plan: RowPlan): RowLayout {
  const made = known.get(plan.endpoints);
  if (made?.cells === plan.cells) return made.layout;
  const layout = makeLayout(plan);
  known.set(plan.endpoints, { cells: plan.cells, layout });
  return layout;
}

function makeLayout({ cells, endpoints }: RowPlan): RowLayout {
  const inCell = cells.map(({ first, count, weight }) =>
    range(first, weight > 0 ? count : 0).filter((index) => endpoints[index]!.available),
  );
  const slots = endpoints.map((endpoint) => endpoint.slot);
  const caps = endpoints.map((endpoint) => Math.min(endpoint.maxConnections, MAX_CAP));
  let first = 0;
  const turns = inCell.map((members): CellTurn => {
    const only = members.length === 1 ? members[0]! : NOTHING;
    const turn = { only, slot: slots[only] ?? 0, cap: caps[only] ?? 0, first, count: members.length };
    first += members.length;
    return turn;
  });
  return {
    members: inCell.flat(),
    slots,
    weights: endpoints.map((endpoint) => cells[endpoint.cell]!.weight),
    siblings: endpoints.map((endpoint) => inCell[endpoint.cell]!.length),
    caps,
    turns,
  };
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
