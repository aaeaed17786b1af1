/** What of a state is another than in the state before: told to the graph, value by value. */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { Kind } from '../model/status.ts';
import { changedKeys } from './changed-keys.ts';
import { ClaimBook } from './claim-book.ts';
import { askedBy, type Claimant, hostsOf } from './claims.ts';
import { emptyFacts, type HostRule } from './cluster-facts.ts';
import { type ClusterState, emptyState, type InvalidObject, type LastGood } from './cluster-state.ts';
import type { Problem } from './conditions.ts';
import type { Values } from './derivations.ts';
import type { Graph } from './graph.ts';
import { hostsNotAllowed } from './host-policy.ts';
import { rowsInForce } from './matrices.ts';
import { POLICY_KEY } from './policies.ts';
import { type Present, sameSubject, subjectOf } from './subjects.ts';

/** What is wrong with specs in themselves. */
export interface JudgeSpecs {
  readonly TcpVirtualServer: (spec: TcpVirtualServerSpec) => readonly Problem[];
  readonly RealServer: (spec: RealServerSpec) => readonly Problem[];
  readonly AppWeightMatrix: (spec: AppWeightMatrixSpec) => readonly Problem[];
}

export class Inputs {
  readonly #graph: Graph<Values>;
  readonly #judge: JudgeSpecs;
  readonly #claims = new ClaimBook();
  #state: ClusterState;
  #invalid: ReadonlyMap<string, InvalidObject> = new Map();
  #lastGood: LastGood;

  constructor(graph: Graph<Values>, judge: JudgeSpecs, { mode, className }: Pick<ClusterState, 'mode' | 'className'>) {
    this.#graph = graph;
    this.#judge = judge;
    this.#state = emptyState(mode, className);
    this.#lastGood = this.#state.lastGood;
  }

  /** For the next state: the present specs where they are good, else the former ones. */
  get lastGood(): LastGood {
    return this.#lastGood;
  }

  take(state: ClusterState): void {
    this.#takeFacts(state);
    const invalid =
      state.invalid === this.#state.invalid
        ? this.#invalid
        : new Map(state.invalid.map((each) => [`${each.kind} ${each.key}`, each]));
    const changedInvalid = changedKeys(this.#invalid, invalid);
    this.#invalid = invalid;
    const changed = (kind: Kind, group: Group): string[] => [
      ...changedKeys<unknown>(this.#state[group], state[group]),
      ...changedKeys<unknown>(this.#lastGood[group], state.lastGood[group]),
      ...changedInvalid.flatMap((id) => (id.startsWith(`${kind} `) ? [id.slice(kind.length + 1)] : [])),
    ];
    const keys = {
      TcpVirtualServer: changed('TcpVirtualServer', 'virtualServers'),
      RealServer: changed('RealServer', 'realServers'),
      AppWeightMatrix: changed('AppWeightMatrix', 'matrices'),
    };
    const rules = hostRules(state);
    // Another policy may be about anybody.
    const all =
      hostRules(this.#state) === rules ? [] : [...state.virtualServers.keys(), ...this.#state.virtualServers.keys()];
    this.#state = state;
    this.#lastGood = state.lastGood;
    this.#takeVirtualServers([...keys.TcpVirtualServer, ...all], rules);
    for (const key of keys.RealServer) this.#takeSubject('serverSubject', 'RealServer', 'realServers', key);
    for (const key of keys.AppWeightMatrix) this.#takeMatrix(key);
  }

  #takeFacts({ mode, cluster = emptyFacts, secrets }: ClusterState): void {
    const { cluster: before = emptyFacts, secrets: formerSecrets } = this.#state;
    const graph = this.#graph;
    graph.set('grants', '', cluster.grants);
    graph.set('policy', '', cluster.policy);
    graph.set('exposedPorts', '', cluster.exposedPorts);
    graph.set('published', '', cluster.addresses);
    graph.set('serviceRanges', '', cluster.serviceRanges);
    graph.want('addressPolicy', POLICY_KEY, mode === 'Cluster');
    for (const key of changedKeys(before.services, cluster.services)) {
      graph.set('service', key, cluster.services.get(key));
    }
    for (const key of changedKeys(before.slices, cluster.slices)) graph.set('slices', key, cluster.slices.get(key));
    const nodes = changedKeys(before.nodes, cluster.nodes);
    for (const name of nodes) graph.set('node', name, cluster.nodes.get(name));
    if (nodes.length > 0) graph.set('nodes', '', cluster.nodes);
    for (const key of changedKeys(formerSecrets, secrets)) graph.set('secret', key, secrets.get(key));
  }

  #takeVirtualServers(keys: readonly ObjectKey[], rules: readonly HostRule[]): void {
    const asking = new Map<ObjectKey, Claimant | null>();
    for (const key of keys) {
      const subject = this.#takeSubject('virtualSubject', 'TcpVirtualServer', 'virtualServers', key);
      const spec = subject?.spec ?? null;
      if (subject === null || spec === null || spec.suspend) {
        asking.set(key, null);
        continue;
      }
      const refused = hostsNotAllowed(hostsOf(spec), subject.namespace, rules);
      asking.set(key, { key, createdAt: subject.createdAt, asked: askedBy(spec, refused) });
    }
    for (const [key, claims] of this.#claims.update(asking)) this.#graph.set('claims', key, claims ?? undefined);
  }

  #takeMatrix(key: ObjectKey): void {
    const subject = this.#takeSubject('matrixSubject', 'AppWeightMatrix', 'matrices', key);
    const spec = subject?.spec ?? null;
    const object = this.#state.matrices.get(key);
    const status = object?.spec === spec ? object?.status : undefined;
    const rows = spec === null ? undefined : rowsInForce(spec, status, this.#state.mode);
    this.#graph.set('rows', key, rows);
  }

  /** Returns the subject as it is now. */
  #takeSubject<K extends SubjectKind>(name: K, kind: Kind, group: Group, key: ObjectKey): Values[K] | null {
    const subject = subjectOf<never>(
      {
        kind,
        key,
        className: this.#state.className,
        object: this.#state[group].get(key) as Present<never> | undefined,
        invalid: this.#invalid.get(`${kind} ${key}`),
        lastGood: this.#state.lastGood[group].get(key) as never,
      },
      this.#judge[kind],
    ) as Values[K] | null;
    const former = this.#graph.value(name, key);
    const same = former !== undefined && subject !== null && sameSubject(former, subject);
    if (!same) this.#graph.set(name, key, subject ?? undefined);
    this.#graph.want(RESULTS[name], key, subject !== null);
    this.#keepGood(group, key, subject?.spec ?? undefined);
    return same ? former : subject;
  }

  #keepGood(group: Group, key: ObjectKey, spec: unknown): void {
    if (this.#lastGood[group].get(key) === spec) return;
    const given = this.#state.lastGood[group];
    let map = this.#lastGood[group] as Map<ObjectKey, unknown>;
    // Copied once: whoever has the map of the state keeps it as it is.
    if (map === given) {
      map = new Map<ObjectKey, unknown>(given);
      this.#lastGood = { ...this.#lastGood, [group]: map };
    }
    if (spec === undefined) map.delete(key);
    else map.set(key, spec);
  }
}

const hostRules = ({ cluster = emptyFacts }: ClusterState): readonly HostRule[] => cluster.policy.hostPolicy;

type Group = keyof LastGood;
type SubjectKind = 'serverSubject' | 'matrixSubject' | 'virtualSubject';

const RESULTS = { serverSubject: 'server', matrixSubject: 'matrix', virtualSubject: 'virtual' } as const;
