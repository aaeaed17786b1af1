/** A map of which the same copy is handed out until something in it changes: what translation takes as unchanged. */
export class Projection<V> {
  readonly #values = new Map<string, V>();
  #view: ReadonlyMap<string, V> | null = null;

  /** `undefined`: there is none. True: that is another value than before. */
  set(key: string, value: V | undefined): boolean {
    if (this.#values.get(key) === value) return false;
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
    this.#view = null;
    return true;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  get view(): ReadonlyMap<string, V> {
    return (this.#view ??= new Map(this.#values));
  }
}
