/** Sums over all workers, for the metrics. */
import { HANDSHAKE_FAILURES, type HandshakeFailure } from '../../model/handshakes.ts';
import { PREFACE_FAILURES, type PrefaceFailure } from '../../model/prefaces.ts';
import { REASONS } from '../../model/reasons.ts';
import type { VirtualServerPlan } from '../messages.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import type {
  ConcurrencyLimit,
  DurationTotals,
  OverloadTotals,
  RuleTotals,
  TlsTotals,
  Totals,
} from '../serving-contract.ts';
import { DURATION_BUCKETS, GLOBAL, LIMITS, RULE_COUNTERS, type LimitName } from '../shared.ts';
import type { MainMemory } from './memory.ts';
import type { WorkerMember } from './worker-member.ts';

/** Index of the sum of durations among a rule's counters. */
const SECONDS = 6;

export function totalsOf(source: TotalsSource): Totals {
  const { memory } = source;
  const global = (index: number) => memory.global(index);
  const rules: RuleTotals[] = [];
  const durations: DurationTotals[] = [];
  for (const plan of source.virtualServers) {
    const virtualServer = plan.piece.key;
    plan.rules.forEach(({ slot }, index) => {
      const { name, destinations } = plan.piece.rules[index]!;
      const app = destinations.kind === 'App' ? destinations.app : null;
      rules.push({ virtualServer, rule: name, app, ...ruleCounters(memory, slot) });
    });
    if (plan.fallback !== null) {
      rules.push({ virtualServer, rule: null, app: null, ...ruleCounters(memory, plan.fallback.slot) });
    }
    durations.push({ virtualServer, buckets: buckets(memory, plan.slot) });
  }
  return {
    requests: global(GLOBAL.requests),
    connectionsAccepted: global(GLOBAL.connectionsAccepted),
    connectionsActive: global(GLOBAL.connectionsActive),
    upstreamConnections: global(GLOBAL.upstreamConnections),
    upstreamActive: global(GLOBAL.upstreamActive),
    bytesReceived: global(GLOBAL.bytesReceived),
    bytesSent: global(GLOBAL.bytesSent),
    retries: global(GLOBAL.retries),
    queue: {
      waiting: global(GLOBAL.waiting),
      waited: global(GLOBAL.waited),
      seconds: global(GLOBAL.waitedSeconds),
    },
    upstreamStreams: global(GLOBAL.upstreamStreams),
    upstreamFaults: global(GLOBAL.upstreamFaults),
    limits: limitTotals(memory, source.refused),
    reasons: Object.fromEntries(REASONS.map(({ word }, index) => [word, global(GLOBAL.reasons + index)])),
    prefaceFailures: prefaceTotals(memory),
    overload: source.overload,
    tls: {
      handshakes: global(GLOBAL.handshakes),
      resumptions: global(GLOBAL.resumptions),
      failures: handshakeTotals(memory),
      unframedAnswers: global(GLOBAL.unframedAnswers),
      certificates: source.certificates,
    },
    http2: {
      connections: global(GLOBAL.http2Connections),
      failures: global(GLOBAL.http2Failures),
      streams: global(GLOBAL.http2Streams),
    },
    rules,
    durations,
    concurrencyLimits: concurrencyLimits(source),
    workers: source.workers.map(({ index, restarts, live }) => ({ index, restarts, alive: live })),
  };
}

/** How often each limit was reached; `refused` as in `TotalsSource`. */
export function limitTotals(memory: MainMemory, refused: Refused): Record<LimitName, number> {
  return Object.fromEntries(
    LIMITS.map((name, index) => [name, memory.global(GLOBAL.limits + index) + (refused[name] ?? 0)]),
  ) as Record<LimitName, number>;
}

/** Failed handshakes of clients. */
export function handshakeTotals(memory: MainMemory): Record<HandshakeFailure, number> {
  return Object.fromEntries(
    HANDSHAKE_FAILURES.map((word, index) => [word, memory.global(GLOBAL.handshakeFailures + index)]),
  ) as Record<HandshakeFailure, number>;
}

/** Connections that were closed for want of a PROXY protocol header. */
export function prefaceTotals(memory: MainMemory): Record<PrefaceFailure, number> {
  return Object.fromEntries(
    PREFACE_FAILURES.map((word, index) => [word, memory.global(GLOBAL.prefaceFailures + index)]),
  ) as Record<PrefaceFailure, number>;
}

/** Connections that the main thread closed, by what it was for want of; workers count as descriptors. */
export type Refused = Readonly<Partial<Record<LimitName, number>>>;

export interface TotalsSource {
  readonly memory: MainMemory;
  readonly virtualServers: readonly VirtualServerPlan[];
  readonly endpoints: Iterable<EndpointState>;
  readonly workers: readonly WorkerMember[];
  readonly refused: Refused;
  readonly overload: OverloadTotals;
  readonly certificates: TlsTotals['certificates'];
}

function concurrencyLimits({ memory, endpoints }: TotalsSource): ConcurrencyLimit[] {
  const limits: ConcurrencyLimit[] = [];
  for (const { slot, address, port, isAdaptive, servers } of endpoints) {
    const limit = isAdaptive ? Atomics.load(memory.state.adaptive.limit, slot) : 0;
    if (limit > 0) for (const server of servers.keys()) limits.push({ server, address, port, limit });
  }
  return limits;
}

function ruleCounters(memory: MainMemory, slot: number): Pick<RuleTotals, 'classes' | 'seconds'> {
  const sums = sumSlice(
    memory.counters.map(({ rules }) => rules),
    slot * RULE_COUNTERS,
    SECONDS + 1,
  );
  return { classes: sums.slice(0, SECONDS), seconds: sums[SECONDS]! };
}

function buckets(memory: MainMemory, slot: number): number[] {
  return sumSlice(
    memory.counters.map(({ durations }) => durations),
    slot * DURATION_BUCKETS,
    DURATION_BUCKETS,
  );
}

function sumSlice(arrays: readonly Float64Array[], start: number, length: number): number[] {
  const sums = Array.from({ length }, () => 0);
  for (const array of arrays) for (let i = 0; i < length; i++) sums[i]! += array[start + i]!;
  return sums;
}
