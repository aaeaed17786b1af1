/** What dispatching by a row needs of its cells and endpoints, in plain arrays: made once for all rows that share the lists. */
import type { CellPlan, RowPlan } from '../model/plan.ts';
import { NOTHING } from './chooser.ts';
import { fillQuotaTable } from './quota-table.ts';
import { greatestCommonDivisor } from './schedule.ts';

export interface RowLayout {
  /** Indices of the endpoints that may be chosen in this epoch, cell by cell. */
  readonly members: readonly number[];
  /** The members, cell by cell, each as often as it has a turn in its cell: once, except where some start slowly. */
  readonly order: readonly number[];
  /** Per endpoint. A member's weight is its turns x the cell's weight / the cell's turns: two integers, for exactness. */
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
  /** Its turns are `order[first … first + count)`, taken by a cursor of the cell's own. */
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
  const units = inCell.map((members) => unitsOf(members.map((index) => endpoints[index]!.warmth)));
  const orders = inCell.map((members, cell) => inTurns(members, units[cell]!));
  let first = 0;
  const turns = inCell.map((members, cell): CellTurn => {
    const only = members.length === 1 ? members[0]! : NOTHING;
    const count = orders[cell]!.length;
    const turn = { only, slot: slots[only] ?? 0, cap: caps[only] ?? 0, first, count };
    first += count;
    return turn;
  });
  const weights = endpoints.map((endpoint) => cells[endpoint.cell]!.scaled);
  for (const [cell, members] of inCell.entries()) {
    for (const [place, index] of members.entries()) weights[index]! *= units[cell]![place]!;
  }
  const members = inCell.flat();
  return {
    members,
    order: orders.every((order, cell) => order === inCell[cell]) ? members : orders.flat(),
    slots,
    weights,
    siblings: endpoints.map((endpoint) => orders[endpoint.cell]!.length),
    caps,
    turns,
  };
}

/** The same proportions in the smallest integers. */
function unitsOf(warmths: readonly number[]): number[] {
  const common = warmths.reduce(greatestCommonDivisor, 0);
  return warmths.map((warmth) => warmth / common);
}

/** `members` itself where all have one turn each. */
function inTurns(members: readonly number[], units: readonly number[]): readonly number[] {
  const length = units.reduce((a, b) => a + b, 0);
  if (length === members.length) return members;
  const table = new Uint16Array(length);
  fillQuotaTable(table, units, [...members.keys()]);
  return Array.from(table, (place) => members[place]!);
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
