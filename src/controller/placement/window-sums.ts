/**
 * What all proxies have counted, summed up from windows of each. Proxies come and go, so that the sum of what they say falls and jumps;
 * of what happened meanwhile that says nothing. Pure.
 */
import { windowsOf } from '../../learning/windows.ts';
import { addTimes, type AnswerTimes } from '../../model/answer-times.ts';
import type { CellCounts, CountsDocument, RowCounts } from '../../model/counts.ts';

interface Cell {
  readonly app: string;
  readonly server: string;
  available: boolean;
  requests: number;
  failures: number;
  answered: number;
  seconds: number;
  timeouts: number;
  times: AnswerTimes;
}

const NOTHING: CountsDocument = { rows: [], endpoints: [] };

export class WindowSums {
  #last: ReadonlyMap<string, CountsDocument> = new Map();
  readonly #rows = new Map<string, Map<string, Cell>>();

  /**
   * @param documents by proxy, what it has counted since it started
   * @param isWanted of a row's id, whether anybody asks for it
   */
  take(documents: ReadonlyMap<string, CountsDocument>, isWanted: (row: string) => boolean): void {
    const present = new Map(
      [...documents].map(([uid, { rows }]) => [uid, { rows: rows.filter(({ id }) => isWanted(id)), endpoints: [] }]),
    );
    for (const [id, cells] of this.#rows) {
      if (!isWanted(id)) this.#rows.delete(id);
      for (const cell of cells.values()) cell.available = false;
    }
    for (const [uid, document] of present) {
      for (const { id, cells } of document.rows) this.#see(id, cells);
      // Of one that is new here it is not known when it counted what it has.
      const before = this.#last.get(uid);
      for (const window of before === undefined ? [] : windowsOf(before, document)) {
        const cell = this.#rows.get(`matrix ${window.matrix} ${window.app}`)?.get(window.server);
        if (cell === undefined) continue;
        cell.requests += window.arrivals;
        cell.failures += window.failures;
        cell.answered += window.answered;
        cell.seconds += window.seconds;
        cell.timeouts += window.timeouts;
        cell.times = addTimes(cell.times, window.times);
      }
    }
    this.#last = present;
  }

  /** As one proxy that has been there all the time would have it; weights and shares are nobody's. */
  document(): CountsDocument {
    if (this.#rows.size === 0) return NOTHING;
    return { rows: [...this.#rows].map(([id, cells]) => rowOf(id, cells)), endpoints: [] };
  }

  /** A cell takes work where it does at any proxy. */
  #see(id: string, cells: readonly CellCounts[]): void {
    const row = this.#rows.get(id) ?? new Map<string, Cell>();
    this.#rows.set(id, row);
    for (const { app, server, available } of cells) {
      const cell = row.get(server);
      if (cell === undefined) row.set(server, { app: app ?? '', server, available, ...NONE });
      else cell.available ||= available;
    }
  }
}

const NONE = { requests: 0, failures: 0, answered: 0, seconds: 0, timeouts: 0, times: [] };

function rowOf(id: string, cells: ReadonlyMap<string, Cell>): RowCounts {
  return {
    id,
    epoch: 0,
    cells: [...cells.values()].map(
      ({ app, server, available, requests, failures, answered, seconds, timeouts, times }) => ({
        app,
        server,
        available,
        weight: 0,
        asked: 0,
        askedAvailable: 0,
        delivered: null,
        epochRequests: 0,
        requests,
        retries: 0,
        sticky: 0,
        failures,
        work: { answered, seconds, timeouts, shed: 0, ...(times.length === 0 ? {} : { times }) },
      }),
    ),
  };
}
