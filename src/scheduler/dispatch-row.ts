/**
 * A row plan made ready for choosing: what all schedulers have in common. Plain arrays and fields, made once per plan;
 * nothing is allocated per choice.
 */
import type { DispatchState, EndpointPlan, RowPlan } from '../model/plan.ts';
import { cellHasRoom } from './cell-room.ts';
import { NOTHING } from './chooser.ts';
import { takePosition } from './cursor.ts';
import { type CellTurn, layoutOf } from './row-layout.ts';
import { periodOf } from './schedule.ts';
import { cellInTree } from './split-tree.ts';

/** Positions that a choice takes before it looks at all endpoints instead. */
const MAX_TURNS = 64;
const MAX_RETRY_TURNS = 8;
/** Its multiples, modulo 1, lie evenly: shares without randomness and without a shared cursor. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

const NO_NODES = new Uint32Array(0);

export class DispatchRow {
  readonly plan: RowPlan;
  readonly state: DispatchState;
  /** Indices of the endpoints that may be chosen in this epoch, cell by cell. */
  readonly members: readonly number[];
  /** Per endpoint. A member's weight is weights / siblings, kept as two integers for exactness. */
  readonly slots: readonly number[];
  readonly weights: readonly number[];
  readonly siblings: readonly number[];
  /** Some cell has a cap: `hasRoom` must be asked. */
  readonly isCapped: boolean;

  readonly #period: number;
  readonly #table: Uint16Array | null;
  readonly #nodes: Uint32Array;
  readonly #cursors: Uint32Array;
  readonly #inflight: Int32Array;
  readonly #down: Int32Array;
  readonly #cursor: number;
  readonly #caps: readonly number[];
  readonly #order: readonly number[];
  readonly #turns: readonly CellTurn[];
  #rotation = 0;

  constructor(plan: RowPlan, state: DispatchState) {
    this.plan = plan;
    this.state = state;
    const layout = layoutOf(plan);
    this.members = layout.members;
    this.slots = layout.slots;
    this.weights = layout.weights;
    this.siblings = layout.siblings;
    this.#caps = layout.caps;
    this.#order = layout.order;
    this.#turns = layout.turns;
    this.#period = periodOf(plan.schedule);
    this.#table = plan.schedule.kind === 'Table' ? plan.schedule.table : null;
    this.#nodes = plan.schedule.kind === 'Tree' ? plan.schedule.nodes : NO_NODES;
    this.#cursors = state.cursors;
    this.#inflight = state.inflight;
    this.#down = state.down;
    this.#cursor = plan.cursor;
    this.isCapped = plan.capSlots !== undefined;
  }

  /** Not known to be down, and below its cap and its cell's. The endpoint must be a member. */
  takesWork(index: number): boolean {
    const slot = this.slots[index]!;
    return (
      this.#down[slot] === 0 && this.#inflight[slot]! < this.#caps[index]! && (!this.isCapped || this.hasRoom(index))
    );
  }

  /** Below its cell's cap. */
  hasRoom(index: number): boolean {
    return cellHasRoom(this.plan, this.state, this.plan.endpoints[index]!.cell);
  }

  /** The endpoint whose turn it is; -1 if that takes no work now: its position is consumed, nobody owes it. */
  nextTurn(): number {
    if (this.#period === 0) return NOTHING;
    const cell = this.#cellAt(takePosition(this.#cursors, this.#cursor, this.#period));
    const turn = this.#turns[cell]!;
    if (this.isCapped && !cellHasRoom(this.plan, this.state, cell)) return NOTHING;
    if (turn.only === NOTHING) return this.#nextInCell(turn, this.plan.cellCursors[cell]!);
    return this.#down[turn.slot] === 0 && this.#inflight[turn.slot]! < turn.cap ? turn.only : NOTHING;
  }

  /** As `nextTurn`, but goes on until an endpoint is found that takes work; -1 only if none does. */
  nextAvailable(): number {
    const index = this.nextTurn();
    return index === NOTHING ? this.#searchAvailable() : index;
  }

  #searchAvailable(): number {
    for (let turns = Math.min(this.#period, MAX_TURNS); turns > 1; turns--) {
      const index = this.nextTurn();
      if (index !== NOTHING) return index;
    }
    return this.anyOther([]);
  }

  /** A retry, in the order of the schedule but from a cursor of its own, so that first choices stay exact. */
  retry(tried: readonly number[]): number {
    for (let turns = Math.min(this.#period, MAX_RETRY_TURNS); turns > 0; turns--) {
      const position = takePosition(this.#cursors, this.plan.retryCursor, this.#period);
      const { first, count } = this.#turns[this.#cellAt(position)]!;
      const from = this.#rotation++;
      for (let i = 0; i < count; i++) {
        const index = this.#order[first + ((from + i) % count)]!;
        if (this.takesWork(index) && !tried.includes(index)) return index;
      }
    }
    return this.anyOther(tried);
  }

  /**
   * Any endpoint that takes work and is not among `tried`, by weight; -1 only if there is none. Looks at all: for when
   * turns have found nothing.
   * @param point in [0, 1), where between the first and the last of them to choose
   */
  anyOther(tried: readonly number[], point: number = this.nextPoint()): number {
    let sum = 0;
    for (const index of this.members) {
      if (this.takesWork(index) && !tried.includes(index)) sum += this.weights[index]! / this.siblings[index]!;
    }
    let left = point * sum;
    let found = NOTHING;
    for (const index of this.members) {
      // Other workers go on meanwhile: what is found in this pass is the truth, the sum only a measure.
      if (!this.takesWork(index) || tried.includes(index)) continue;
      found = index;
      left -= this.weights[index]! / this.siblings[index]!;
      if (left < 0) break;
    }
    return found;
  }

  /** The next of a sequence of points that lie evenly in [0, 1), wherever one stops. */
  nextPoint(): number {
    return (this.#rotation++ * GOLDEN) % 1;
  }

  #cellAt(position: number): number {
    return this.#table === null ? cellInTree(this.#nodes, this.#period, position) : this.#table[position]!;
  }

  /** A cell's requests go round its members by a cursor of the cell's own. */
  #nextInCell({ first, count }: CellTurn, cursor: number): number {
    for (let turns = count; turns > 0; turns--) {
      const index = this.#order[first + takePosition(this.#cursors, cursor, count)]!;
      if (this.takesWork(index)) return index;
    }
    return NOTHING;
  }
}

/** For requests that are bound to an endpoint (chttp): may it have one more? */
export function usable(row: RowPlan, state: DispatchState, index: number): boolean {
  const endpoint: EndpointPlan | undefined = row.endpoints[index];
  return (
    endpoint !== undefined &&
    endpoint.available &&
    row.cells[endpoint.cell]!.weight > 0 &&
    state.down[endpoint.slot] === 0 &&
    state.inflight[endpoint.slot]! < endpoint.maxConnections &&
    cellHasRoom(row, state, endpoint.cell)
  );
}
