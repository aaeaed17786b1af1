/** Until when certificates are valid: for the metrics, and a line where one is about to end or has ended. */
import type { CertificatePiece, ObjectKey } from '../../model/snapshot.ts';
import { readDates } from '../../tls/certificate.ts';
import type { CertificateTotals } from '../serving-contract.ts';
import type { Log } from './log.ts';

/** Milliseconds. */
const DAY = 24 * 3_600_000;
const SOON = 7 * DAY;
/** How often it is looked whether a day has gone by, or the clock has been set. */
const MINUTE = 60_000;

export class CertificateDates {
  readonly #log: Pick<Log, 'warn'>;
  readonly #clock: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #dates = new Map<ObjectKey, Dates>();
  #lookedAt: number;

  /** `clock`: milliseconds since 1970. */
  constructor(log: Pick<Log, 'warn'>, clock: () => number = Date.now) {
    this.#log = log;
    this.#clock = clock;
    this.#lookedAt = clock();
    this.#timer = setInterval(() => this.#lookDaily(), MINUTE);
    this.#timer.unref();
  }

  update(changed: readonly CertificatePiece[], removed: readonly ObjectKey[]): void {
    for (const key of removed) this.#dates.delete(key);
    for (const { key, certificate } of changed) {
      const dates = readDates(certificate);
      if (dates === null) this.#dates.delete(key);
      else this.#dates.set(key, dates);
    }
    this.#look(changed.map(({ key }) => key));
  }

  totals(): CertificateTotals[] {
    return [...this.#dates].map(([key, { notAfter }]) => ({ key, notAfter: notAfter / 1000 }));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A day of the calendar: a clock that is set, forwards or back, makes it another day for certificates, too. */
  #lookDaily(): void {
    if (Math.abs(this.#clock() - this.#lookedAt) < DAY) return;
    this.#lookedAt = this.#clock();
    this.#look([...this.#dates.keys()]);
  }

  #look(keys: readonly ObjectKey[]): void {
    const now = this.#clock();
    for (const certificate of keys) {
      const dates = this.#dates.get(certificate);
      if (dates === undefined) continue;
      const notAfter = new Date(dates.notAfter).toISOString();
      if (now > dates.notAfter) this.#log.warn({ certificate, notAfter }, 'certificate has expired; clients refuse it');
      else if (now > dates.notAfter - SOON)
        this.#log.warn({ certificate, notAfter }, 'certificate expires within a week');
      else if (now < dates.notBefore) {
        const notBefore = new Date(dates.notBefore).toISOString();
        this.#log.warn({ certificate, notBefore }, 'certificate is not valid yet; clients refuse it');
      }
    }
  }
}

interface Dates {
  readonly notBefore: number;
  readonly notAfter: number;
}
