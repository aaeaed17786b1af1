/**
 * The time in which forty-nine of fifty answers have come lately: a quantile that is followed without keeping what it is of.
 * Each observation moves it by a factor, up by 0.98 of a step or down by 0.02 of one, so that it rests where the two are
 * balanced (Robbins and Monro 1951, with a step that stays, for a time that changes). A tenfold rise takes a dozen answers,
 * a fall some six hundred: what is too little is worse than what is too much (docs/adr/0034).
 */
const QUANTILE = 0.98;
const STEP = 0.2;
const UP = Math.exp(STEP * QUANTILE);
const DOWN = Math.exp(-STEP * (1 - QUANTILE));
/** Of the time in which it is to be answered, a request may always wait this part: answers that take too long are not for ever. */
export const ALWAYS = 0.2;
/** Milliseconds. */
const LEAST = 0.1;

export class ExpectedTime {
  /** 0: nothing is known. */
  milliseconds = 0;

  /** An answer has taken so long. */
  answered(milliseconds: number): void {
    if (this.milliseconds === 0) this.milliseconds = Math.max(LEAST, milliseconds);
    else if (milliseconds > this.milliseconds) this.milliseconds *= UP;
    else this.milliseconds = Math.max(LEAST, this.milliseconds * DOWN);
  }

  /** None had come by then: it is known to take longer, or nothing is known. */
  unanswered(milliseconds: number): void {
    if (milliseconds > this.milliseconds) this.answered(milliseconds);
  }
}
