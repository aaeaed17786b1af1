import type { AppWeightMatrix, RealServer, TcpVirtualServer } from '../api/parse.ts';
import type { Versions } from '../delivery/versions.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { Kind } from '../model/status.ts';
import { type ClusterFacts, emptyFacts, type ReferenceGrantFacts } from '../translate/cluster-facts.ts';
import type { ClusterState, InvalidObject, LastGood, TlsSecret } from '../translate/cluster-state.ts';
import { GoodSecrets } from '../translate/good-secrets.ts';
import { deniedSecret, serviceRangesOf } from './facts/cluster.ts';
import type { ObjectCount } from './metrics.ts';
import { Projection } from './projection.ts';
import { SlicesByService } from './slices-by-service.ts';
import { WantedSecrets } from './wanted-secrets.ts';
import { Watches, type WatchesOptions } from './watches.ts';

export interface WorldOptions extends WatchesOptions {
  /** Translation has something new to see. `received`: when that was known, as `performance.now()`. */
  readonly onChange: (received: number) => void;
  /** An object is another one, in whatever part of it. */
  readonly onTouched: () => void;
  /** More is known to have been seen, though nothing has changed. */
  readonly onProgress: () => void;
}

/** Everything that is watched, as translation takes it: what did not change is the same object (===) as before. */
export class World {
  readonly #options: WorldOptions;
  readonly watches: Watches;
  readonly #virtualServers = new Projection<TcpVirtualServer>();
  readonly #realServers = new Projection<RealServer>();
  readonly #matrices = new Projection<AppWeightMatrix>();
  readonly #invalid = new Projection<InvalidObject>();
  readonly #slices = new SlicesByService();
  readonly #secrets = new Projection<TlsSecret>();
  readonly #goodSecrets = new GoodSecrets();
  readonly #wanted = new WantedSecrets();
  /** Secrets that have been waited for. */
  #asked: ReadonlySet<string> = new Set();
  readonly #grants = derived((view: ReadonlyMap<string, ReferenceGrantFacts>) => [...view.values()]);
  readonly #invalids = derived((view: ReadonlyMap<string, InvalidObject>) => [...view.values()]);
  readonly #ranges = derived((view: ReadonlyMap<string, KubeObject>) => serviceRangesOf([...view.values()]));

