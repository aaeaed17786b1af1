import type { Log } from '../telemetry/log.ts';
import { RateLimit } from '../telemetry/rate-limit.ts';
import { ApiError, isGone, isNotFound } from './api-error.ts';
import type { Api } from './api.ts';
import { delayAfter } from './backoff.ts';
import { type Clock, pause, systemClock } from './clock.ts';
import { listPages } from './list-pages.ts';
import { METADATA, METADATA_LIST } from './metadata-only.ts';
import { type CacheOptions, type Listed, ObjectCache } from './object-cache.ts';
import { apiVersionOf, collectionPath, type KubeObject, keyOf, type Resource } from './resource.ts';
import { watchEvents } from './watch-events.ts';
import { WATCH_TIMING, type WatchTiming } from './watch-timing.ts';

export interface ResourceWatchOptions<T> extends CacheOptions<T> {
  readonly api: Api;
  readonly resource: Resource;
  /** Default: all. */
  readonly namespace?: string;
  /** One object alone: what a Role with `resourceNames` permits. */
  readonly name?: string;
  readonly labelSelector?: string;
  /** The kind may not be installed: then there are no objects of it. */
  readonly optional?: boolean;
  /** Only the objects' metadata is asked for. */
  readonly metadataOnly?: boolean;
  /** These objects are new, have changed, or are gone. `received`: when it was known, as `performance.now()`. */
  readonly onKeys: (keys: readonly string[], received: number) => void;
  /** `version` has grown without a change. */
  readonly onProgress?: () => void;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly timing?: Partial<WatchTiming>;
}

/** Why a watch began anew other than by its time being over. */
export type RestartReason = 'gone' | 'refused' | 'error' | 'stalled' | 'broken';

/**
 * Knows the objects of one kind, and goes on knowing them: what fails is tried again, and until it is well again what is
 * known stays. Only what the API server says makes it smaller, and if that is more than half of it in a new list, only
 * when it says so twice.
 */
export class ResourceWatch<T> {
  readonly #options: ResourceWatchOptions<T>;
  readonly #clock: Clock;
  readonly #timing: WatchTiming;
  readonly #cache: ObjectCache<T>;
  readonly #path: string;
  readonly #query: { readonly fieldSelector?: string; readonly labelSelector?: string };
  readonly #lines = new RateLimit({ burst: 1, interval: 60_000 });
  readonly #abort = new AbortController();
  readonly #firstSync = Promise.withResolvers<void>();
  readonly #firstAnswer = Promise.withResolvers<void>();
  readonly #restarts = new Map<RestartReason, number>();
  #ended: Promise<void> | null = null;
  /** Where the next watch begins; null: by a list. */
  #from: string | null = null;
  #listedAt = -Infinity;
  #synced = false;
  /** In a row; of these the last ones that were refusals. */
  #failures = 0;
  #refusals = 0;
  #absences = 0;
  #trouble: ApiError | null = null;

  constructor(options: ResourceWatchOptions<T>) {
    const { resource, namespace = null, name, labelSelector } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timing = { ...WATCH_TIMING, ...options.timing };
    this.#cache = new ObjectCache(options);
    this.#path = collectionPath(resource, namespace);
    this.#query = {
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
  }

  start(): this {
    this.#ended ??= this.#run();
    return this;
  }

  /** Ends the watch; what is known stays readable. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }

  /** The same map while nothing has changed. */
  get view(): ReadonlyMap<string, T> {
    return this.#cache.view;
  }

  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  versionOf(key: string): string | undefined {
    return this.#cache.versionOf(key);
  }

  /** Highest resource version seen; null before the first list. */
  get version(): string | null {
    return this.#cache.version;
  }

  /** Resource version of the last change that was seen; null: none. */
  get lastChange(): string | null {
    return this.#cache.lastChange;
  }

  /** Has been listed once (or is known not to be installed). */
  get synced(): boolean {
    return this.#synced;
  }

