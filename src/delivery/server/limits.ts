import { hashContent } from '../../model/content.ts';
import { type KnownLimits, MOST_LIMITS } from '../wire.ts';

/** Where the adaptive limits of proxies are to begin, as far as it is known: told to each proxy once. */
export class Limits {
  #known: KnownLimits | null = null;

  /** @param limits by row and server, with a line break between */
  set(limits: ReadonlyMap<string, number>): void {
    const known = [...limits].slice(0, MOST_LIMITS).map(([cell, limit]): KnownLimits['known'][number] => {
      const end = cell.indexOf('\n');
      // Whole numbers: what differs by less is not told anew.
      return [cell.slice(0, end), cell.slice(end + 1), Math.max(1, Math.round(limit))];
    });
    this.#known = { id: hashContent({ known }), known };
  }

  /** Null: it has them, or did not ask. @param has id of those that a proxy has */
  news(has: string | undefined): KnownLimits | null {
    return has === undefined || has === this.#known?.id ? null : this.#known;
  }
}
