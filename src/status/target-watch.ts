import type { RowCounts } from '../model/counts.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { NO_REQUESTS, type OnTarget } from './known-conditions.ts';
import { type Deviation, deviationOf, promisesOf } from './on-target.ts';

/**
 * OnTarget per matrix over time. The counts of several workers are read one after another while they grow, so that a
 * single look may be off by what was counted in between; what two looks see is off.
 */
export class TargetWatch {
  readonly #off = new Map<string, number>();
  readonly #state = new Map<string, OnTarget>();

  look(snapshot: Snapshot, matrices: ReadonlyMap<string, readonly RowCounts[]>): ReadonlyMap<string, OnTarget> {
    const promises = promisesOf(snapshot);
    const seen = new Set<string>();
    for (const piece of snapshot.pieces) {
      if (piece.kind !== 'Matrix') continue;
      seen.add(piece.key);
      const looks = (matrices.get(piece.key) ?? []).map((row) => deviationOf(row, promises.get(piece.key) ?? 'Rough'));
      const requests = looks.reduce((sum, look) => sum + look.requests, 0);
      const worst = looks.find((look) => look.worst !== null)?.worst ?? null;
      // Nothing asked in a new epoch: it is as it was.
      if (requests === 0) {
        if (!this.#state.has(piece.key)) this.#state.set(piece.key, NO_REQUESTS);
      } else this.#note(piece.key, worst);
    }
    for (const key of this.#state.keys()) if (!seen.has(key)) this.#state.delete(key);
    return this.#state;
  }

  #note(key: string, worst: Deviation | null): void {
    const times = worst === null ? 0 : (this.#off.get(key) ?? 0) + 1;
    this.#off.set(key, times);
    if (worst === null) {
      this.#state.set(key, { status: 'True', message: 'Every cell got its share' });
    } else if (times >= 2) {
      const { app, server, asked, delivered } = worst;
      const message = `${app} at ${server}: asked ${asked.toFixed(3)}, delivered ${delivered.toFixed(3)}`;
      this.#state.set(key, { status: 'False', message });
    }
  }
}
