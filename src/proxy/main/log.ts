/** The part of a pino logger that this room needs. */
export interface Log {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

/** At most one line per interval and message; the next line says how many were left out. */
export class RateLimitedLog {
  readonly #log: Log;
  readonly #interval: number;
  readonly #last = new Map<string, { at: number; suppressed: number }>();

  constructor(log: Log, interval = 1000) {
    this.#log = log;
    this.#interval = interval;
  }

  warn(fields: object, message: string): void {
    const now = performance.now();
    const last = this.#last.get(message);
    if (last !== undefined && now - last.at < this.#interval) {
      last.suppressed++;
      return;
    }
    this.#last.set(message, { at: now, suppressed: 0 });
    this.#log.warn(
      last === undefined || last.suppressed === 0 ? fields : { ...fields, suppressed: last.suppressed },
      message,
    );
  }
}
