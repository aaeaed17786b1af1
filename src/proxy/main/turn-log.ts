/** Lines about endpoints that go out and come back: one that does so all the time must not flood the log. */
import type { Log } from './log.ts';

/** Lines that are said at once: that an endpoint is out, and that it is back. */
const AT_ONCE = 2;

export class TurnLog {
  readonly #log: Log;
  readonly #interval: number;
  readonly #windows = new Map<number, Window>();

  /** `interval`: milliseconds; in each of them at most two lines about an endpoint, and one while it goes on and on. */
  constructor(log: Log, interval = 10_000) {
    this.#log = log;
    this.#interval = interval;
  }

  /** Says what became of the endpoint in `slot`: now, or when its time has come, as how it ended and how much was left out. */
  say(slot: number, line: Line): void {
    let window = this.#windows.get(slot);
    if (window === undefined)
      this.#windows.set(slot, (window = { lines: 0, kept: null, suppressed: 0, timer: undefined }));
    window.timer ??= this.#later(slot, window);
    if (window.lines < AT_ONCE) {
      window.lines++;
      this.#log[line.level](line.fields, line.message);
      return;
    }
    if (window.kept !== null) window.suppressed++;
    window.kept = line;
  }

  /** Nothing more is said of it. */
  forget(slot: number): void {
    clearTimeout(this.#windows.get(slot)?.timer);
    this.#windows.delete(slot);
  }

  #later(slot: number, window: Window): NodeJS.Timeout {
    return setTimeout(() => this.#over(slot, window), this.#interval).unref();
  }

  #over(slot: number, window: Window): void {
    const { kept, suppressed } = window;
    if (kept === null) {
      this.#windows.delete(slot);
      return;
    }
    window.kept = null;
    window.suppressed = 0;
    window.timer = this.#later(slot, window);
    this.#log[kept.level](suppressed === 0 ? kept.fields : { ...kept.fields, suppressed }, kept.message);
  }
}

export interface Line {
  readonly level: 'info' | 'warn';
  readonly fields: object;
  readonly message: string;
}

interface Window {
  lines: number;
  /** The last line that was not said yet. */
  kept: Line | null;
  /** Lines before it that never will be. */
  suppressed: number;
  timer: NodeJS.Timeout | undefined;
}
