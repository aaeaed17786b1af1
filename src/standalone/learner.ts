/** Learns the profiles of the apps from what the proxy counts, second by second, and keeps them over a restart. */
import { givenMatrices } from '../learning/given.ts';
import { bookOf, type KeptBook, keptBook } from '../learning/kept-book.ts';
import { type MatrixGiven, ProfileBook } from '../learning/profile-book.ts';
import type { Use } from '../learning/resource-book.ts';
import { type CellWindow, countedRows, windowsIn } from '../learning/windows.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { MatrixProfile, ProfilesDocument } from '../model/profiles.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { Serving } from '../proxy/serving-contract.ts';
import type { ClusterState } from '../translate/cluster-state.ts';

export interface LearnerOptions {
  readonly serving: Pick<Serving, 'countsInSlices' | 'takeLevels' | 'setPriors'>;
  readonly matrices: () => ClusterState['matrices'];
  /** What instances used since the call before, by matrix; null: nobody measures it. */
  readonly usage: ((matrices: readonly MatrixGiven[]) => Promise<ReadonlyMap<ObjectKey, readonly Use[]>>) | null;
  /** Null: nothing is kept. */
  readonly keep: ((book: KeptBook) => Promise<void>) | null;
  /** What was kept by a run before. */
  readonly kept: unknown;
  readonly report: (message: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Milliseconds of a window, and between two writes of what was learned. */
const WINDOW = 1000;
const KEEPING = 60_000;
/** Windows after which it is looked at what instances used: what is begun in one and ended in the next is little of it then. */
const USAGE = 5;

export class Learner {
  readonly #options: LearnerOptions;
  readonly #now: () => number;
  readonly #book: ProfileBook;
  #timer: NodeJS.Timeout | null = null;
  /** Null: nothing was looked at yet. */
  #before: CountsDocument | null = null;
  #lookedAt: number | null = null;
  #keptAt: number;
  #windows = 0;
  #looking: Promise<void> | null = null;

  constructor(options: LearnerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#book = opened(options);
    this.#keptAt = this.#now();
  }

  /** Before the first snapshot is served: what is known from before is what limits begin with. */
  start(): void {
    this.#options.serving.setPriors(this.#book.limits(this.#now()));
    this.#timer = setInterval(() => {
      // A look that takes longer than a window makes the next window longer.
      this.#looking ??= this.look().finally(() => (this.#looking = null));
    }, WINDOW).unref();
  }

  /** Takes up what was counted since the look before. */
  async look(): Promise<void> {
    const { serving, report } = this.#options;
    try {
      const counts = await serving.countsInSlices();
      // The first look only says where counting begins.
      const rows = this.#before === null ? [] : countedRows(this.#before, counts);
      const levels = await serving.takeLevels(new Set(rows.map(({ now }) => now.id)));
      this.#take(counts, windowsIn(rows, levels));
      if (++this.#windows % USAGE === 0) await this.#takeUses();
      if (this.#now() - this.#keptAt >= KEEPING) await this.#keep();
    } catch (error) {
      report(`what the apps' requests take is not learned from this window: ${(error as Error).message}`);
    }
  }

  #take(counts: CountsDocument, windows: Iterable<CellWindow>): void {
    const now = this.#now();
    const passed = this.#lookedAt === null ? 0 : now - this.#lookedAt;
    [this.#before, this.#lookedAt] = [counts, now];
    // A clock that was put back says nothing.
    if (passed <= 0) return;
    const intervals = new Map(this.#given().map(({ matrix, interval }) => [matrix, interval]));
    this.#book.add(windows, passed / 1000, now, (matrix) => intervals.get(matrix) ?? WINDOW / 1000);
  }

  async #takeUses(): Promise<void> {
    const given = this.#given();
    const uses = await this.#options.usage?.(given);
    if (uses === undefined) return;
    for (const each of given) this.#book.addUses(each, uses.get(each.matrix) ?? [], this.#now());
  }

  async #keep(): Promise<void> {
    this.#keptAt = this.#now();
    this.#book.prune(this.#given(), this.#keptAt);
    this.#options.serving.setPriors(this.#book.limits(this.#keptAt));
    await this.#options.keep?.(keptBook(this.#book)).catch((error: Error) => {
      this.#options.report(`what was learned of the apps is not kept: ${error.message}`);
    });
  }

  /** `keep` false: another process has taken over, and keeps its own. */
  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
    if (keep) await this.#keep();
  }

  /** @param cells as ProfileBook.profile */
  profiles(cells = true): ProfilesDocument {
    const now = this.#now();
    const matrices = this.#given().map((each): MatrixProfile => this.#book.profile(each, now, cells));
    return { at: now / 1000, matrices };
  }

  #given(): MatrixGiven[] {
    return givenMatrices(this.#options.matrices());
  }
}

function opened({ kept, report }: LearnerOptions): ProfileBook {
  if (kept === null) return new ProfileBook();
  try {
    return bookOf(kept);
  } catch (error) {
    report(`what was learned of the apps before is not used: ${(error as Error).message}`);
    return new ProfileBook();
  }
}
