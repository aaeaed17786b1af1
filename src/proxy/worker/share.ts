/** A share of the requests, 0 … 1, evenly spread: of four, a share of 0.25 takes one. */
export class Share {
  readonly #share: number;
  #debt = 0;

  constructor(share: number) {
    this.#share = share;
  }

  take(): boolean {
    this.#debt += this.#share;
    if (this.#debt < 1) return false;
    this.#debt -= 1;
    return true;
  }
}
