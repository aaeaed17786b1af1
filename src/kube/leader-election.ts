import type { Log } from '../telemetry/log.ts';
import { isConflict, isNotFound } from './api-error.ts';
import type { Api } from './api.ts';
import { type Clock, pause, systemClock } from './clock.ts';
import { held, holderOf, LEASES, type LeaseSpec, released, specOf } from './lease.ts';
import { ResourceWatch } from './resource-watch.ts';
import { apiVersionOf, collectionPath, compareVersions, type KubeObject, objectPath } from './resource.ts';
import type { WatchTiming } from './watch-timing.ts';

/** Milliseconds. */
export interface ElectionTiming {
  /** Others take over when they have seen no renewal for so long. */
  readonly lease: number;
  /** Who leads stops when it could not renew for so long: well before others take over. */
  readonly deadline: number;
  /** From one renewal to the next. */
  readonly renew: number;
  /** From a try that failed to the next one. */
  readonly retry: number;
}

export const ELECTION_TIMING: ElectionTiming = { lease: 8000, deadline: 5000, renew: 2000, retry: 1000 };

export interface ElectionOptions {
  readonly api: Api;
  readonly namespace: string;
  readonly name: string;
  /** Of this process, and no other ever. */
  readonly identity: string;
  readonly onChange: (leading: boolean) => void;
  readonly log: Log;
  readonly timing?: Partial<ElectionTiming>;
  readonly watchTiming?: Partial<WatchTiming>;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Retries are longer by up to a fifth, at random. */
const JITTER = 0.2;

/**
 * Leads, or waits until it may, by a Lease that is written with its resource version (so that of two who take it one is
 * told of a conflict). Time is measured on the local monotonic clock, from when a renewal was seen: the clocks of two
 * machines may differ by years, only not in speed by the ratio of deadline and lease.
 */
export class LeaderElection {
  readonly #options: ElectionOptions;
  readonly #clock: Clock;
  readonly #timing: ElectionTiming;
  readonly #watch: ResourceWatch<KubeObject>;
  readonly #path: string;
  #lease: KubeObject | null = null;
  #observedAt: number;
  #leading = false;
  /** When the last renewal that succeeded was sent. */
  #renewedAt = -Infinity;
  #cancelDeadline: () => void = () => undefined;
  #wake = new AbortController();
  #closing = false;
  #ended: Promise<void> | null = null;

  constructor(options: ElectionOptions) {
    const { api, namespace, name, log, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#timing = { ...ELECTION_TIMING, ...options.timing };
    this.#path = objectPath(LEASES, namespace, name);
    this.#observedAt = clock.now();
    this.#watch = new ResourceWatch<KubeObject>({
      api,
      resource: LEASES,
      namespace,
      name,
      keep: (object) => object,
      onKeys: ([key = '']) => this.#observe(this.#watch.get(key) ?? null),
      log,
      ...(options.watchTiming === undefined ? {} : { timing: options.watchTiming }),
    });
  }

  start(): void {
    this.#watch.start();
    this.#ended ??= this.#run();
  }

  /** Whether this process leads now; false too in a process that was stopped for so long that others may lead. */
  get leading(): boolean {
    return this.#leading && this.#clock.now() - this.#renewedAt < this.#timing.deadline;
  }

