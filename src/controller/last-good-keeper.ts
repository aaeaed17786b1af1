import { parseObject } from '../api/parse.ts';
import type { Api } from '../kube/api.ts';
import { type Clock, systemClock } from '../kube/clock.ts';
import { apiVersionOf, type KubeObject } from '../kube/resource.ts';
import { withRetries } from '../kube/retry.ts';
import { createRevision, deleteRevision, readRevision, REVISIONS } from '../kube/revisions.ts';
import { WatchGroup } from '../kube/watch-group.ts';
import type { WatchTiming } from '../kube/watch-timing.ts';
import { DONE, type Outcome, WorkQueue, type WorkQueueMeasures } from '../kube/work-queue.ts';
import { hashContent } from '../model/content.ts';
import type { Kind } from '../model/status.ts';
import type { Log } from '../telemetry/log.ts';
import type { LastGood } from '../translate/cluster-state.ts';
import { KINDS } from './kinds.ts';

export interface LastGoodKeeperOptions {
  readonly api: Api;
  readonly className: string;
  /** null: all. */
  readonly namespaces: readonly string[] | null;
  /** An object of ours as the API has it, without its spec; undefined: there is none. */
  readonly object: (kind: Kind, key: string) => KubeObject | undefined;
  /** There are revisions that were not there before. */
  readonly onChange: (received: number) => void;
  readonly log: Log;
  readonly timing?: Partial<WatchTiming>;
  readonly clock?: Clock;
}

type Group = keyof LastGood;

const GROUPS: Readonly<Record<Kind, Group>> = {
  TcpVirtualServer: 'virtualServers',
  RealServer: 'realServers',
  AppWeightMatrix: 'matrices',
};

/** Beginning of the names of revisions, and what they say of themselves. */
const PREFIX: Readonly<Record<Kind, string>> = { TcpVirtualServer: 'tvs', RealServer: 'rsv', AppWeightMatrix: 'awm' };
const CLASS = 'tcpvs.io/last-good-of-class';
const OBJECT = 'tcpvs.io/object';
const SPEC = 'tcpvs.io/spec-hash';
const GENERATION = 'tcpvs.io/generation';

/** A spec is kept when it has been the last good one for so long: what is edited all the time is not written each time. */
const STABLE = 3000;

interface Kept {
  readonly name: string;
  /** `KIND NAMESPACE/NAME` */
  readonly id: string;
  readonly hash: string;
  /** Of the object. */
  readonly uid: string;
  readonly generation: number;
}

/**
 * Keeps the last good spec of every object as a ControllerRevision that the object owns, so that a controller that starts
 * when an object is bad serves what was good. The leader writes, all read.
 */
export class LastGoodKeeper {
  readonly #options: LastGoodKeeperOptions;
  readonly #clock: Clock;
  readonly #watch: WatchGroup<Kept>;
  readonly #queue: WorkQueue;
  readonly #byObject = new Map<string, Set<string>>();
  readonly #noted = new Map<string, { readonly spec: object; readonly at: number }>();
  /** What was read of revisions, by object: a later one takes its place. */
  readonly #read = new Map<string, { readonly spec: object; readonly generation: number }>();
  #lastGood: LastGood | null = null;
  #leads = false;

