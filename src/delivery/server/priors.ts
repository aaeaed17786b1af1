import { hashContent } from '../../model/content.ts';
import { type KnownPriors, MOST_PRIORS } from '../wire.ts';

/** Where the adaptive limits of proxies are to begin, as far as it is known: told to each proxy once. */
export class Priors {
  #known: KnownPriors | null = null;

  /** @param priors by row and server, with a line break between */
  set(priors: ReadonlyMap<string, number>): void {
    const known = [...priors].slice(0, MOST_PRIORS).map(([cell, limit]): KnownPriors['known'][number] => {
      const end = cell.indexOf('\n');
      // Whole numbers: what differs by less is not told anew.
      return [cell.slice(0, end), cell.slice(end + 1), Math.max(1, Math.round(limit))];
    });
    this.#known = { id: hashContent({ known }), known };
  }

  /** Null: it has them, or did not ask. @param has id of those that a proxy has */
  news(has: string | undefined): KnownPriors | null {
    return has === undefined || has === this.#known?.id ? null : this.#known;
  }
}
