import type { ApiError } from './api-error.ts';
import { ResourceWatch, type ResourceWatchOptions, type RestartReason } from './resource-watch.ts';
import { compareVersions } from './resource.ts';

/** What one or several watches of a kind know together; their keys differ. */
export interface Watched<T> {
  /** The same map while nothing has changed. */
  readonly view: ReadonlyMap<string, T>;
  get(key: string): T | undefined;
  versionOf(key: string): string | undefined;
  /** Up to where everything is known. */
  readonly version: string | null;
  readonly lastChange: string | null;
  readonly synced: boolean;
  readonly whenSynced: Promise<unknown>;
  readonly trouble: ApiError | null;
  readonly restarts: ReadonlyMap<RestartReason, number>;
}

/** A watch of all namespaces, or one for each that is named: then rights are needed in these alone. */
export class WatchGroup<T> implements Watched<T> {
  readonly #watches: readonly ResourceWatch<T>[];
  #of: readonly ReadonlyMap<string, T>[] = [];
  #view: ReadonlyMap<string, T> = new Map();

  constructor(options: Omit<ResourceWatchOptions<T>, 'namespace'>, namespaces: readonly string[] | null) {
    const places = namespaces === null ? [{}] : namespaces.map((namespace) => ({ namespace }));
    this.#watches = places.map((place) => new ResourceWatch<T>({ ...options, ...place }));
  }

  start(): this {
    for (const watch of this.#watches) watch.start();
    return this;
  }

  async close(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.close()));
  }

  get view(): ReadonlyMap<string, T> {
    const [first, ...others] = this.#watches;
    if (first !== undefined && others.length === 0) return first.view;
    const of = this.#watches.map((watch) => watch.view);
    if (of.some((view, i) => view !== this.#of[i])) {
      this.#of = of;
      this.#view = new Map(of.flatMap((view) => [...view]));
    }
    return this.#view;
  }

  get(key: string): T | undefined {
    return this.#watches.map((watch) => watch.get(key)).find((value) => value !== undefined);
  }

  versionOf(key: string): string | undefined {
    return this.#watches.map((watch) => watch.versionOf(key)).find((version) => version !== undefined);
  }

  /** The highest; null until each has one. */
  get version(): string | null {
    return highest(this.#watches.map(({ version }) => version));
  }

  get lastChange(): string | null {
    return highest(this.#watches.flatMap(({ lastChange }) => (lastChange === null ? [] : [lastChange])));
  }

  get synced(): boolean {
    return this.#watches.every(({ synced }) => synced);
  }

  get whenSynced(): Promise<unknown> {
    return Promise.all(this.#watches.map(({ whenSynced }) => whenSynced));
  }

  get trouble(): ApiError | null {
    return this.#watches.map(({ trouble }) => trouble).find((trouble) => trouble !== null) ?? null;
  }

  get restarts(): ReadonlyMap<RestartReason, number> {
    return sum(this.#watches.map(({ restarts }) => restarts));
  }
}

/** Null where one is null, and where there is none. */
export function highest(versions: readonly (string | null)[]): string | null {
  let most: string | null = null;
  for (const version of versions) {
    if (version === null) return null;
    if (most === null || compareVersions(version, most) > 0) most = version;
  }
  return most;
}

export function sum<K>(counts: readonly ReadonlyMap<K, number>[]): ReadonlyMap<K, number> {
  const sums = new Map<K, number>();
  for (const each of counts) for (const [key, count] of each) sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}
