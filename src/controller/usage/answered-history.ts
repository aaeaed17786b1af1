/** What was answered at cells of late, so that it can be told for a window that is known only when it is over. Pure. */
import type { CellWindow } from '../../learning/windows.ts';
import type { ObjectKey } from '../../model/snapshot.ts';

/** Milliseconds of a bucket, and for which they are kept: the longest window of the metrics API, and as long until it is asked. */
const STEP = 2000;
const KEPT = 180_000;

interface Answered {
  arrivals: number;
  answered: number;
  seconds: number;
}

interface Bucket {
  readonly from: number;
  to: number;
  readonly cells: Map<string, Answered>;
}

export class AnsweredHistory {
  #buckets: Bucket[] = [];

  /** @param from milliseconds since 1970; the windows are what happened between the two */
  add(windows: Iterable<CellWindow>, from: number, to: number): void {
    let bucket = this.#buckets.at(-1);
    if (bucket !== undefined && bucket.to !== from) {
      // A clock that was set, or a gap: nothing is said over it.
      this.#buckets = [];
      bucket = undefined;
    }
    if (bucket === undefined || to - bucket.from > STEP) {
      this.#buckets.push((bucket = { from, to, cells: new Map() }));
      while (this.#buckets[0]!.to < to - KEPT) this.#buckets.shift();
    }
    bucket.to = to;
    for (const { matrix, server, app, arrivals, answered, seconds } of windows) {
      if (arrivals === 0 && answered === 0) continue;
      const key = keyOf(matrix, server, app);
      const cell = bucket.cells.get(key);
      if (cell === undefined) bucket.cells.set(key, { arrivals, answered, seconds });
      else {
        cell.arrivals += arrivals;
        cell.answered += answered;
        cell.seconds += seconds;
      }
    }
  }

  /** Null: not all of the time is known. Of a bucket that lies in it in part, that part. */
  between(from: number, to: number): ((matrix: ObjectKey, server: ObjectKey, app: string) => CellWindow) | null {
    const [first, last] = [this.#buckets[0], this.#buckets.at(-1)];
    if (first === undefined || last === undefined || from < first.from || to > last.to) return null;
    const inside = this.#buckets.flatMap((bucket) => {
      const part = (Math.min(to, bucket.to) - Math.max(from, bucket.from)) / (bucket.to - bucket.from);
      return part > 0 ? [{ bucket, part }] : [];
    });
    return (matrix, server, app) => {
      const sum = { arrivals: 0, answered: 0, seconds: 0 };
      for (const { bucket, part } of inside) {
        const cell = bucket.cells.get(keyOf(matrix, server, app));
        if (cell === undefined) continue;
        sum.arrivals += part * cell.arrivals;
        sum.answered += part * cell.answered;
        sum.seconds += part * cell.seconds;
      }
      return { matrix, server, app, ...sum, failures: 0, timeouts: 0, levels: null };
    };
  }
}

const keyOf = (matrix: ObjectKey, server: ObjectKey, app: string): string => `${matrix} ${server} ${app}`;