  constructor(options: LastGoodKeeperOptions) {
    const { api, className, namespaces, log, timing, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#watch = new WatchGroup<Kept>(
      {
        api,
        resource: REVISIONS,
        labelSelector: `${CLASS}=${className}`,
        metadataOnly: true,
        keep: toKept,
        onKeys: (keys, received) => this.#changed(keys, received),
        log,
        ...(timing === undefined ? {} : { timing }),
      },
      namespaces,
    );
    this.#queue = new WorkQueue({
      process: (id) => this.#process(id),
      concurrency: 4,
      // A courtesy to the API server: thousands of objects that were applied together have time.
      pace: { perSecond: 20, burst: 50 },
      backoff: { first: 500, most: 60_000, jitter: 0.2 },
      clock,
      onFailure: (id, { why }, failures) => {
        if (failures === 3) log.warn({ object: id }, `its last good version is not kept yet: ${why}`);
      },
    });
  }

  start(): void {
    this.#watch.start();
  }

  get whenSynced(): Promise<unknown> {
    return this.#watch.whenSynced;
  }

  lead(leads: boolean): void {
    this.#leads = leads;
    if (leads) for (const id of this.#noted.keys()) this.#queue.add(id);
  }

  get queue(): WorkQueueMeasures {
    return this.#queue.measures;
  }

  async close(): Promise<void> {
    this.#leads = false;
    await Promise.all([this.#queue.close(), this.#watch.close()]);
  }

  /**
   * With what is kept of objects that have no good version in `lastGood`, or only an older one that was kept; null: there
   * is nothing to add.
   */
  async complete(lastGood: LastGood): Promise<LastGood | null> {
    const found: Record<Group, Map<string, unknown>> = {
      virtualServers: new Map(lastGood.virtualServers),
      realServers: new Map(lastGood.realServers),
      matrices: new Map(lastGood.matrices),
    };
    let some = false;
    for (const kept of this.#watch.view.values()) {
      const [kind, key] = split(kept.id);
      if (!this.#isNewer(kept, found[GROUPS[kind]].get(key))) continue;
      if (this.#options.object(kind, key)?.metadata.uid !== kept.uid) continue;
      const spec = await this.#specOf(kind, key, kept.name);
      if (spec === null) continue;
      this.#read.set(kept.id, { spec, generation: kept.generation });
      found[GROUPS[kind]].set(key, spec);
      some = true;
    }
    return some ? (found as unknown as LastGood) : null;
  }

  /** What serves now. */
  note(lastGood: LastGood): void {
    const before = this.#lastGood;
    this.#lastGood = lastGood;
    for (const [kind, group] of Object.entries(GROUPS) as [Kind, Group][]) {
      if (before?.[group] === lastGood[group]) continue;
      for (const [key, spec] of lastGood[group]) {
        const id = `${kind} ${key}`;
        if (this.#noted.get(id)?.spec === spec) continue;
        this.#noted.set(id, { spec, at: this.#clock.now() });
        if (this.#leads) this.#queue.add(id);
      }
    }
  }

  async #specOf(kind: Kind, key: string, name: string): Promise<object | null> {
    const [namespace = '', object = ''] = key.split('/');
    try {
      const data = await withRetries(() => readRevision(this.#options.api, namespace, name));
      const { spec } = (data ?? {}) as { readonly spec?: unknown };
      const apiVersion = apiVersionOf(KINDS[kind]);
      const parsed = parseObject({ apiVersion, kind, metadata: { namespace, name: object }, spec });
      return parsed.ok ? parsed.object.spec : null;
    } catch (error) {
      this.#options.log.warn(`the last good version of ${kind} ${key} cannot be read: ${(error as Error).message}`);
      return null;
    }
  }

  /** Than the spec that is known to have been good. */
  #isNewer(kept: Kept, known: unknown): boolean {
    const read = this.#read.get(kept.id);
    return known === undefined || (known === read?.spec && kept.generation > read.generation);
  }

  #changed(keys: readonly string[], received: number): void {
    let isNews = false;
    for (const key of keys) {
      const kept = this.#watch.get(key);
      if (kept === undefined) {
        for (const names of this.#byObject.values()) names.delete(key);
        continue;
      }
      const names = this.#byObject.get(kept.id) ?? new Set();
      this.#byObject.set(kept.id, names.add(key));
      const [kind, object] = split(kept.id);
      isNews ||= this.#isNewer(kept, this.#lastGood?.[GROUPS[kind]].get(object));
    }
    // Most are what was written a moment ago, of what is known.
    if (isNews) this.#options.onChange(received);
  }

  async #process(id: string): Promise<Outcome> {
    const [kind, key] = split(id);
    const object = this.#options.object(kind, key);
    const noted = this.#noted.get(id);
    if (object === undefined) this.#noted.delete(id);
    if (!this.#leads || object === undefined || noted === undefined) return DONE;
    const wait = noted.at + STABLE - this.#clock.now();
    if (wait > 0) return { kind: 'Again', after: wait };
    const hash = hashContent(noted.spec);
    const kept = [...(this.#byObject.get(id) ?? [])].flatMap((name) => this.#watch.get(name) ?? []);
    const isKept = kept.some((each) => each.hash === hash && each.uid === object.metadata.uid);
    if (!isKept) await this.#create(object, kind, key, noted.spec, hash);
    const [namespace = ''] = key.split('/');
    for (const each of kept) {
      if (each.hash !== hash) await deleteRevision(this.#options.api, namespace, each.name);
    }
    return DONE;
  }

  async #create({ metadata }: KubeObject, kind: Kind, key: string, spec: object, hash: string): Promise<void> {
    const { api, className } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const { uid = '', generation = 1 } = metadata;
    await createRevision(api, {
      namespace,
      name: `${PREFIX[kind]}-${name}-${hash}`,
      owner: { apiVersion: apiVersionOf(KINDS[kind]), kind, name, uid, controller: true },
      labels: { [CLASS]: className },
      annotations: { [OBJECT]: `${kind} ${key}`, [SPEC]: hash, [GENERATION]: String(generation) },
      number: generation,
      data: { spec },
    });
  }
}

const split = (id: string): [Kind, string] => id.split(' ') as [Kind, string];

function toKept({ metadata: { name, annotations = {}, ownerReferences = [] } }: KubeObject): Kept {
  const { [OBJECT]: id = '', [SPEC]: hash = '', [GENERATION]: generation = '0' } = annotations;
  return { name, id, hash, uid: ownerReferences[0]?.uid ?? '', generation: Number(generation) };
}
