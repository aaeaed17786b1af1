/**
 * What requests cost in a cluster: what pods used, by the metrics API, against what they answered meanwhile. Every replica of
 * the controller learns by itself, so that a new leader knows it.
 */
import { ApiError } from '../../kube/api-error.ts';
import type { Api } from '../../kube/api.ts';
import { listPages } from '../../kube/list-pages.ts';
import { collectionPath } from '../../kube/resource.ts';
import type { ProfileBook } from '../../learning/profile-book.ts';
import type { Use } from '../../learning/resource-book.ts';
import type { CellWindow } from '../../learning/windows.ts';
import type { ObjectKey } from '../../model/snapshot.ts';
import type { Log } from '../../telemetry/log.ts';
import { AnsweredHistory } from './answered-history.ts';
import { type PlacedWorld, podPlaces, type PodPlace } from './pod-places.ts';
import { POD_METRICS, type PodSample, podSample } from './pod-samples.ts';

export interface PodUsageOptions {
  readonly api: Pick<Api, 'call'>;
  /** Seconds between two questions. */
  readonly period: number;
  readonly world: () => PlacedWorld;
  readonly book: ProfileBook;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A window of which more than this part has been taken before is not taken again. */
const OVERLAP = 0.5;
/** Windows of the pods of a server lie so far apart at most, as a part of their length. */
const APART = 0.5;

interface Sampled {
  readonly place: PodPlace;
  readonly from: number;
  readonly to: number;
  readonly cores: number;
}

interface Seen {
  readonly to: number;
  readonly use: Use;
  /** By the workload's apps. */
  readonly answered: readonly CellWindow[];
}

export class PodUsage {
  readonly #options: PodUsageOptions;
  readonly #now: () => number;
  readonly #history = new AnsweredHistory();
  /** By matrix and server, up to when its windows have been taken. */
  #taken = new Map<string, number>();
  /** Namespaces that could not be read, and why. */
  readonly #troubles = new Map<string, string>();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;

  constructor(options: PodUsageOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#looking ??= this.look().finally(() => (this.#looking = null));
    }, 1000 * this.#options.period).unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  /** What was answered between two times: milliseconds since 1970. */
  answered(windows: Iterable<CellWindow>, from: number, to: number): void {
    this.#history.add(windows, from, to);
  }

  /** Asks what pods have used, and learns from it. Never rejects. */
  async look(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#options.log.error({ err: error }, 'what requests cost is not learned from what pods use this time');
    }
  }

  async #look(): Promise<void> {
    const world = this.#options.world();
    const places = podPlaces(world);
    const namespaces = new Set(places.map(({ matrix }) => namespaceOf(matrix)));
    const samples = new Map<string, PodSample>();
    for (const namespace of namespaces) await this.#read(namespace, samples);
    for (const namespace of this.#troubles.keys()) if (!namespaces.has(namespace)) this.#troubles.delete(namespace);
    const known = new Map(world.given.map((each) => [each.matrix, each]));
    const taken = new Map<string, number>();
    for (const [matrix, own] of Map.groupBy(places, (place) => place.matrix)) {
      const uses: Use[] = [];
      const windows: CellWindow[] = [];
      // A server at a time: its workloads are each other's neighbours, and must be seen together.
      for (const [server, all] of Map.groupBy(own, (place) => place.server)) {
        const key = `${matrix} ${server}`;
        const before = this.#taken.get(key);
        const seen = this.#seen(allSampled(all, samples, before) ?? []);
        const until = seen === null || seen.length === 0 ? before : Math.max(...seen.map(({ to }) => to));
        if (until !== undefined) taken.set(key, until);
        for (const { use, answered } of seen ?? []) {
          uses.push(use);
          windows.push(...answered);
        }
      }
      if (uses.length > 0) this.#options.book.addUses(known.get(matrix)!, uses, this.#now(), windows);
    }
    this.#taken = taken;
  }

  /** What they used and what was answered meanwhile; null: of some of them that is not known. */
  #seen(sampled: readonly Sampled[]): Seen[] | null {
    const seen: Seen[] = [];
    for (const { place, from, to, cores } of sampled) {
      const { matrix, server, workload, apps } = place;
      const answeredAt = this.#history.between(from, to);
      if (answeredAt === null) return null;
      const seconds = (to - from) / 1000;
      const use = { server, workload, seconds, amounts: { cpu: cores * seconds } };
      seen.push({ to, use, answered: apps.map((app) => answeredAt(matrix, server, app)) });
    }
    return seen;
  }

  async #read(namespace: string, samples: Map<string, PodSample>): Promise<void> {
    const { api, log } = this.#options;
    try {
      await listPages(api, collectionPath(POD_METRICS, namespace), {
        onPage: (objects) => {
          for (const object of objects) {
            const sample = podSample(object);
            if (sample !== null) samples.set(`${namespace}/${sample.pod}`, sample);
          }
        },
      });
      if (this.#troubles.delete(namespace))
        log.info({ namespace }, `the metrics API tells of pods in ${namespace} again`);
    } catch (error) {
      const why = reasonOf(error);
      if (this.#troubles.get(namespace) === why) return;
      this.#troubles.set(namespace, why);
      log.warn({ namespace }, `what requests cost in ${namespace} is not learned: ${why}`);
    }
  }
}

/** Null: not all pods of the server have a window that is new, at about the same time. */
function allSampled(
  places: readonly PodPlace[],
  samples: ReadonlyMap<string, PodSample>,
  before: number | undefined,
): Sampled[] | null {
  const sampled: Sampled[] = [];
  for (const place of places) {
    const own = place.pods.flatMap((pod) => samples.get(pod) ?? []);
    if (own.length < place.pods.length) return null;
    const from = average(own.map((each) => each.from));
    const to = average(own.map((each) => each.to));
    if (before !== undefined && to - before < OVERLAP * (to - from)) return null;
    sampled.push({ place, from, to, cores: own.reduce((sum, each) => sum + each.cores, 0) });
  }
  const all = places.flatMap(({ pods }) => pods.map((pod) => samples.get(pod)!));
  const [first, last] = [Math.min(...all.map(({ to }) => to)), Math.max(...all.map(({ to }) => to))];
  const shortest = Math.min(...all.map(({ from, to }) => to - from));
  return last - first > APART * shortest ? null : sampled;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ApiError)) return (error as Error).message;
  if (error.status === 404)
    return 'this cluster has no metrics API (metrics.k8s.io): install metrics-server, or give spec.apps[].profile.cpu';
  if (error.status === 403)
    return `the controller may not read it: set podMetrics.enabled among the chart's values (${error.message})`;
  return error.message;
}

const average = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
const namespaceOf = (key: ObjectKey): string => key.slice(0, key.indexOf('/'));
