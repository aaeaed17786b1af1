/** Rows as the product's choosers take them, of the cells of a simulated column. */
import { type CellPlan, type DispatchState, type EndpointPlan, type RowPlan, WARM } from '../model/plan.ts';
import { buildSchedule } from '../scheduler/schedule.ts';

export interface RowCell {
  readonly slot: number;
  /** 0…65535 */
  readonly weight: number;
  /** Most in flight; Infinity: as many as there are. */
  readonly cap: number;
}

/** @param cursor first of its cursor slots; it needs 2 + cells */
export function rowPlan(id: string, cells: readonly RowCell[], cursor: number): RowPlan {
  return {
    id,
    epoch: 1,
    app: id,
    cells: cells.map(({ slot, weight }, at): CellPlan => {
      return { server: `${slot}`, weight, scaled: weight, available: true, first: at, count: 1 };
    }),
    endpoints: cells.map(({ slot, cap }, cell): EndpointPlan => ({ ...PLAIN, cell, slot, maxConnections: cap })),
    counters: cells.map(({ slot }) => slot),
    cellCursors: cells.map((_, at) => cursor + 2 + at),
    schedule: buildSchedule(cells.map(({ weight }) => weight)),
    cursor,
    retryCursor: cursor + 1,
  };
}

export function dispatchState(slots: number, cursors: number): DispatchState {
  return {
    cursors: new Uint32Array(cursors),
    inflight: new Int32Array(slots),
    cellInflight: NONE,
    replicas: new Int32Array(1),
    down: new Int32Array(slots),
    latency: new Float64Array(slots),
    latencyAt: new Float64Array(slots),
  };
}

/** Caps here are the endpoints'. */
const NONE = new Int32Array(0);

const PLAIN = {
  address: '127.0.0.1',
  port: 80,
  available: true,
  warmth: WARM,
  maxPending: 0,
  isAdaptive: false,
  protocol: 'HTTP1',
  tls: null,
  proxyProtocol: null,
  guard: null,
} as const;
