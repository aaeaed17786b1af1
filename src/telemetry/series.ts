/**
 * Bounds the number of series. The families that grow with the objects share one budget: what a family does not need
 * goes to the others, the rest is divided evenly. Within a family whoever came first keeps its place until it is gone,
 * so that a series does not come and go between scrapes.
 */
export class SeriesBudget {
  readonly #budget: number;
  readonly #admitted = new Map<string, Set<string>>();
  #dropped = 0;

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Series that were left out, summed over all scrapes: any growth says that the budget is too small. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * `wanted`: for each family its keys (each once) and the number of series that one key costs.
   * Answers with the keys that are shown, per family.
   */
  admit(wanted: ReadonlyMap<string, { keys: readonly string[]; cost: number }>): Map<string, ReadonlySet<string>> {
    const shown = new Map<string, ReadonlySet<string>>();
    const limits = divide(
      this.#budget,
      [...wanted].map(([family, { keys, cost }]) => ({ family, demand: keys.length * cost })),
    );
    for (const [family, { keys, cost }] of wanted) {
      const places = Math.floor((limits.get(family) ?? 0) / cost);
      const present = new Set(keys);
      const admitted = new Set<string>();
      for (const key of this.#admitted.get(family) ?? []) {
        if (admitted.size < places && present.has(key)) admitted.add(key);
      }
      for (const key of keys) {
        if (admitted.size >= places) break;
        admitted.add(key);
      }
      this.#admitted.set(family, admitted);
      this.#dropped += (present.size - admitted.size) * cost;
      shown.set(family, admitted);
    }
    return shown;
  }
}

/** Divides a budget: the smallest demands first, each gets at most an even part of what is left. */
export function divide(
  budget: number,
  demands: readonly { readonly family: string; readonly demand: number }[],
): Map<string, number> {
  const result = new Map<string, number>();
  let left = budget;
  const ascending = demands.toSorted((a, b) => a.demand - b.demand);
  for (const [i, { family, demand }] of ascending.entries()) {
    const part = Math.min(demand, Math.floor(left / (ascending.length - i)));
    result.set(family, part);
    left -= part;
  }
  return result;
}
