/**
 * The memory that all threads of a serving process share: what dispatching needs (cursors, in-flight counts, health) and
 * what is counted. The main thread allocates it and hands out slots; workers only index. Pages that nobody touches cost
 * nothing, so the sizes are generous and fixed.
 */
import { TIMES } from '../model/answer-times.ts';
import { LEVELS } from '../model/levels.ts';
import type { DispatchState } from '../model/plan.ts';

export const MAX_WORKERS = 16;
export const MAX_ENDPOINTS = 65_536;
export const MAX_CURSORS = 262_144;
export const MAX_CELLS = 262_144;
export const MAX_CAPS = 65_536;
export const MAX_RULES = 65_536;
export const MAX_VIRTUAL_SERVERS = 16_384;
/** Endpoints whose levels of concurrency are measured: those of the slots below it, which are handed out first. */
export const MAX_MEASURED = 16_384;

/** Counters of a worker as a whole. */
export const GLOBAL = {
  requests: 0,
  connectionsAccepted: 1,
  connectionsActive: 2,
  upstreamConnections: 3,
  upstreamActive: 4,
  bytesReceived: 5,
  bytesSent: 6,
  /** Heartbeats are apart: see SharedState.heartbeat. */
  /** First of the limits, in the order of LIMITS. */
  limits: 8,
  /** First of the reasons, in the order of REASONS in model/reasons.ts. */
  reasons: 32,
  retries: 96,
  /** TLS of clients: full handshakes, those that resumed a session; the failed ones by HANDSHAKE_FAILURES. */
  handshakes: 97,
  resumptions: 98,
  handshakeFailures: 100,
  /** First of the connections closed for want of a PROXY protocol header, in the order of PREFACE_FAILURES. */
  prefaceFailures: 112,
  /** Answers of TLS servers whose end only the end of the connection told. */
  unframedAnswers: 99,
  /** Streams to servers, and connections to them that ended because the server broke the rules of HTTP/2. */
  upstreamStreams: 121,
  upstreamFaults: 122,
  /** Connections of clients that speak HTTP/2, those that ended by an error, and their streams. */
  http2Connections: 118,
  http2Failures: 119,
  http2Streams: 120,
  /** 1 while the worker's loop is late (see worker/lateness.ts). */
  late: 123,
  /** Requests that wait for a server to have room; those that have waited, and for how many seconds. */
  waiting: 124,
  waited: 125,
  waitedSeconds: 126,
  size: 128,
} as const;

/** Limits whose hits are counted and logged. */
export const LIMITS = [
  'clients',
  'header_bytes',
  'body_bytes',
  'requests_per_connection',
  'connections_per_server',
  'requests_per_cell',
  'pending_per_server',
  'rate',
  'adaptive_concurrency',
  'queue',
  'queue_time',
  'queue_deadline',
  'descriptors',
  'pipelined_bytes',
  'streams',
  'stream_resets',
  'http2_overhead',
  'http2_session',
  'memory',
  'event_loop',
] as const;
export type LimitName = (typeof LIMITS)[number];

/** Counters of a rule: answers by class (0 = none: the client was gone; 1…5), then the sum of durations in seconds. */
export const RULE_COUNTERS = 8;
/**
 * Counters of a cell: first choices, retries, sticky and hashed requests, answers of class 5xx or none; requests that were
 * answered by its servers, and the seconds that took; tries that timed out. And, at the first cell of a row, requests that
 * none of its cells could take.
 */
export const CELL_COUNTERS = 8;
export const CELL = {
  first: 0,
  retries: 1,
  sticky: 2,
  failures: 3,
  answered: 4,
  seconds: 5,
  timeouts: 6,
  shed: 7,
} as const;
/** Buckets of a virtual server's request duration: bucket i counts durations below 2^i microseconds, i = 0 … 31. */
export const DURATION_BUCKETS = 32;

export interface SharedBuffers {
  readonly dispatch: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}

/** Offsets in bytes. */
const DISPATCH = layOut({
  cursors: MAX_CURSORS * 4,
  inflight: MAX_ENDPOINTS * 4,
  down: MAX_ENDPOINTS * 4,
  latency: MAX_ENDPOINTS * 8,
  latencyAt: MAX_ENDPOINTS * 8,
  byWorker: MAX_WORKERS * MAX_ENDPOINTS * 4,
  heartbeat: MAX_WORKERS * 4,
  pending: MAX_ENDPOINTS * 4,
  pendingByWorker: MAX_WORKERS * MAX_ENDPOINTS * 4,
  concurrency: MAX_ENDPOINTS * 4,
  windowAt: MAX_ENDPOINTS * 4,
  windowMost: MAX_ENDPOINTS * 4,
  windowCount: MAX_ENDPOINTS * 4,
  windows: MAX_ENDPOINTS * 4,
  windowSum: MAX_ENDPOINTS * 8,
  longLatency: MAX_ENDPOINTS * 8,
  estimate: MAX_ENDPOINTS * 8,
  ruleDue: MAX_RULES * 8,
  virtualServerDue: MAX_VIRTUAL_SERVERS * 8,
  replicas: 4,
  memoryStep: 4,
  levelSince: MAX_MEASURED * 4,
  prior: MAX_ENDPOINTS * 4,
  cellInflight: MAX_CAPS * 4,
  cellByWorker: MAX_WORKERS * MAX_CAPS * 4,
});

