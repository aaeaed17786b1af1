/** Row plans and shared state for tests and benchmarks of the schedulers. */
import { WARM, type CellPlan, type DispatchState, type EndpointPlan, type RowPlan } from '../model/plan.ts';
import { buildSchedule } from './schedule.ts';

/** Cursor slots of a fixture row: first choices, retries, then one per cell. */
export const CURSOR = 0;
export const RETRY_CURSOR = 1;

export interface RowFixture {
  readonly weights: readonly number[];
  /** Endpoints per cell; default 1 each. */
  readonly endpoints?: readonly number[];
  /** Indices of endpoints that are not available in this epoch. */
  readonly unavailable?: readonly number[];
  /** Of cells and of endpoints that start slowly. */
  readonly scaled?: readonly number[];
  readonly warmths?: readonly number[];
  /** Of cells; 0: none. */
  readonly caps?: readonly number[];
  /** Of every endpoint; default 1,000,000. */
  readonly maxConnections?: number;
  readonly epoch?: number;
  /** First of the row's cursor slots; default 0. Rows that share a state need 2 + cells of them each. */
  readonly cursor?: number;
}

export function rowPlan(fixture: RowFixture): RowPlan {
  const { weights, unavailable = [], maxConnections = 1_000_000, cursor = 0 } = fixture;
  const cells: CellPlan[] = [];
  const endpoints: EndpointPlan[] = [];
  for (const [cell, weight] of weights.entries()) {
    const first = endpoints.length;
    const count = fixture.endpoints?.[cell] ?? 1;
    for (let i = 0; i < count; i++) {
      const slot = endpoints.length;
      const address = `10.${cell >> 8}.${cell & 255}.${i + 1}`;
      const available = !unavailable.includes(slot);
      endpoints.push({
        cell,
        slot,
        address,
        port: 8080,
        available,
        warmth: fixture.warmths?.[slot] ?? WARM,
        maxConnections,
        maxPending: 0,
        isAdaptive: false,
        protocol: 'HTTP1',
        tls: null,
        proxyProtocol: null,
        guard: null,
      });
    }
    const available = endpoints.slice(first).some((endpoint) => endpoint.available);
    const server = `demo/web${cell + 1}`;
    const cap = fixture.caps?.[cell] ?? 0;
    const scaled = fixture.scaled?.[cell] ?? weight;
    cells.push({ server, weight, scaled, available, first, count, ...(cap === 0 ? {} : { cap }) });
  }
  return {
    id: 'matrix demo/matrix appc',
    epoch: fixture.epoch ?? 1,
    app: 'appc',
    cells,
    counters: [...cells.keys()],
    ...(fixture.caps === undefined ? {} : { capSlots: fixture.caps.map((cap, cell) => (cap === 0 ? -1 : cell)) }),
    cellCursors: cells.map((_, cell) => cursor + 2 + cell),
    endpoints,
    schedule: buildSchedule(cells.map((cell) => (cell.available ? cell.scaled : 0))),
    cursor: cursor + CURSOR,
    retryCursor: cursor + RETRY_CURSOR,
  };
}

/** Bytes of `dispatchState`. */
export function stateBytes(slots: number): number {
  return slots * (4 * 4 + 2 * 8);
}

/** A state of so many slots of each sort, in memory that threads can share. */
export function dispatchState(slots: number, buffer = new SharedArrayBuffer(stateBytes(slots))): DispatchState {
  return {
    latency: new Float64Array(buffer, 0, slots),
    latencyAt: new Float64Array(buffer, slots * 8, slots),
    cursors: new Uint32Array(buffer, slots * 16, slots),
    inflight: new Int32Array(buffer, slots * 20, slots),
    down: new Int32Array(buffer, slots * 24, slots),
    cellInflight: new Int32Array(buffer, slots * 28, slots),
    replicas: new Int32Array(1),
  };
}

/** Numbers in [0, 1), the same for the same seed (Mulberry32, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
