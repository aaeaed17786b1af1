/** Where adaptive limits of concurrency begin: what is known of an endpoint before a request has gone there. */
import type { EndpointState } from '../plan/endpoints.ts';
import type { SharedState } from '../shared.ts';

export class Priors {
  readonly #prior: Int32Array;
  #known: ReadonlyMap<string, number> = new Map();

  constructor({ adaptive }: Pick<SharedState, 'adaptive'>) {
    this.#prior = adaptive.prior;
  }

  /** As Serving.setPriors. */
  set(known: ReadonlyMap<string, number>): void {
    this.#known = known;
  }

  /** To be called before a worker hears of an endpoint. */
  apply({ slot, isAdaptive, rows, servers }: EndpointState): void {
    if (!isAdaptive) return;
    for (const row of rows.keys()) {
      for (const server of servers.keys()) {
        const limit = this.#known.get(`${row}\n${server}`);
        if (limit === undefined) continue;
        this.#prior[slot] = Math.max(1, Math.round(limit));
        return;
      }
    }
  }
}