function layOut<Name extends string>(sizes: Readonly<Record<Name, number>>): Record<Name | 'bytes', number> {
  let bytes = 0;
  const offsets = {} as Record<Name | 'bytes', number>;
  for (const [name, size] of Object.entries(sizes) as [Name, number][]) {
    offsets[name] = bytes;
    // so that whatever follows may be of 64 bits
    bytes += Math.ceil(size / 8) * 8;
  }
  return { ...offsets, bytes };
}

/** Counters of one worker, at offsets in bytes. */
const WORKER = layOut({
  global: GLOBAL.size * 8,
  rules: MAX_RULES * RULE_COUNTERS * 8,
  cells: MAX_CELLS * CELL_COUNTERS * 8,
  durations: MAX_VIRTUAL_SERVERS * DURATION_BUCKETS * 8,
  levelTimes: MAX_MEASURED * LEVELS * 4,
  levelAnswers: MAX_MEASURED * LEVELS * 4,
  times: MAX_CELLS * TIMES * 4,
});

export function allocateShared(workers: number): SharedBuffers {
  return {
    dispatch: new SharedArrayBuffer(DISPATCH.bytes),
    counters: new SharedArrayBuffer(WORKER.bytes * workers),
  };
}

/** One worker's counters: only that worker writes (plain adds), anybody reads. */
export class WorkerCounters {
  readonly global: Float64Array;
  readonly rules: Float64Array;
  readonly cells: Float64Array;
  readonly durations: Float64Array;
  /**
   * By slot of the endpoint x LEVELS: for how many microseconds so many were in flight there, and requests that were
   * answered meanwhile. Both pass 2^32 and begin anew: whoever reads them looks more often than once in an hour.
   */
  readonly levelTimes: Uint32Array;
  readonly levelAnswers: Uint32Array;
  /** By cell x TIMES: its answers by how long they took. They pass 2^32, too. */
  readonly times: Uint32Array;

  constructor(buffers: SharedBuffers, worker: number) {
    const base = worker * WORKER.bytes;
    const at = (offset: number, length: number) => new Float64Array(buffers.counters, base + offset, length);
    const levels = (offset: number) => new Uint32Array(buffers.counters, base + offset, MAX_MEASURED * LEVELS);
    this.global = at(WORKER.global, GLOBAL.size);
    this.rules = at(WORKER.rules, MAX_RULES * RULE_COUNTERS);
    this.cells = at(WORKER.cells, MAX_CELLS * CELL_COUNTERS);
    this.durations = at(WORKER.durations, MAX_VIRTUAL_SERVERS * DURATION_BUCKETS);
    this.levelTimes = levels(WORKER.levelTimes);
    this.levelAnswers = levels(WORKER.levelAnswers);
    this.times = new Uint32Array(buffers.counters, base + WORKER.times, MAX_CELLS * TIMES);
  }
}

export class SharedState implements DispatchState {
  readonly cursors: Uint32Array;
  readonly inflight: Int32Array;
  readonly down: Int32Array;
  readonly latency: Float64Array;
  readonly latencyAt: Float64Array;
  /** Each worker stores the coarse clock (ms, truncated to 32 bit) here every 100 ms. */
  readonly heartbeat: Int32Array;
  /** In flight per endpoint of one worker; what a lost worker held is taken off `inflight`. */
  readonly inflightOf: (worker: number) => Int32Array;
  readonly cellInflight: Int32Array;
  /** As `inflightOf`. */
  readonly cellInflightOf: (worker: number) => Int32Array;
  /** Of what is in flight per endpoint: what waits for a connection to be made, over all workers. */
  readonly pending: Int32Array;
  /** As `inflightOf`. */
  readonly pendingOf: (worker: number) => Int32Array;

