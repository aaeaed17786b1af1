/** How many client connections this process may hold: each needs a second descriptor towards its server. */
import { readFileSync } from 'node:fs';

/** Kept for listeners, the admin endpoint, health checks, log files, and what Node itself has open. */
const RESERVE = 128;

export function maxConnections(limits: string = processLimits()): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
  // With a very small limit the reserve must not take all.
  const reserve = Math.min(RESERVE, Math.floor(limit / 4));
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