  constructor(options: WorldOptions) {
    this.#options = options;
    const { onChange } = options;
    this.watches = new Watches(options, {
      objects: (kind, keys, received) => {
        const changed = keys.filter((key) => this.#take(kind, key));
        if (changed.length > 0) onChange(received);
        options.onTouched();
      },
      slices: (keys, received) => {
        for (const key of keys) this.#slices.set(key, this.watches.slices.get(key));
        onChange(received);
      },
      grants: (_, received) => {
        this.#wantAnew();
        onChange(received);
      },
      secrets: (keys, received) => this.#takeSecrets(keys, received),
      secretTrouble: (key) => this.#takeSecrets([key], performance.now()),
      others: (_, received) => onChange(received),
      progress: options.onProgress,
    });
  }

  /**
   * Asks for the Secrets that objects have begun to refer to. Resolves when they are known, or it is known that they
   * cannot be, or after so many milliseconds: a listener is not to be without its certificate for a moment.
   */
  async readSecrets(patience: number): Promise<void> {
    const wanted = this.#wanted.keys;
    const before = this.#asked;
    if (wanted === before) return;
    this.#asked = wanted;
    const fresh = [...wanted].filter((key) => !before.has(key));
    for (const key of before) if (!wanted.has(key)) this.#secrets.set(key, undefined);
    this.watches.namedSecrets.want(new Set([...wanted].filter((key) => !this.#isListed(key))));
    await this.watches.namedSecrets.whenAnswered(fresh, patience);
    for (const key of fresh) if (this.#asked.has(key)) this.#secrets.set(key, this.#secret(key));
  }

  state(lastGood: LastGood, facts: Pick<ClusterFacts, 'policy' | 'exposedPorts' | 'addresses'>): ClusterState {
    const { services, nodes, serviceRanges } = this.watches;
    return {
      mode: 'Cluster',
      className: this.#options.className,
      virtualServers: this.#virtualServers.view,
      realServers: this.#realServers.view,
      matrices: this.#matrices.view,
      invalid: this.#invalids(this.#invalid.view),
      lastGood,
      secrets: this.#goodSecrets.take(this.#secrets.view),
      cluster: {
        ...facts,
        services: services.view,
        slices: this.#slices.view,
        nodes: nodes.view,
        grants: this.#grantList,
        serviceRanges: this.#ranges(serviceRanges.view),
      },
    };
  }

  /** What placement is computed of. */
  get placeable(): Pick<ClusterState, 'matrices' | 'realServers'> & { readonly cluster: ClusterFacts } {
    const { nodes } = this.watches;
    return {
      matrices: this.#matrices.view,
      realServers: this.#realServers.view,
      cluster: { ...emptyFacts, nodes: nodes.view },
    };
  }

  /** What runs where. */
  get running(): Pick<ClusterState, 'realServers'> & { readonly cluster: Pick<ClusterFacts, 'slices' | 'nodes'> } {
    return {
      realServers: this.#realServers.view,
      cluster: { slices: this.#slices.view, nodes: this.watches.nodes.view },
    };
  }

  /** The object as the API has it, without its spec; undefined: it is not there, or of another class. */
  object(kind: Kind, key: string): KubeObject | undefined {
    const known = this.watches.objects[kind].get(key);
    return known?.read == null ? undefined : known.object;
  }

  /** By kind and by what the API says of their readiness. */
  objectCounts(): ObjectCount[] {
    return Object.entries(this.watches.objects).flatMap(([kind, { view }]) => {
      const counts = { ready: 0, not_ready: 0, unknown: 0 };
      for (const { object, read } of view.values()) if (read !== null) counts[readinessOf(object)]++;
      return READINESS.map((status) => ({ kind, status, count: counts[status] }));
    });
  }

  get versions(): Versions {
    return this.watches.versions;
  }

  get #grantList(): readonly ReferenceGrantFacts[] {
    return this.#grants(this.watches.grants.view);
  }

  /** Those that nobody has been made to wait for come with the change that refers to them. */
  #takeSecrets(keys: readonly string[], received: number): void {
    const changed = keys.filter((key) => this.#asked.has(key) && this.#secrets.set(key, this.#secret(key)));
    if (changed.length > 0) this.#options.onChange(received);
  }

  /** True: translation would see a difference. */
  #take(kind: Kind, key: string): boolean {
    const read = this.watches.objects[kind].get(key)?.read;
    const object = read?.ok === true ? read.object : undefined;
    const invalid = read?.ok === false ? read.invalid : undefined;
    const id = `${kind} ${key}`;
    this.#wanted.set(id, object, this.#grantList);
    const isOther = {
      TcpVirtualServer: () => this.#virtualServers.set(key, object as TcpVirtualServer | undefined),
      RealServer: () => this.#realServers.set(key, object as RealServer | undefined),
      AppWeightMatrix: () => this.#matrices.set(key, object as AppWeightMatrix | undefined),
    }[kind]();
    return this.#invalid.set(id, invalid) || isOther;
  }

  /** What may be referred to is another thing now. */
  #wantAnew(): void {
    const grants = this.#grantList;
    for (const [key, object] of this.#virtualServers.view) this.#wanted.set(`TcpVirtualServer ${key}`, object, grants);
    for (const [key, object] of this.#realServers.view) this.#wanted.set(`RealServer ${key}`, object, grants);
  }

  #secret(key: string): TlsSecret | undefined {
    const { listedSecrets, namedSecrets } = this.watches;
    if (this.#isListed(key)) return listedSecrets.get(key);
    const status = namedSecrets.troubleOf(key)?.status;
    return namedSecrets.get(key) ?? (status === 403 || status === 401 ? deniedSecret(key) : undefined);
  }

  #isListed(key: string): boolean {
    return this.#options.secretNamespaces.includes(key.slice(0, key.indexOf('/')));
  }
}

const READINESS = ['ready', 'not_ready', 'unknown'] as const;

function readinessOf({ status }: KubeObject): ObjectCount['status'] {
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  const ready = conditions.find(({ type }) => type === 'Ready')?.status;
  return ready === 'True' ? 'ready' : ready === 'False' ? 'not_ready' : 'unknown';
}

/** What follows from a view, made anew when that is another one. */
function derived<V, T>(make: (view: V) => T): (view: V) => T {
  let last: { readonly view: V; readonly value: T } | null = null;
  return (view) => {
    if (last?.view !== view) last = { view, value: make(view) };
    return last.value;
  };
}
