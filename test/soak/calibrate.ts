/**
 * How many requests of the mixture this machine can carry: the rate goes up step by step until clients, proxy and servers
 * together cannot keep it, or the processors are full. At most 15 steps of about six seconds.
 */
import { availableParallelism } from 'node:os';
import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { cpuTime } from '../../bench/measure/process.ts';
import { LatencyRecorder } from './latency.ts';
import type { Setting } from './setting.ts';
import { startTraffic } from './traffic.ts';

export interface Capacity {
  /** Requests per second: the highest rate that was kept. */
  readonly rate: number;
  /** What the next step failed by; null where the highest rate that is tried was kept. */
  readonly limit: string | null;
  readonly steps: readonly Step[];
}

/** What was seen at a rate. */
export interface Step {
  readonly rate: number;
  /** Requests per second that came through, in the measured part. */
  readonly through: number;
  readonly notSent: number;
  /** Under way at its end. */
  readonly open: number;
  readonly failed: number;
  /** The first of those; absent: none. */
  readonly failure?: string;
  /** Shares: what tcpvs, servers and clients take of the machine's processors, and how busy the clients' thread is. */
  readonly busy: number;
  readonly clients: number;
}

const FIRST = 250;
const LAST = 4_000;
const FACTOR = 1.22;
/** Milliseconds, before it is measured and while it is. */
const SETTLE = 1_500;
const MEASURED = 3_000;
const FULL = 0.95;
const LEAST_THROUGH = 0.95;
/** Seconds of the rate that may be under way: slow clients and answers are a fiftieth. */
const MOST_OPEN_SECONDS = 0.25;

/** Errors: the first rate was not kept, and why. */
export async function calibrate(setting: Setting, say: (line: string) => void): Promise<Capacity> {
  const steps: Step[] = [];
  let carried = 0;
  for (let rate = FIRST; rate <= LAST; rate = Math.round(rate * FACTOR)) {
    const step = await tryRate(setting, rate);
    steps.push(step);
    const limit = limitOf(step);
    say(
      `calibration: ${rate}/s asked, ${step.through.toFixed(0)}/s through, processors ${percent(step.busy)}, clients' thread ${percent(step.clients)}${limit === null ? '' : `: ${limit}`}`,
    );
    if (limit !== null) {
      if (carried === 0)
        throw new Error(`not even ${rate} requests/s were carried: ${limit}; RATE=N says another rate`);
      return { rate: carried, limit, steps };
    }
    carried = rate;
  }
  return { rate: carried, limit: null, steps };
}

/** Null: it was kept. Pure. */
export function limitOf({ rate, through, notSent, open, failed, failure, busy, clients }: Step): string | null {
  if (failed > 0) return `${failed} requests failed (${failure ?? 'no reason is known'})`;
  if (busy >= FULL) return `the processors are full (${percent(busy)})`;
  if (clients >= FULL) return `the clients' thread is full (${percent(clients)})`;
  if (notSent > 0) return `${notSent} requests were not sent, too many were under way`;
  if (open > MOST_OPEN_SECONDS * rate) return `${open} requests were under way`;
  return through < LEAST_THROUGH * rate ? `${through.toFixed(0)}/s came through` : null;
}

async function tryRate(setting: Setting, rate: number): Promise<Step> {
  const { port, tls, origins } = setting;
  const [direct] = origins.servers;
  if (direct === undefined) throw new Error('no server stands behind tcpvs');
  const traffic = startTraffic({ port, tls, rate, direct, latency: new LatencyRecorder() });
  await sleep(SETTLE);
  const before = {
    processors: processors(setting),
    loop: performance.eventLoopUtilization(),
    done: traffic.through().done,
    at: performance.now(),
  };
  await sleep(MEASURED);
  const { done } = traffic.through();
  const clients: EventLoopUtilization = performance.eventLoopUtilization(before.loop);
  const seconds = (performance.now() - before.at) / 1000;
  const busy = (processors(setting) - before.processors) / seconds / availableParallelism();
  const open = traffic.open();
  const { notSent } = traffic.due();
  await traffic.stop();
  const [failure] = traffic.failures;
  return {
    rate,
    through: (done - before.done) / seconds,
    notSent,
    open,
    failed: traffic.through().failed,
    ...(failure === undefined ? {} : { failure }),
    busy,
    clients: clients.utilization,
  };
}

/** Seconds of processor time of all who take part; other work on the machine shows in what comes through. */
function processors({ serve, origins }: Setting): number {
  const clients = process.cpuUsage();
  const rest = [cpuTime(serve.pid), cpuTime(origins.pid)];
  return rest.reduce((sum, { user, system }) => sum + user + system, (clients.user + clients.system) / 1e6);
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