  get whenSynced(): Promise<void> {
    return this.#firstSync.promise;
  }

  /** As `whenSynced`; or it is known why not. */
  get whenAnswered(): Promise<void> {
    return this.#firstAnswer.promise;
  }

  /** What is wrong now; what is known may be old. */
  get trouble(): ApiError | null {
    return this.#trouble;
  }

  /** Since start. */
  get restarts(): ReadonlyMap<RestartReason, number> {
    return this.#restarts;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        if (this.#from === null) await this.#list();
        else await this.#watch(this.#from);
      } catch (error) {
        if (signal.aborted) return;
        await pause(this.#clock, this.#recover(error), signal);
      }
    }
  }

  async #list(): Promise<void> {
    let listed = await this.#listOnce();
    // Bounded: a collection that changes all the time is believed in the end.
    for (let round = 0, before = null as string | null; round < 4; round++) {
      const suspicion = this.#cache.suspicion(listed);
      if (suspicion === null || suspicion === before) break;
      this.#options.log.warn(`${this.#path}: a list lacks more than half of what is known; it is asked for again`);
      before = suspicion;
      listed = await this.#listOnce();
    }
    const received = performance.now();
    const changed = this.#cache.replace(listed);
    this.#from = listed.version;
    this.#absences = 0;
    this.#well();
    this.#sync();
    this.#tell(changed, received);
  }

  async #listOnce(): Promise<Listed<T>> {
    const { api, random = Math.random, metadataOnly = false } = this.#options;
    const { signal } = this.#abort;
    const wait = this.#listedAt + this.#timing.betweenLists * (1 + random()) - this.#clock.now();
    if (wait > 0) await pause(this.#clock, wait, signal);
    signal.throwIfAborted();
    this.#listedAt = this.#clock.now();
    const objects = new Map<string, { value: T; version: string }>();
    const version = await listPages(api, this.#path, {
      query: this.#query,
      ...(metadataOnly ? { accept: METADATA_LIST } : {}),
      signal,
      onPage: (page) => {
        for (const object of page) {
          const { resourceVersion = '' } = object.metadata;
          const key = keyOf(object);
          objects.set(key, { value: this.#keep(key, object), version: resourceVersion });
        }
      },
    });
    return { objects, version };
  }

  async #watch(from: string): Promise<void> {
    const { api, random = Math.random, metadataOnly = false } = this.#options;
    const { least, most, grace } = this.#timing;
    const milliseconds = least + (most - least) * random();
    const abort = new AbortController();
    const leave = () => abort.abort();
    this.#abort.signal.addEventListener('abort', leave);
    let stalled = false;
    const cancel = this.#clock.after(milliseconds + grace, () => {
      stalled = true;
      leave();
    });
    const began = this.#clock.now();
    try {
      const body = await api.stream(this.#path, {
        query: {
          ...this.#query,
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: from,
          timeoutSeconds: Math.max(1, Math.round(milliseconds / 1000)),
        },
        ...(metadataOnly ? { accept: METADATA } : {}),
        signal: abort.signal,
      });
      for await (const events of watchEvents(body as AsyncIterable<Buffer>)) this.#take(events);
      // A server that ends watches as soon as they begin would be asked without a pause.
      if (this.#clock.now() - began < Math.min(1000, least / 2)) throw new ApiError('it ended at once', 0, 'Ended');
      this.#well();
    } catch (error) {
      throw stalled ? new ApiError('nothing came, not even its end', 0, 'Stalled') : error;
    } finally {
      cancel();
      this.#abort.signal.removeEventListener('abort', leave);
    }
  }

  #take(events: readonly { readonly type: string; readonly object: KubeObject }[]): void {
    const received = performance.now();
    const changed = new Set<string>();
    let failed: ApiError | null = null;
    for (const { type, object } of events) {
      if (type === 'ERROR') {
        failed = toError(object);
        break;
      }
      const { resourceVersion } = object.metadata;
      if (resourceVersion === undefined) continue;
      this.#from = resourceVersion;
      this.#cache.see(resourceVersion);
      if (type === 'BOOKMARK') continue;
      const key = keyOf(object);
      const differs =
        type === 'DELETED'
          ? this.#cache.delete(key, resourceVersion)
          : this.#cache.set(key, this.#keep(key, object), resourceVersion);
      if (differs) changed.add(key);
    }
    if (changed.size > 0) this.#tell([...changed], received);
    else this.#options.onProgress?.();
    if (failed !== null) throw failed;
    this.#well();
  }

  /** Takes note of what went wrong. Answers with the pause before the next try. */
  #recover(error: unknown): number {
    const { optional = false, random = Math.random, log } = this.#options;
    const known = error instanceof ApiError ? error : new ApiError((error as Error).message, 0, 'Broken');
    if (isGone(known)) {
      // Nothing is wrong: we were away for too long. The pause is that between lists.
      this.#count('gone');
      this.#from = null;
      return 0;
    }
    if (optional && isNotFound(known)) return this.#absent();
    this.#failures++;
    this.#count(reasonOf(known));
    this.#trouble = known;
    this.#firstAnswer.resolve();
    const refused = known.status === 401 || known.status === 403 || known.status === 404;
    // An API server that has just started refuses what it is about to allow: that it was away before is no reason to be slow.
    this.#refusals = refused ? this.#refusals + 1 : 0;
    const delay = Math.max(
      refused
        ? delayAfter(this.#refusals, { ...this.#timing.backoff, most: this.#timing.slowly }, random)
        : delayAfter(this.#failures, this.#timing.backoff, random),
      known.retryAfter ?? 0,
    );
    const held = this.#lines.take(known.reason);
    if (held !== null) {
      log.warn({ failures: this.#failures }, `watch of ${this.#path}: ${known.message}; what is known of it stays`);
    }
    return delay;
  }

  /** The kind is not installed. An API server that has just started says so too, before it has read the definitions. */
  #absent(): number {
    this.#absences++;
    if (this.#synced && this.#cache.view.size > 0 && this.#absences < 2) return this.#timing.betweenLists;
    const received = performance.now();
    const gone = this.#cache.clear();
    this.#from = null;
    this.#well();
    this.#sync();
    this.#tell(gone, received);
    return this.#timing.slowly;
  }

  #keep(key: string, object: KubeObject): T {
    const { resource, keep } = this.#options;
    // Those of a list do not say what they are.
    return keep({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }, this.#cache.get(key));
  }

  #tell(keys: readonly string[], received: number): void {
    try {
      if (keys.length > 0) this.#options.onKeys(keys, received);
      else this.#options.onProgress?.();
    } catch (error) {
      this.#options.log.error({ err: error }, `what follows from a change of ${this.#path} has failed`);
    }
  }

  #sync(): void {
    if (this.#synced) return;
    this.#synced = true;
    this.#firstSync.resolve();
    this.#firstAnswer.resolve();
  }

  #well(): void {
    if (this.#trouble !== null) this.#options.log.info(`watch of ${this.#path}: well again`);
    this.#trouble = null;
    this.#failures = 0;
    this.#refusals = 0;
  }

  #count(reason: RestartReason): void {
    this.#restarts.set(reason, (this.#restarts.get(reason) ?? 0) + 1);
  }
}

function toError(object: KubeObject): ApiError {
  const { code, reason, message } = object as { code?: unknown; reason?: unknown; message?: unknown };
  return new ApiError(
    typeof message === 'string' ? message : 'the watch failed',
    typeof code === 'number' ? code : 500,
    typeof reason === 'string' ? reason : 'Unknown',
  );
}

function reasonOf({ status, reason }: ApiError): RestartReason {
  if (reason === 'Stalled') return 'stalled';
  if (status === 0) return 'broken';
  return status === 401 || status === 403 ? 'refused' : 'error';
}
