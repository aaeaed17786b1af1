/**
 * Deadlines of all connections of a worker. A deadline is a plain field: setting it costs nothing per request; looking
 * through ten thousand of them twenty times a second costs about a millisecond a second.
 */
import { monotonic } from './clock.ts';
import type { Connection } from './io.ts';

export const TICK = 50;

export class Sweeper {
  private readonly connections: Connection[] = [];
  private timer: NodeJS.Timeout | null = null;
  private readonly onTick: (now: number) => void;

  /** `onTick` hears each tick's time before the connections do. */
  constructor(onTick: (now: number) => void) {
    this.onTick = onTick;
  }

  start(): void {
    this.timer ??= setInterval(() => this.tick(), TICK);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  add(connection: Connection): void {
    connection.index = this.connections.length;
    this.connections.push(connection);
  }

  remove(connection: Connection): void {
    if (connection.index < 0) return;
    const last = this.connections.pop();
    if (last !== undefined && last !== connection) {
      last.index = connection.index;
      this.connections[last.index] = last;
    }
    connection.index = -1;
  }

  get size(): number {
    return this.connections.length;
  }

  /** Calls `visit` for every connection; it may close the one it is called with. */
  each(visit: (connection: Connection) => void): void {
    for (let i = this.connections.length - 1; i >= 0; i--) {
      const connection = this.connections[i];
      if (connection !== undefined) visit(connection);
    }
  }

  private tick(): void {
    const now = monotonic();
    this.onTick(now);
    // The loop reads between timers and this: where the thread was held up, what came in time does not count as late.
    setImmediate(() => this.sweep(now));
  }

  private sweep(now: number): void {
    if (this.timer === null) return;
    this.each((connection) => {
      if (connection.deadline <= now + TICK / 2) connection.guarded(() => connection.expired(now));
    });
  }
}
