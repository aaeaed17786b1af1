/**
 * A row plan: one row of destinations as the workers dispatch by it during one epoch. The serving process' main thread
 * makes it (weights, availability, shared-memory slots decided once); every worker gets the same.
 */
import type { ObjectKey, ProxyProtocol, ServerProtocol, ServerTls } from './snapshot.ts';

export interface RowPlan {
  /** `matrix NS/NAME APP`, `rule NS/NAME RULE` or `servers NS/NAME`: what shares a cursor, and so is exact together. */
  readonly id: string;
  /** Grows by one whenever the weights or the availability of the row change; each epoch has fresh cursors. */
  readonly epoch: number;
  /** Of a column of a matrix. */
  readonly app: string | null;
  /** All cells of the row, in its order; those of weight 0 or without an available endpoint too. */
  readonly cells: readonly CellPlan[];
  /**
   * The endpoints of all cells, cell by cell; choosers answer with an index into this list. Rows that are alike (the apps of
   * a platform on the same hosts) share both lists: what is made of them can be shared, too.
   */
  readonly endpoints: readonly EndpointPlan[];
  /** Slots of the cells' counters. */
  readonly counters: readonly number[];
  /**
   * Slots in `DispatchState.cellInflight` of cells that have a cap, the same over all epochs; −1 for the others. Absent: none
   * has one.
   */
  readonly capSlots?: readonly number[];
  /** Slots in `DispatchState.cursors` that spread a cell's requests over its endpoints. */
  readonly cellCursors: readonly number[];
  /** The order in which cells are chosen by weighted round robin, over the available cells of positive weight. */
  readonly schedule: Schedule;
  /** Slots in `DispatchState.cursors`: of first choices, and of retries. */
  readonly cursor: number;
  readonly retryCursor: number;
}

export interface CellPlan {
  readonly server: ObjectKey;
  readonly weight: number;
  /** The weight in this epoch, beside those of the row's other cells: less where its endpoints are not warm yet. */
  readonly scaled: number;
  /** Has an endpoint that takes new work in this epoch. */
  readonly available: boolean;
  /** Most requests in flight at its endpoints, over all proxies; absent: as many as they take. */
  readonly cap?: number;
  /** The cell's endpoints are `row.endpoints[first … first + count)`. */
  readonly first: number;
  readonly count: number;
}

export interface EndpointPlan {
  /** Index of its cell in `row.cells`. */
  readonly cell: number;
  /** Slot of the endpoint's shared state: one per (address, port), whatever rows point to it. */
  readonly slot: number;
  readonly address: string;
  readonly port: number;
  /** Takes new work in this epoch (healthy, not ejected, not quiesced). */
  readonly available: boolean;
  /** 1 … WARM: the part of its share that it gets in this epoch; less than WARM while it starts slowly. */
  readonly warmth: number;
  /** Most requests at once; finite. */
  readonly maxConnections: number;
  /** Most of these that wait for a connection to be made; 0 = as many as there are. */
  readonly maxPending: number;
  /** As RealServerPiece.isAdaptive. */
  readonly isAdaptive: boolean;
  readonly protocol: ServerProtocol;
  /** For HTTPS and H2; null for the others. */
  readonly tls: ServerTls | null;
  /** As RealServerPiece.proxyProtocol. */
  readonly proxyProtocol: ProxyProtocol | null;
  /** As GuardedHostPort.guard. */
  readonly guard: string | null;
}

/**
 * Either a table of cell indices, one period long, or (for periods above 65,536) a tree of two-way splits.
 * An empty table: nothing is available. Arrays may lie in shared memory.
 */
export type Schedule =
  | { readonly kind: 'Table'; readonly table: Uint16Array }
  | {
      readonly kind: 'Tree';
      /** Sum of weights, the length of a period. */ readonly period: number;
      readonly nodes: Uint32Array;
    };

/** What the schedulers read and write, shared by all workers; indexed by the slots of the plans. */
export interface DispatchState {
  /** Taken with `Atomics.add`. */
  readonly cursors: Uint32Array;
  /** Requests (or connections) in flight per endpoint, over all workers. */
  readonly inflight: Int32Array;
  /** The same per cell that has a cap. */
  readonly cellInflight: Int32Array;
  /** At 0: among how many proxies caps are divided; 0 = this one is alone. */
  readonly replicas: Int32Array;
  /** Per endpoint: 0 = takes new work; anything else: known to be out, though its row's next epoch may not be here yet. */
  readonly down: Int32Array;
  /** Per endpoint: peak EWMA of the latency in microseconds, and when it was last updated (ms of the coarse clock). */
  readonly latency: Float64Array;
  readonly latencyAt: Float64Array;
}

/** Steps in which a slow start comes to the whole share. */
export const WARM = 10;
