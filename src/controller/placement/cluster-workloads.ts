/**
 * The workloads of a cluster: what is seen of them, and what is written to them. Writes are such that one that comes too late, or
 * twice, changes nothing; what has become of them is seen by watching.
 */
import { MARK } from '../../actuation/costs.ts';
import type { News, Write } from '../../actuation/course.ts';
import type { AppWeightMatrixSpec } from '../../api/app-weight-matrix.ts';
import type { AppWeightMatrix } from '../../api/parse.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { Api } from '../../kube/api.ts';
import type { Happening } from '../../kube/events.ts';
import { type KubeObject, objectPath } from '../../kube/resource.ts';
import type { CountsDocument } from '../../model/counts.ts';
import type { ObjectKey } from '../../model/snapshot.ts';
import type { Served, WhyNot } from '../../model/workloads.ts';
import type { SeenOrNot, Workloads } from '../../steering/instances.ts';
import type { Log } from '../../telemetry/log.ts';
import { RateLimit } from '../../telemetry/rate-limit.ts';
import type { ClusterState } from '../../translate/cluster-state.ts';
import { placesInstances } from '../../translate/matrices.ts';
import type { PodFacts } from '../facts/workloads.ts';
import { DEPLOYMENTS, PODS } from '../resources.ts';
import { clusterServed } from './cluster-served.ts';
import { costPatch, openingPatch } from './pod-patches.ts';
import { type ClusterViews, type Known, reservedCores, seenCluster } from './seen-cluster.ts';
import { WorkloadWatches, type WorkloadWatchesOptions } from './workload-watches.ts';

export interface ClusterWorkloadsOptions extends WorkloadWatchesOptions {
  readonly api: Api;
  readonly className: string;
  readonly objects: () => Pick<ClusterState, 'matrices' | 'realServers'>;
  /** Of those that are ready; null: nothing was heard of it. */
  readonly proxies: () => ReadonlyMap<string, { readonly counts: CountsDocument } | null>;
  /** A matrix as the API has it; undefined: it is not there. */
  readonly present: (key: ObjectKey) => KubeObject | undefined;
  /** Tells people. */
  readonly tell: (happening: Happening) => void;
  readonly log: Log;
}

/** Who we are when we scale: it owns spec.replicas then. */
const FIELD_MANAGER = 'tcpvs-placement';
/** Milliseconds between two looks for instances that nobody answers. */
const SWEEP = 1000;
/** Milliseconds that an instance waits at its gate for an answer. */
const ANSWER = 15_000;
/** Milliseconds after which what was not permitted is tried again. */
const DENIED = 30_000;

export class ClusterWorkloads implements Workloads {
  readonly #options: ClusterWorkloadsOptions;
  readonly #watches: WorkloadWatches;
  readonly #timer: NodeJS.Timeout;
  readonly #lines = new RateLimit({ burst: 1, interval: 60_000 });
  /** What was made of which views. */
  readonly #known = new Map<ObjectKey, { readonly of: readonly unknown[]; readonly known: Known }>();
  /** By path of an object, until its writes are answered. */
  readonly #writing = new Set<string>();
  /** When a gated pod was first seen. */
  #waiting = new Map<ObjectKey, number>();
  #managing: { readonly of: unknown; readonly map: ReadonlyMap<string, ObjectKey> } | null = null;
  #denied: { readonly at: number; readonly message: string } | null = null;

  constructor(options: ClusterWorkloadsOptions) {
    this.#options = options;
    this.#watches = new WorkloadWatches(options);
    this.#timer = setInterval(() => this.#sweep(), SWEEP).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#watches.close();
  }

  seen(matrix: ObjectKey, spec: AppWeightMatrixSpec): SeenOrNot {
    const whyNot = this.#watches.lack ?? this.#whyDenied();
    if (whyNot !== null) return { ok: false, whyNot };
    const views = this.#views;
    const of = [spec, ...Object.values(views)];
    const before = this.#known.get(matrix);
    const isSame = before?.of.every((each, at) => each === of[at]) === true;
    const known = isSame ? before.known : seenCluster(matrix, spec, views, FIELD_MANAGER);
    if (!isSame) this.#known.set(matrix, { of, known });
    return { ok: true, seen: { now: Date.now(), ...known } };
  }

