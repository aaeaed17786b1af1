import { ALWAYS, ExpectedTime } from '../scheduler/expected-time.ts';

/** How many seconds a client must still have for its request to be worth sending, per column. */
export class Reserves {
  readonly seconds: Float64Array;
  readonly #times: readonly ExpectedTime[] | null;
  readonly #most: number;

  /** @param timeout seconds that a client waits */
  constructor(reserve: ArrayLike<number> | 'followed', columns: number, timeout: number) {
    const isFollowed = reserve === 'followed';
    this.seconds = isFollowed ? new Float64Array(columns) : Float64Array.from(reserve);
    this.#times = isFollowed ? Array.from({ length: columns }, () => new ExpectedTime()) : null;
    this.#most = (1 - ALWAYS) * timeout;
  }

  answered(column: number, seconds: number): void {
    const time = this.#times?.[column];
    if (time === undefined) return;
    time.answered(1000 * seconds);
    this.#follow(column, time);
  }

  unanswered(column: number, seconds: number): void {
    const time = this.#times?.[column];
    if (time === undefined) return;
    time.unanswered(1000 * seconds);
    this.#follow(column, time);
  }

  #follow(column: number, { milliseconds }: ExpectedTime): void {
    this.seconds[column] = Math.min(this.#most, milliseconds / 1000);
  }
}