  /** Identity of who leads as far as it is known; '' for nobody. */
  get holder(): string {
    return holderOf(this.#lease);
  }

  /** Stops leading, and gives the lease up, so that somebody else leads at once. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake.abort();
    await this.#ended;
    await this.#watch.close();
    if (!this.#leading) return;
    this.#stepDown('it is being ended');
    const { log, identity } = this.#options;
    try {
      if (holderOf(this.#lease) === identity) await this.#write(released(specOf(this.#lease), new Date()));
    } catch (error) {
      log.warn(`the lease could not be given up, it will run out: ${(error as Error).message}`);
    }
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const wait = await (this.#leading ? this.#renew() : this.#candidate());
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
      else if (!this.#closing && wait > 0) await pause(this.#clock, wait, this.#wake.signal);
    }
  }

  /** Answers with the milliseconds until something is to be done. */
  async #candidate(): Promise<number> {
    const left = this.#heldFor();
    const blind = !this.#watch.synced || this.#watch.trouble !== null;
    if (left > 0 && !blind) return left + this.#jittered(0);
    try {
      this.#observe(await this.#read());
      const still = this.#heldFor();
      if (still > 0) return Math.min(still, this.#jittered(this.#timing.retry));
      if (this.#closing) return 0;
      await this.#take();
      return this.#timing.renew;
    } catch (error) {
      // A conflict: somebody else was faster.
      if (!isConflict(error)) this.#options.log.warn(`leader election: ${(error as Error).message}`);
      return this.#jittered(this.#timing.retry);
    }
  }

  async #renew(): Promise<number> {
    try {
      await this.#take();
      return this.#timing.renew;
    } catch (error) {
      if (!isConflict(error)) {
        this.#options.log.warn(`the lease could not be renewed: ${(error as Error).message}`);
        return this.#jittered(this.#timing.retry);
      }
    }
    // Somebody has written to it; or we have, and were not told.
    try {
      this.#observe(await this.#read());
    } catch (error) {
      this.#options.log.warn(`the lease could not be read: ${(error as Error).message}`);
      return this.#jittered(this.#timing.retry);
    }
    return 0;
  }

  /** Writes the lease as ours. */
  async #take(): Promise<void> {
    const sent = this.#clock.now();
    const { identity, log } = this.#options;
    await this.#write(held(specOf(this.#lease), identity, Math.ceil(this.#timing.lease / 1000), new Date()));
    this.#renewedAt = sent;
    this.#cancelDeadline();
    this.#cancelDeadline = this.#clock.after(Math.max(0, sent + this.#timing.deadline - this.#clock.now()), () =>
      this.#stepDown('the lease could not be renewed in time'),
    );
    if (this.#leading) return;
    this.#leading = true;
    log.info({ identity }, 'leading');
    this.#options.onChange(true);
  }

  #stepDown(why: string): void {
    this.#cancelDeadline();
    if (!this.#leading) return;
    this.#leading = false;
    this.#options.log.warn(`not leading any more: ${why}`);
    this.#options.onChange(false);
    this.#wake.abort();
  }

  /** Null: there is no lease yet. */
  async #read(): Promise<KubeObject | null> {
    try {
      return await this.#options.api.call<KubeObject>('GET', this.#path, { timeout: this.#timing.deadline / 2 });
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async #write(spec: LeaseSpec): Promise<void> {
    const { api, namespace, name } = this.#options;
    const timeout = this.#timing.deadline / 2;
    const head = { apiVersion: apiVersionOf(LEASES), kind: LEASES.kind };
    const resourceVersion = this.#lease?.metadata.resourceVersion;
    const create = async () => {
      const body = { ...head, metadata: { namespace, name }, spec };
      return await api.call<KubeObject>('POST', collectionPath(LEASES, namespace), { body, timeout });
    };
    if (resourceVersion === undefined) {
      this.#observe(await create());
      return;
    }
    try {
      const body = { ...head, metadata: { ...this.#lease?.metadata, managedFields: undefined }, spec };
      this.#observe(await api.call<KubeObject>('PUT', this.#path, { body, timeout }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#observe(await create());
    }
  }

  /** Takes note of the lease as somebody has read or written it; older news than what is known is none. */
  #observe(lease: KubeObject | null): void {
    const known = this.#lease?.metadata;
    const now = lease?.metadata;
    if (known?.resourceVersion === now?.resourceVersion) return;
    const isOlder = compareVersions(now?.resourceVersion ?? '', known?.resourceVersion ?? '') < 0;
    // One that was deleted and made anew has another uid; that it is gone has no version.
    if (lease !== null && known?.uid === now?.uid && isOlder) return;
    this.#lease = lease;
    this.#observedAt = this.#clock.now();
    const holder = holderOf(lease);
    if (holder === this.#options.identity) return;
    // One that was deleted is made anew by whoever leads; one that somebody else holds is not to be taken back.
    if (lease !== null) this.#stepDown(`${holder === '' ? 'nobody' : holder} holds the lease`);
    this.#wake.abort();
  }

  /** Milliseconds until the lease may be taken: it is held by somebody else, and was renewed not long ago. */
  #heldFor(): number {
    const { holderIdentity = '', leaseDurationSeconds } = specOf(this.#lease);
    if (holderIdentity === '' || holderIdentity === this.#options.identity) return 0;
    const lease = leaseDurationSeconds === undefined ? this.#timing.lease : leaseDurationSeconds * 1000;
    return Math.max(0, this.#observedAt + lease - this.#clock.now());
  }

  #jittered(milliseconds: number): number {
    const { random = Math.random } = this.#options;
    return milliseconds + this.#timing.retry * JITTER * random();
  }
}
