import { isDeepStrictEqual } from 'node:util';

import type { Versions } from '../delivery/versions.ts';
import type { Api } from '../kube/api.ts';
import { NamedWatches } from '../kube/named-watches.ts';
import type { ResourceWatchOptions, RestartReason } from '../kube/resource-watch.ts';
import { compareVersions, type KubeObject, type Resource } from '../kube/resource.ts';
import { type Watched, WatchGroup } from '../kube/watch-group.ts';
import type { WatchTiming } from '../kube/watch-timing.ts';
import type { Kind } from '../model/status.ts';
import type { Log } from '../telemetry/log.ts';
import type { NodeFacts, ReferenceGrantFacts, ServiceFacts } from '../translate/cluster-facts.ts';
import type { TlsSecret } from '../translate/cluster-state.ts';
import { grantFacts, nodeFacts, tlsSecret } from './facts/cluster.ts';
import { serviceFacts } from './facts/services.ts';
import { KINDS } from './kinds.ts';
import { know, type KnownObject } from './known-object.ts';
import { GRANTS, NODES, SECRETS, SERVICE_CIDRS, SERVICES, SLICES, typeOf } from './resources.ts';
import { type KnownSlice, knownSlice } from './slices-by-service.ts';

export interface WatchesOptions {
  readonly api: Api;
  readonly className: string;
  /** null: all. */
  readonly namespaces: readonly string[] | null;
  /** Where all Secrets may be read; elsewhere each is watched by its name. */
  readonly secretNamespaces: readonly string[];
  readonly log: Log;
  readonly timing?: Partial<WatchTiming>;
}

type OnKeys = ResourceWatchOptions<unknown>['onKeys'];

/** Who is told of what. `others`: what needs no more than to be looked at. */
export interface WatchHandlers {
  readonly objects: (kind: Kind, ...of: Parameters<OnKeys>) => void;
  readonly slices: OnKeys;
  readonly grants: OnKeys;
  readonly secrets: OnKeys;
  /** Why a Secret is not known, is not what it was. */
  readonly secretTrouble: (key: string) => void;
  readonly others: OnKeys;
  /** More is known to have been seen, though nothing has changed. */
  readonly progress: () => void;
}

/** All that is watched for translation. */
export class Watches {
  readonly objects: Readonly<Record<Kind, WatchGroup<KnownObject>>>;
  readonly services: WatchGroup<ServiceFacts>;
  readonly slices: WatchGroup<KnownSlice>;
  readonly nodes: WatchGroup<NodeFacts>;
  readonly grants: WatchGroup<ReferenceGrantFacts>;
  readonly serviceRanges: WatchGroup<KubeObject>;
  readonly namedSecrets: NamedWatches<TlsSecret>;
  readonly listedSecrets: WatchGroup<TlsSecret>;
  readonly #groups: readonly (readonly [string, AnyGroup])[];

  constructor(options: WatchesOptions, handlers: WatchHandlers) {
    const { api, className, namespaces, secretNamespaces, log, timing } = options;
    const common = { api, log, onProgress: handlers.progress, ...(timing === undefined ? {} : { timing }) };
    const onKeys = handlers.others;
    const group = <T>(
      resource: Resource,
      places: readonly string[] | null,
      more: Partial<ResourceWatchOptions<T>> & Pick<ResourceWatchOptions<T>, 'keep'>,
    ) => new WatchGroup<T>({ ...common, resource, same: isDeepStrictEqual, onKeys, ...more }, places);
    const objects = (kind: Kind) =>
      group<KnownObject>(KINDS[kind], namespaces, {
        keep: (object, before) => know(object, className, before),
        // Whoever writes statuses wants to know of every version.
        same: () => false,
        onKeys: (keys, received) => handlers.objects(kind, keys, received),
      });
    this.objects = {
      TcpVirtualServer: objects('TcpVirtualServer'),
      RealServer: objects('RealServer'),
      AppWeightMatrix: objects('AppWeightMatrix'),
    };
    this.services = group<ServiceFacts>(SERVICES, namespaces, { keep: serviceFacts });
    this.slices = group<KnownSlice>(SLICES, namespaces, {
      keep: knownSlice,
      isEmpty: ({ facts }) => facts.endpoints.length === 0,
      onKeys: handlers.slices,
    });
    this.nodes = group<NodeFacts>(NODES, null, { keep: nodeFacts });
    this.grants = group<ReferenceGrantFacts>(GRANTS, namespaces, {
      keep: grantFacts,
      optional: true,
      onKeys: handlers.grants,
    });
    this.serviceRanges = group<KubeObject>(SERVICE_CIDRS, null, {
      keep: ({ metadata: { name }, spec }) => ({ metadata: { name }, spec }),
      optional: true,
    });
    const secrets = { resource: SECRETS, keep: tlsSecret, same: isDeepStrictEqual, onKeys: handlers.secrets };
    this.namedSecrets = new NamedWatches<TlsSecret>({ ...common, ...secrets, onTrouble: handlers.secretTrouble });
    this.listedSecrets = new WatchGroup<TlsSecret>({ ...common, ...secrets }, secretNamespaces);
    this.#groups = [
      ...Object.entries(this.objects).map(([kind, each]) => [typeOf(KINDS[kind as Kind]), each] as const),
      [typeOf(SERVICES), this.services],
      [typeOf(SLICES), this.slices],
      [typeOf(NODES), this.nodes],
      [typeOf(GRANTS), this.grants],
      [typeOf(SERVICE_CIDRS), this.serviceRanges],
      ...(secretNamespaces.length === 0 ? [] : [[typeOf(SECRETS), this.listedSecrets] as const]),
    ];
  }

  start(): void {
    for (const [, group] of this.#groups) group.start();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#groups.map(([, group]) => group.close()), this.namedSecrets.close()]);
  }

  /** Resolves when everything has been seen once. */
  async whenSynced(): Promise<void> {
    await Promise.all(this.#groups.map(([, { whenSynced }]) => whenSynced));
  }

  /** Kinds that have not been seen yet, as `kubectl` names them, and why where that is known. */
  get missing(): string[] {
    return this.#groups.flatMap(([type, { synced, trouble }]) =>
      synced ? [] : [`${type}${trouble === null ? '' : ` (${trouble.message})`}`],
    );
  }

  /** When something last changed, by type. */
  get versions(): Versions {
    return this.#byType(({ lastChange }) => lastChange);
  }

  /** Up to where everything has been seen, by type. */
  get seen(): Versions {
    return this.#byType(({ version }) => version);
  }

  get restarts(): readonly { readonly type: string; readonly reason: RestartReason; readonly count: number }[] {
    return [...this.#groups, [typeOf(SECRETS), this.namedSecrets] as const].flatMap(([type, { restarts }]) =>
      [...restarts].map(([reason, count]) => ({ type, reason, count })),
    );
  }

  #byType(versionOf: (known: Pick<AnyGroup, 'version' | 'lastChange'>) => string | null): Versions {
    const all = [...this.#groups, [typeOf(SECRETS), this.namedSecrets] as const];
    const versions: Record<string, string> = {};
    for (const [type, group] of all) {
      const version = versionOf(group);
      const before = versions[type];
      // Secrets are there twice, those that are listed and those that are named.
      if (version !== null && (before === undefined || compareVersions(version, before) > 0)) versions[type] = version;
    }
    return versions;
  }
}

/** Whatever it knows. */
type AnyGroup = Watched<unknown> & { start(): unknown; close(): Promise<void> };
