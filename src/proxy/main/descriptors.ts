/** How many client connections this process may hold: each needs a second descriptor towards its server. */
import { readFileSync } from 'node:fs';

import { PROBES_AT_ONCE } from './probe.ts';

/** Kept for listeners, the admin endpoint, log files, what Node itself has open (23 at the start), and probes. */
const RESERVE = 64 + PROBES_AT_ONCE;
/** A worker thread has 5 (epoll, pipes, eventfds). */
const PER_WORKER = 8;

export function maxConnections(workers: number, limits: string = processLimits()): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
  // With a very small limit the reserve must not take all.
  const reserve = Math.min(RESERVE + PER_WORKER * workers, Math.floor(limit / 2));
  return Math.floor((limit - reserve) / 2);
}

function processLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Not Linux: the default limit of most systems.
    return 'Max open files            1024';
  }
}
