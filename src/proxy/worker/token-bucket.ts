/** So much at once, and so much a second. */
export class TokenBucket {
  private readonly burst: number;
  /** Per millisecond. */
  private readonly rate: number;
  private tokens: number;
  private at: number;

  /** `now`: milliseconds. */
  constructor(burst: number, perSecond: number, now: number) {
    this.burst = burst;
    this.rate = perSecond / 1000;
    this.tokens = burst;
    this.at = now;
  }

  /** @returns false where there is not so much left: it is all gone then */
  take(amount: number, now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + (now - this.at) * this.rate);
    this.at = now;
    this.tokens -= amount;
    if (this.tokens >= 0) return true;
    this.tokens = 0;
    return false;
  }
}
