/** What belongs to a worker as a whole, and what its connections share. */
import type { ReasonWord } from '../../model/reasons.ts';
import { REASON_INDEX } from '../../model/reasons.ts';
import type { AddressGuard } from '../address-guard.ts';
import type { FromWorker, ProxySettings } from '../messages.ts';
import { GLOBAL, LIMITS, type LimitName, type SharedState, type WorkerCounters } from '../shared.ts';
import type { AccessLog } from './access-log.ts';
import type { TrustedPeers } from './peers.ts';
import type { Queue } from './queue.ts';
import type { CookieSigner } from './sticky.ts';
import type { Sweeper } from './sweeper.ts';
import type { TicketKeys } from './ticket-keys.ts';
import type { Tracing } from './tracing.ts';

export interface WorkerState {
  readonly index: number;
  /** How many workers share the limits. */
  readonly workers: number;
  readonly settings: ProxySettings;
  readonly counters: WorkerCounters;
  readonly shared: SharedState;
  /** In flight per endpoint, of this worker. */
  readonly inflight: Int32Array;
  /** The same per cell that has a cap. */
  readonly cellInflight: Int32Array;
  /** Those of them that wait for a connection. */
  readonly pending: Int32Array;
  readonly sweeper: Sweeper;
  readonly queue: Queue;
  readonly trusted: TrustedPeers;
  cookies: CookieSigner;
  readonly tickets: TicketKeys;
  readonly guard: AddressGuard;
  readonly accessLog: AccessLog | null;
  readonly tracing: Tracing | null;
  readonly report: (message: FromWorker) => void;
  /** Coarse clock: milliseconds, monotonic, set by the sweeper and by each request. */
  now: number;
  /** Milliseconds by which the system's monotonic clock, the same for all threads, is ahead of this thread's. */
  readonly clockAhead: number;
  draining: boolean;
  /** Clients' connections end after their present request: it drains, or memory is short. */
  closing: boolean;
  /** New requests are refused: memory runs out, or the loop is late. */
  shedding: boolean;
  /** Has tables to serve by. */
  configured: boolean;
  /** What retries may spend: a fifth of a request each request adds (the budget of 20 %). */
  retryBudget: number;
  /** Some virtual server balances by latency. */
  observeLatency: boolean;
}

/** A fault of ours costs one connection, not the worker with all the others. */
export function caught(state: WorkerState, error: unknown): void {
  countReason(state, 'internal');
  state.report({ type: 'fault', stack: String(error instanceof Error ? error.stack : error).slice(0, 2000) });
}

export const MAX_RETRY_BUDGET = 100;

export function countReason(state: WorkerState, word: ReasonWord): void {
  state.counters.global[GLOBAL.reasons + REASON_INDEX[word]]!++;
}

export function countLimit(state: WorkerState, limit: LimitName): void {
  state.counters.global[GLOBAL.limits + LIMITS.indexOf(limit)]!++;
}
