/** The mixture of clients at a constant rate. */
import { Agent } from 'node:http';

import { ask } from './ask.ts';
import type { LatencyRecorder, Way } from './latency.ts';
import { KEEP_ALIVE, leaveGround, MIXTURE, newGround } from './mixture.ts';
import type { TlsPort } from './setting.ts';

/** The same request without tcpvs between: a control for how long one takes. */
const DIRECT = 'straight to a server';

export interface Traffic {
  /** By kind of client. */
  readonly counts: ReadonlyMap<string, { done: number; failed: number }>;
  /** The first few failures. */
  readonly failures: readonly string[];
  /** Requests through tcpvs that are done; what has failed, the control as well. */
  readonly through: () => { readonly done: number; readonly failed: number };
  /** Under way. */
  readonly open: () => number;
  /** Requests through tcpvs that were due: all, and those left out because too many were under way. */
  readonly due: () => { readonly all: number; readonly notSent: number };
  /** Starts nothing new, and resolves when all is through. */
  stop(): Promise<void>;
}

export interface TrafficOptions {
  readonly port: number;
  readonly tls: TlsPort;
  /** Requests per second through tcpvs. */
  readonly rate: number;
  /** One of the servers: each request that is timed is asked there as well. */
  readonly direct: { readonly address: string; readonly port: number };
  readonly latency: LatencyRecorder;
}

/** About a second of the highest rate: what is kept waiting longer than that is not a stall. */
const MOST_OPEN = 2_000;
const MOST_FAILURES = 20;
const TICK = 5;
/** Requests that are timed, per second: enough for the percentile of a minute, and few beside the load. */
const TIMED = 100;

export function startTraffic({ port, tls, rate, direct, latency }: TrafficOptions): Traffic {
  const counts = new Map([...MIXTURE.map(({ name }) => name), DIRECT].map((name) => [name, { done: 0, failed: 0 }]));
  const failures: string[] = [];
  const ground = newGround(port, tls);
  const directAgent = new Agent({ keepAlive: true });
  const order = MIXTURE.flatMap((kind) => Array.from({ length: kind.share }, () => kind));
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  let sent = 0;
  let notSent = 0;
  let timedSoFar = 0;
  const track = (name: string, result: Promise<void>) => {
    const count = counts.get(name) ?? { done: 0, failed: 0 };
    const one = result.then(
      () => void count.done++,
      (error: Error) => {
        count.failed++;
        if (failures.length < MOST_FAILURES) failures.push(`${name}: ${error.message}`);
      },
    );
    const tracked = one.finally(() => void running.delete(tracked));
    running.add(tracked);
  };
  const timed = async (way: Way, result: Promise<void>) => {
    const begin = performance.now();
    await result;
    latency.record(way, performance.now() - begin);
  };
  const timer = setInterval(() => {
    const seconds = (performance.now() - startedAt) / 1000;
    for (; sent < seconds * rate; sent++) {
      // 37 and 100 have no common divisor: all kinds come in their shares, well mixed.
      const kind = order[(sent * 37) % order.length];
      if (kind === undefined) continue;
      if (running.size >= MOST_OPEN) {
        notSent++;
        continue;
      }
      // One further in each round: else a kind that comes once in a round would see every second app only.
      const turn = sent + Math.floor(sent / order.length);
      const path = `/${kind.apps[turn % kind.apps.length] ?? ''}/`;
      const result = kind.run(ground, path);
      if (kind.name === KEEP_ALIVE && timedSoFar < seconds * TIMED) {
        timedSoFar++;
        track(kind.name, timed('proxied', result));
        track(
          DIRECT,
          timed('direct', ask(direct.port, path, { agent: directAgent, address: direct.address, again: true })),
        );
      } else track(kind.name, result);
    }
  }, TICK);
  return {
    counts,
    failures,
    through: () => {
      let done = 0;
      let failed = 0;
      for (const [name, count] of counts) {
        if (name !== DIRECT) done += count.done;
        failed += count.failed;
      }
      return { done, failed };
    },
    open: () => running.size,
    due: () => ({ all: sent, notSent }),
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
      directAgent.destroy();
      await leaveGround(ground);
    },
  };
}
