/** What is learned of the apps in a cluster, from what all proxies report: every replica of the controller learns by itself. */
import type { ReplicaState } from '../delivery/contract.ts';
import { givenMatrices } from '../learning/given.ts';
import type { MatrixGiven, ProfileBook } from '../learning/profile-book.ts';
import { SHORTEST, sampledLevels } from '../learning/sampled-levels.ts';
import { type CellWindow, windowsOf } from '../learning/windows.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { ProfilesDocument } from '../model/profiles.ts';
import type { ClusterState } from '../translate/cluster-state.ts';
import { AlignedSamples } from './aligned-samples.ts';
import type { PlacedWorld } from './usage/pod-places.ts';
import { PodUsage, type PodUsageOptions } from './usage/pod-usage.ts';

export interface ClusterProfilesOptions {
  /** By uid. */
  readonly replicas: () => ReadonlyMap<string, Pick<ReplicaState, 'counts' | 'programmed' | 'samples' | 'behind'>>;
  readonly matrices: () => ClusterState['matrices'];
  /** What was known before is in it. */
  readonly book: ProfileBook;
  /** Null: what pods use is not asked. */
  readonly podMetrics: PodMetrics | null;
  readonly log: PodUsageOptions['log'];
  /** Told now and then of ProfileBook.limits. */
  readonly onPriors: (priors: ReadonlyMap<string, number>) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface PodMetrics extends Pick<PodUsageOptions, 'api' | 'period'> {
  readonly running: () => Pick<PlacedWorld, 'realServers' | 'cluster'>;
}

/** Milliseconds between two looks, and between two times of forgetting what is not there any more. */
const WINDOW = 1000;
const PRUNING = 60_000;

export class ClusterProfiles {
  readonly #options: ClusterProfilesOptions;
  readonly #now: () => number;
  readonly #book: ProfileBook;
  readonly #usage: PodUsage | null;
  readonly #samples: AlignedSamples;
  /** What was last seen of each proxy: one that starts anew counts from 0, and must not take the others' sums along. */
  #before = new Map<string, CountsDocument>();
  #lookedAt: number | null = null;
  #prunedAt: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ClusterProfilesOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#book = options.book;
    this.#usage = options.podMetrics === null ? null : this.#usageBy(options.podMetrics);
    this.#prunedAt = this.#now();
    this.#samples = new AlignedSamples((milliseconds) =>
      options.log.warn(
        { milliseconds },
        'the clocks of proxies differ: limits of concurrency are not learned meanwhile',
      ),
    );
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), WINDOW).unref();
    this.#usage?.start();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#usage?.close();
  }

  /** Takes up what was reported since the look before. */
  look(): void {
    const now = this.#now();
    const windows: CellWindow[] = [];
    const seen = new Map<string, CountsDocument>();
    const replicas = this.#options.replicas();
    for (const [uid, { counts }] of replicas) {
      const before = this.#before.get(uid);
      // Whatever a proxy has counted before it was first heard of is not of this second.
      if (before !== undefined && before !== counts)
        for (const window of windowsOf(before, counts)) windows.push(window);
      seen.set(uid, counts);
    }
    const passed = this.#lookedAt === null ? 0 : now - this.#lookedAt;
    [this.#before, this.#lookedAt] = [seen, now];
    if (passed <= 0) return;
    const given = this.#given();
    const intervals = new Map(given.map(({ matrix, interval }) => [matrix, interval]));
    this.#book.add(windows, passed / 1000, now, (matrix) => intervals.get(matrix) ?? WINDOW / 1000);
    for (const aligned of this.#samples.take(replicas.values())) {
      this.#book.addLevels(sampledLevels(aligned), SHORTEST, now);
    }
    this.#usage?.answered(windows, now - passed, now);
    if (now - this.#prunedAt < PRUNING) return;
    this.#prunedAt = now;
    this.#book.prune(given, now);
    this.#options.onPriors(this.#book.limits(now));
  }

  /** @param cells as ProfileBook.profile */
  profiles(cells = true): ProfilesDocument {
    const now = this.#now();
    return { at: now / 1000, matrices: this.#given().map((each) => this.#book.profile(each, now, cells)) };
  }

  #usageBy({ running, ...terms }: PodMetrics): PodUsage {
    const world = () => ({ ...running(), matrices: this.#options.matrices(), given: this.#given() });
    return new PodUsage({ ...terms, world, book: this.#book, log: this.#options.log, now: this.#now });
  }

  #given(): MatrixGiven[] {
    return givenMatrices(this.#options.matrices());
  }
}
