/** The admin API's counts as a listing needs them: by row and server, and as rates where there are two readings. */
import type { CellCounts, CountsDocument } from '../model/counts.ts';
import type { Figures } from './table-of.ts';

export interface Earlier {
  readonly counts: CountsDocument;
  /** Seconds between the two readings. */
  readonly seconds: number;
}

export function figuresOf(counts: CountsDocument, earlier: Earlier | null = null): Figures {
  const cells = byRow(counts);
  const before = earlier === null ? null : byRow(earlier.counts);
  const active = new Map<string, number>();
  for (const endpoint of counts.endpoints) {
    active.set(endpoint.server, (active.get(endpoint.server) ?? 0) + endpoint.active);
  }
  return {
    active: (server) => active.get(server),
    cell(row, server) {
      const cell = cells.get(`${row} ${server}`);
      if (cell === undefined) return undefined;
      const { requests, asked, askedAvailable, delivered, available, cap, inFlight = 0 } = cell;
      const capped = cap === undefined ? {} : { cap, inFlight };
      const live = { requests, asked, askedAvailable, delivered, available, ...capped };
      if (before === null || earlier === null) return live;
      const grown = requests - (before.get(`${row} ${server}`)?.requests ?? 0);
      // A restart in between sets the counts back; then they are the growth.
      const rate = (grown < 0 ? requests : grown) / earlier.seconds;
      return { ...live, rate: Math.round(rate * 10) / 10 };
    },
  };
}

function byRow(counts: CountsDocument): Map<string, CellCounts> {
  return new Map(counts.rows.flatMap((row) => row.cells.map((cell) => [`${row.id} ${cell.server}`, cell])));
}
