/** First in, first out, of small integers; both ends in constant time. */
export class Fifo {
  #items: number[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** The one that came first; the queue must not be empty. */
  get head(): number {
    return this.#items[this.#first]!;
  }

  push(item: number): void {
    this.#items.push(item);
  }

  shift(): number {
    const item = this.#items[this.#first++]!;
    if (this.#first > 64 && 2 * this.#first > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}
