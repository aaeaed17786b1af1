import { giveBack, giveBackBriefly } from './give-back.ts';

export interface CalmOptions {
  /** Milliseconds between two looks. */
  readonly interval?: number;
  /** Share of a processor, 0 … 1: a process that used less of it since the last look is at rest. */
  readonly rest?: number;
  /** Bytes by which the heap has grown since memory was last given back, so that it is worth the while. */
  readonly worth?: number;
  /** What gives it back; default: giveBack. */
  readonly collect?: () => void;
  /** For tests. */
  readonly gaveBack?: () => void;
}

/**
 * For a process that moves traffic, too: rest is over at any moment, so it is stopped for some 30 ms at most, and for less than
 * a burst of a controller's. (5,000 apps that were asked for at once: 150 MB against 139.)
 */
export const BRIEFLY: CalmOptions = { interval: 5_000, worth: 6 * 2 ** 20, collect: giveBackBriefly };

/**
 * For a process whose work comes in bursts: once it is at rest, what the last burst left is given back. V8 lets a heap grow as
 * long as there is memory, and collects nothing while nothing is made. (A controller with 5,000
 * rules and as many Services: 510 MB after it has written all statuses, of which it needs 100.)
 *
 * @returns ends it
 */
export function giveBackWhenCalm(options: CalmOptions = {}): () => void {
  const {
    interval = 10_000,
    rest = 0.05,
    worth = 32 * 2 ** 20,
    collect = giveBack,
    gaveBack = () => undefined,
  } = options;
  let before = process.cpuUsage();
  let least = process.memoryUsage().heapTotal;
  const look = (): void => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const { heapTotal } = process.memoryUsage();
    least = Math.min(least, heapTotal);
    if ((user + system) / 1000 > rest * interval || heapTotal - least < worth) return;
    collect();
    least = process.memoryUsage().heapTotal;
    gaveBack();
    // It was our own doing.
    before = process.cpuUsage();
  };
  const timer = setInterval(look, interval).unref();
  return () => clearInterval(timer);
}
