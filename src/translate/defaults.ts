/** Defaults that are not in the schema, so that an object that is read back shows only what was written. */
import { parseDuration } from '../api/common.ts';
import type { QueueSpec } from '../api/queue.ts';
import type { RateLimitSpec } from '../api/rate-limit.ts';
import type { RuleSpec } from '../api/rule.ts';
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { Balance, Limits, QueueLimits, RateLimit, Timeouts } from '../model/snapshot.ts';

const TIMEOUTS: Timeouts = { request: 60_000, connect: 1_000, idle: 180_000 };

/** KTCPVS's maxclients of 256 was a number of processes; connections are what is counted here. */
const LIMITS: Limits = {
  maxClients: 10_000,
  headerBytes: 16_384,
  bodyBytes: 0,
  requestsPerConnection: 0,
  keepAliveTimeout: 75_000,
  headTimeout: 10_000,
  readTimeout: 60_000,
  writeTimeout: 60_000,
};

/** Address of a listener that names none: IPv6 and IPv4. */
export const ANY_ADDRESS = '::';

const milliseconds = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : (parseDuration(text) ?? fallback);

/** The same object for all that say nothing. */
export const timeoutsOf = ({ request, connect, idle }: RuleSpec['timeouts']): Timeouts =>
  request === undefined && connect === undefined && idle === undefined
    ? TIMEOUTS
    : {
        request: milliseconds(request, TIMEOUTS.request),
        connect: milliseconds(connect, TIMEOUTS.connect),
        idle: milliseconds(idle, TIMEOUTS.idle),
      };

export const limitsOf = (spec: TcpVirtualServerSpec['limits']): Limits => ({
  maxClients: spec.maxClients ?? LIMITS.maxClients,
  headerBytes: spec.headerBytes ?? LIMITS.headerBytes,
  bodyBytes: spec.bodyBytes ?? LIMITS.bodyBytes,
  requestsPerConnection: spec.requestsPerConnection ?? LIMITS.requestsPerConnection,
  keepAliveTimeout: milliseconds(spec.keepAliveTimeout, LIMITS.keepAliveTimeout),
  headTimeout: milliseconds(spec.headTimeout, LIMITS.headTimeout),
  readTimeout: milliseconds(spec.readTimeout, LIMITS.readTimeout),
  writeTimeout: milliseconds(spec.writeTimeout, LIMITS.writeTimeout),
});

/** KTCPVS's schedulers are least connections, but for hhttp, whose matrix is exact. */
export const balanceOf = (spec: Pick<TcpVirtualServerSpec, 'scheduler' | 'balance'>): Balance =>
  spec.balance ?? (spec.scheduler === 'hhttp' ? 'RoundRobin' : 'LeastConnections');

/** Who says how long clients wait for an answer, has it that nobody waits in vain: no other bound is needed. */
export const queueOf = ({ requests, timeout, deadline }: QueueSpec): QueueLimits => ({
  requests,
  timeout: milliseconds(timeout ?? deadline, 1000),
  ...(deadline === undefined ? {} : { deadline: milliseconds(deadline, 0) }),
});

const MILLISECONDS = { Second: 1000, Minute: 60_000, Hour: 3_600_000 } as const;

export const rateLimitOf = (spec: RateLimitSpec | undefined): RateLimit | null =>
  spec === undefined
    ? null
    : { requests: spec.requests, per: MILLISECONDS[spec.per], burst: spec.burst ?? spec.requests };