  /** Per endpoint: what worker/adaptive-limit.ts has found, and what it finds it by. */
  readonly adaptive: AdaptiveState;
  /** Of rate limits, by the slots of rules and virtual servers: when the next request is due (see worker/rate.ts). */
  readonly ruleDue: BigInt64Array;
  readonly virtualServerDue: BigInt64Array;
  /** At 0: among how many proxies these limits, and caps, are divided; 0 = this one is alone. */
  readonly replicas: Int32Array;
  /** At 0: how short memory is, one of MEMORY_STEP; the main thread says so. */
  readonly memoryStep: Int32Array;
  /** Per endpoint: since when as many are in flight as now; microseconds of the system's monotonic clock, 32 bit. */
  readonly levelSince: Int32Array;

  constructor(buffers: SharedBuffers) {
    const b = buffers.dispatch;
    this.cursors = new Uint32Array(b, DISPATCH.cursors, MAX_CURSORS);
    this.inflight = new Int32Array(b, DISPATCH.inflight, MAX_ENDPOINTS);
    this.down = new Int32Array(b, DISPATCH.down, MAX_ENDPOINTS);
    this.latency = new Float64Array(b, DISPATCH.latency, MAX_ENDPOINTS);
    this.latencyAt = new Float64Array(b, DISPATCH.latencyAt, MAX_ENDPOINTS);
    this.heartbeat = new Int32Array(b, DISPATCH.heartbeat, MAX_WORKERS);
    const each =
      (offset: number, length = MAX_ENDPOINTS) =>
      (worker: number) =>
        new Int32Array(b, offset + worker * length * 4, length);
    this.inflightOf = each(DISPATCH.byWorker);
    this.cellInflight = new Int32Array(b, DISPATCH.cellInflight, MAX_CAPS);
    this.cellInflightOf = each(DISPATCH.cellByWorker, MAX_CAPS);
    this.pending = new Int32Array(b, DISPATCH.pending, MAX_ENDPOINTS);
    this.pendingOf = each(DISPATCH.pendingByWorker);
    this.adaptive = {
      limit: new Int32Array(b, DISPATCH.concurrency, MAX_ENDPOINTS),
      prior: new Int32Array(b, DISPATCH.prior, MAX_ENDPOINTS),
      windowAt: new Int32Array(b, DISPATCH.windowAt, MAX_ENDPOINTS),
      windowMost: new Int32Array(b, DISPATCH.windowMost, MAX_ENDPOINTS),
      windowCount: new Int32Array(b, DISPATCH.windowCount, MAX_ENDPOINTS),
      windows: new Int32Array(b, DISPATCH.windows, MAX_ENDPOINTS),
      windowSum: new BigInt64Array(b, DISPATCH.windowSum, MAX_ENDPOINTS),
      longLatency: new Float64Array(b, DISPATCH.longLatency, MAX_ENDPOINTS),
      estimate: new Float64Array(b, DISPATCH.estimate, MAX_ENDPOINTS),
    };
    this.ruleDue = new BigInt64Array(b, DISPATCH.ruleDue, MAX_RULES);
    this.virtualServerDue = new BigInt64Array(b, DISPATCH.virtualServerDue, MAX_VIRTUAL_SERVERS);
    this.replicas = new Int32Array(b, DISPATCH.replicas, 1);
    this.memoryStep = new Int32Array(b, DISPATCH.memoryStep, 1);
    this.levelSince = new Int32Array(b, DISPATCH.levelSince, MAX_MEASURED);
  }
}

/** By the slots of endpoints. */
export interface AdaptiveState {
  /** Most requests at once; 0 = not known yet. */
  readonly limit: Int32Array;
  /** What it begins with; 0 = nothing is known of the endpoint. */
  readonly prior: Int32Array;
  /** The present window: when it began (ms of the system's monotonic clock, 32 bit), … */
  readonly windowAt: Int32Array;
  /** … the most that was in flight, … */
  readonly windowMost: Int32Array;
  /** … answers, and the sum of their times in microseconds. */
  readonly windowCount: Int32Array;
  readonly windowSum: BigInt64Array;
  /** Windows that were closed. */
  readonly windows: Int32Array;
  /** Mean of many windows, microseconds; 0 = none yet. Written by whoever closes a window, as `estimate`. */
  readonly longLatency: Float64Array;
  /** The limit before it is rounded. */
  readonly estimate: Float64Array;
}

/** Why an endpoint is out: bits of `SharedState.down`. */
export const DOWN = {
  /** Its active check failed. */ check: 1,
  /** Ejected: it refused or broke too often. */ ejected: 2,
  /** Its real server is quiesced. */ quiesced: 4,
} as const;

/** What is done about memory that runs short, each with all before it. */
export const MEMORY_STEP = {
  calm: 0,
  /** Connections of clients end after their request, large buffers are not used. */ saving: 1,
  /** New requests are refused. */ shedding: 2,
  /** New connections are closed, and those that hold most are given up. */ closing: 3,
} as const;