  served(matrix: ObjectKey, spec: AppWeightMatrixSpec): Served {
    const proxies = [...this.#options.proxies().values()].map((each) => each?.counts ?? null);
    return clusterServed(matrix, spec, proxies, (host, workload) => this.#addresses(matrix, host, workload));
  }

  reserved(matrix: ObjectKey): ReadonlyMap<string, number> {
    const namespace = matrix.slice(0, matrix.indexOf('/') + 1);
    return reservedCores(namespace, this.#watches.pods.view, this.#options.objects().matrices);
  }

  write(matrix: ObjectKey, writes: readonly Write[]): void {
    const namespace = matrix.slice(0, matrix.indexOf('/'));
    for (const write of writes) {
      switch (write.kind) {
        case 'Scale':
          this.#scale(namespace, write);
          break;
        case 'Cost':
          this.#mark(`${namespace}/${write.pod}`, write.to);
          break;
        case 'Open':
          this.#open(`${namespace}/${write.pod}`, this.#nodeOf(matrix, write.host), write.why);
          break;
        default:
          write satisfies never;
      }
    }
  }

  tell(matrix: ObjectKey, news: readonly News[]): void {
    const { log, present } = this.#options;
    const regarding = present(matrix);
    for (const { type, reason, note } of news) {
      log[type === 'Normal' ? 'info' : 'warn']({ matrix }, `matrix ${matrix}: ${note}`);
      if (regarding !== undefined) this.#options.tell({ regarding, type, reason, action: 'Placement', note });
    }
  }

  get #views(): ClusterViews {
    const { deployments, pods, scalers, nodes } = this.#watches;
    return {
      deployments: deployments.view,
      pods: pods.view,
      scalers: scalers.view,
      nodes: nodes.view,
      realServers: this.#options.objects().realServers,
      managers: this.#managers(),
    };
  }

  #scale(namespace: string, { workload, from, to }: Extract<Write, { kind: 'Scale' }>): void {
    const path = objectPath(DEPLOYMENTS, namespace, workload, 'scale');
    this.#patch(path, 'application/json-patch+json', [
      { op: 'test', path: '/spec/replicas', value: from },
      { op: 'replace', path: '/spec/replicas', value: to },
    ]);
  }

  #mark(key: ObjectKey, cost: number | null): void {
    const pod = this.#watches.pods.get(key);
    if (pod === undefined) return;
    const [namespace = '', name = ''] = key.split('/');
    this.#patch(objectPath(PODS, namespace, name), 'application/merge-patch+json', costPatch(pod, cost));
  }

  #open(key: ObjectKey, node: string | null, why: string): void {
    const pod = this.#watches.pods.get(key);
    const patch = pod === undefined ? null : openingPatch(pod, node);
    if (pod === undefined || patch === null) return;
    const [namespace = '', name = ''] = key.split('/');
    this.#patch(objectPath(PODS, namespace, name), 'application/json-patch+json', patch, () => {
      const where = node === null ? 'wherever the scheduler puts it' : `with a preference for ${node}`;
      const regarding = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid: pod.uid } };
      const note = `the gate is opened, ${where}: ${why}`;
      this.#options.tell({ regarding, type: 'Normal', reason: 'GateOpened', action: 'Placement', note });
    });
  }

  /** In the background, one at a time for an object. */
  #patch(path: string, contentType: string, body: unknown, then: () => void = () => undefined): void {
    if (this.#writing.has(path)) return;
    this.#writing.add(path);
    this.#options.api
      .call('PATCH', path, { contentType, query: { fieldManager: FIELD_MANAGER }, body })
      .then(then, (error: Error) => this.#failed(error))
      .finally(() => this.#writing.delete(path));
  }

  #failed(error: Error): void {
    const { log } = this.#options;
    const { status = 0 } = error instanceof ApiError ? error : {};
    const isDenied = status === 403 || error.message.includes('ValidatingAdmissionPolicy');
    if (isDenied) this.#denied = { at: performance.now(), message: error.message };
    // It was another one by then: what it is now is seen, and decided on anew.
    const isLate = !isDenied && (status === 404 || status === 409 || status === 422);
    if (isLate) log.debug(error.message);
    else if (this.#lines.take(error.message) !== null) log.warn(error.message);
  }

  #whyDenied(): WhyNot | null {
    if (this.#denied === null) return null;
    if (performance.now() - this.#denied.at > DENIED) this.#denied = null;
    return this.#denied === null ? null : { reason: 'NotPermitted', message: this.#denied.message };
  }

  /** Nobody waits at a gate, or is marked, whom no matrix answers for. */
  #sweep(): void {
    if (!this.#watches.pods.synced) return;
    const { matrices } = this.#options.objects();
    for (const key of this.#known.keys()) if (!matrices.has(key)) this.#known.delete(key);
    const covered = this.#managers();
    const now = performance.now();
    const waiting = new Map<ObjectKey, number>();
    for (const [key, pod] of this.#watches.pods.view) {
      if (pod.isGoing) continue;
      const isCovered = covered.has(coverOf(key, pod));
      if (pod.cost === MARK && !isCovered) this.#mark(key, null);
      if (pod.gate === null) continue;
      const since = this.#waiting.get(key) ?? now;
      waiting.set(key, since);
      if (!isCovered) this.#open(key, null, 'no matrix in mode Auto with placement.actuate Manage has its workload');
      else if (now - since > ANSWER) this.#open(key, null, 'no answer came in time');
    }
    this.#waiting = waiting;
  }

  /** By `namespace/workload`, the matrix whose its instances are to place: the oldest. The same map while no matrix has changed. */
  #managers(): ReadonlyMap<string, ObjectKey> {
    const { objects, className } = this.#options;
    const { matrices } = objects();
    if (this.#managing?.of !== matrices) this.#managing = { of: matrices, map: managersOf(matrices, className) };
    return this.#managing.map;
  }

  #nodeOf(matrix: ObjectKey, row: string | null): string | null {
    const namespace = matrix.slice(0, matrix.indexOf('/'));
    return row === null
      ? null
      : (this.#options.objects().realServers.get(`${namespace}/${row}`)?.spec.nodeName ?? null);
  }

  #addresses(matrix: ObjectKey, host: string, workload: string): ReadonlySet<string> {
    const namespace = matrix.slice(0, matrix.indexOf('/') + 1);
    const node = this.#nodeOf(matrix, host);
    return new Set(
      [...this.#watches.pods.view].flatMap(([key, pod]) =>
        key.startsWith(namespace) && pod.workload === workload && pod.node === node ? pod.addresses : [],
      ),
    );
  }
}

function managersOf(matrices: ClusterState['matrices'], className: string): Map<string, ObjectKey> {
  const managers = new Map<string, ObjectKey>();
  for (const [key, { spec }] of [...matrices].toSorted((a, b) => compare(age(a), age(b)) || compare(a[0], b[0]))) {
    if (spec.className !== className || !placesInstances(spec, 'Cluster')) continue;
    for (const { workloadRef } of spec.apps) {
      const workload = `${key.slice(0, key.indexOf('/'))}/${workloadRef?.name ?? ''}`;
      if (!managers.has(workload)) managers.set(workload, key);
    }
  }
  return managers;
}

const age = ([, { metadata }]: readonly [ObjectKey, AppWeightMatrix]): string => metadata.creationTimestamp ?? '';
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function coverOf(key: ObjectKey, { workload }: PodFacts): string {
  return `${key.slice(0, key.indexOf('/'))}/${workload ?? ''}`;
}
