import type { Log } from '../telemetry/log.ts';
import type { ApiError } from './api-error.ts';
import type { Api } from './api.ts';
import type { CacheOptions } from './object-cache.ts';
import { ResourceWatch, type RestartReason } from './resource-watch.ts';
import type { Resource } from './resource.ts';
import { highest, sum } from './watch-group.ts';
import type { WatchTiming } from './watch-timing.ts';

export interface NamedWatchesOptions<T> extends CacheOptions<T> {
  readonly api: Api;
  readonly resource: Resource;
  readonly onKeys: (keys: readonly string[], received: number) => void;
  /** It is known why nothing is known of an object (`troubleOf`), or that there is nothing wrong any more, and it is not there. */
  readonly onTrouble: (key: string) => void;
  readonly log: Log;
  readonly timing?: Partial<WatchTiming>;
}

/**
 * Single objects, each by a watch of its own: a Role that names them (`resourceNames`) permits that and no list. Who
 * wants which changes with time. One that may not be read, or is not there, is simply absent.
 */
export class NamedWatches<T> {
  readonly #options: NamedWatchesOptions<T>;
  readonly #watches = new Map<string, ResourceWatch<T>>();
  readonly #closing = new Set<Promise<void>>();
  #view: ReadonlyMap<string, T> | null = new Map();
  #version: string | null = null;
  #lastChange: string | null = null;
  readonly #past = new Map<RestartReason, number>();

  constructor(options: NamedWatchesOptions<T>) {
    this.#options = options;
  }

  /** These objects (`namespace/name`) and no others are wanted from now on. */
  want(keys: ReadonlySet<string>): void {
    for (const [key, watch] of this.#watches) if (!keys.has(key)) this.#drop(key, watch);
    for (const key of keys) if (!this.#watches.has(key)) this.#open(key);
  }

  async close(): Promise<void> {
    this.want(new Set());
    await Promise.all(this.#closing);
  }

  /** What is known, by key; the same map while nothing has changed. */
  get view(): ReadonlyMap<string, T> {
    return (this.#view ??= new Map([...this.#watches.values()].flatMap((watch) => [...watch.view])));
  }

  /** As the watch of this object has it. */
  get(key: string): T | undefined {
    return this.#watches.get(key)?.get(key);
  }

  /** Null: nothing has been seen yet. */
  get version(): string | null {
    const known = [this.#version, ...[...this.#watches.values()].map(({ version }) => version)];
    this.#version = highest(known.filter((version) => version !== null));
    return this.#version;
  }

  get lastChange(): string | null {
    const known = [this.#lastChange, ...[...this.#watches.values()].map(({ lastChange }) => lastChange)];
    this.#lastChange = highest(known.filter((version) => version !== null));
    return this.#lastChange;
  }

  /** Whether it is known of each what it is, or that it is not there or may not be read. */
  get answered(): boolean {
    return [...this.#watches.values()].every(isAnswered);
  }

  /** Resolves when it is known of each of these what it is, or that it is not there or may not be read; or after a time. */
  async whenAnswered(keys: Iterable<string>, milliseconds: number): Promise<void> {
    const waiting = [...keys].flatMap((key) => {
      const watch = this.#watches.get(key);
      return watch === undefined || isAnswered(watch) ? [] : [watch.whenAnswered];
    });
    if (waiting.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
    await Promise.race([Promise.all(waiting), late]);
    clearTimeout(timer);
  }

  /** Why an object is not known. */
  troubleOf(key: string): ApiError | null {
    return this.#watches.get(key)?.trouble ?? null;
  }

  get restarts(): ReadonlyMap<RestartReason, number> {
    return sum([this.#past, ...[...this.#watches.values()].map(({ restarts }) => restarts)]);
  }

  #open(key: string): void {
    const [namespace = '', name = ''] = key.split('/');
    const watch = new ResourceWatch<T>({
      ...this.#options,
      namespace,
      name,
      onKeys: (keys, received) => {
        this.#view = null;
        this.#options.onKeys(keys, received);
      },
    });
    this.#watches.set(key, watch.start());
    void this.#tellTrouble(key, watch);
  }

  async #tellTrouble(key: string, watch: ResourceWatch<T>): Promise<void> {
    const isWanted = () => this.#watches.get(key) === watch;
    await watch.whenAnswered;
    if (watch.synced || !isWanted()) return;
    this.#options.onTrouble(key);
    await watch.whenSynced;
    if (isWanted()) this.#options.onTrouble(key);
  }

  #drop(key: string, watch: ResourceWatch<T>): void {
    this.#watches.delete(key);
    for (const [reason, count] of watch.restarts) this.#past.set(reason, (this.#past.get(reason) ?? 0) + count);
    this.#view = null;
    const closed = watch.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}

function isAnswered({ synced, trouble }: Pick<ResourceWatch<never>, 'synced' | 'trouble'>): boolean {
  return synced || trouble !== null;
}
