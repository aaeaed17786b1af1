import { isDeepStrictEqual } from 'node:util';

import type { Api } from '../kube/api.ts';
import { ResourceWatch } from '../kube/resource-watch.ts';
import { type KubeObject, keyOf } from '../kube/resource.ts';
import type { WatchTiming } from '../kube/watch-timing.ts';
import type { Log } from '../telemetry/log.ts';
import type { ClusterFacts, EndpointSliceFacts, PublishedAddress } from '../translate/cluster-facts.ts';
import { publishedAddresses } from './facts/addresses.ts';
import { sliceFacts } from './facts/services.ts';
import { SERVICES, SLICES } from './resources.ts';

export interface ProxyServiceOptions {
  readonly api: Api;
  /** `namespace/name` of the proxies' Service; null: there is none, and nothing is known of proxies. */
  readonly proxies: string | null;
  /** Whose addresses are those at which clients come in; null: nobody's. */
  readonly publish: string | null;
  /** Instead of any Service's. */
  readonly addresses: readonly PublishedAddress[];
  /** What statuses and listeners are judged by. */
  readonly onChange: (received: number) => void;
  /** Other proxies are ready. */
  readonly onReady: () => void;
  readonly log: Log;
  readonly timing?: Partial<WatchTiming>;
}

/** What the installation's Services say: ports that clients reach, proxies that are ready, addresses. */
export class ProxyService {
  readonly #options: ProxyServiceOptions;
  readonly #watches: readonly ResourceWatch<KubeObject>[];
  readonly #slices: ResourceWatch<EndpointSliceFacts> | null;
  #facts: Pick<ClusterFacts, 'exposedPorts' | 'addresses'>;
  #ready: ReadonlySet<string> = new Set();

  constructor(options: ProxyServiceOptions) {
    this.#options = options;
    this.#facts = { exposedPorts: null, addresses: options.addresses };
    const { api, log, timing, proxies, publish, addresses } = options;
    const common = { api, log, same: isDeepStrictEqual, ...(timing === undefined ? {} : { timing }) };
    const keys = new Set([proxies, addresses.length === 0 ? publish : null].filter((key) => key !== null));
    this.#watches = [...keys].map((key) => {
      const [namespace = '', name = ''] = key.split('/');
      return new ResourceWatch<KubeObject>({
        ...common,
        resource: SERVICES,
        namespace,
        name,
        keep: ({ metadata, spec, status }) => ({ metadata: { namespace, name: metadata.name }, spec, status }),
        onKeys: (_, received) => this.#look(received),
      });
    });
    const [namespace = '', name = ''] = proxies?.split('/') ?? [];
    this.#slices =
      proxies === null
        ? null
        : new ResourceWatch<EndpointSliceFacts>({
            ...common,
            resource: SLICES,
            namespace,
            labelSelector: `kubernetes.io/service-name=${name}`,
            keep: sliceFacts,
            isEmpty: ({ endpoints }) => endpoints.length === 0,
            onKeys: () => this.#count(),
          });
  }

  start(): void {
    for (const watch of this.#watches) watch.start();
    this.#slices?.start();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watches.map((watch) => watch.close()), this.#slices?.close()]);
  }

  async whenSynced(): Promise<void> {
    await Promise.all([...this.#watches.map(({ whenSynced }) => whenSynced), this.#slices?.whenSynced]);
  }

  get facts(): Pick<ClusterFacts, 'exposedPorts' | 'addresses'> {
    return this.#facts;
  }

  /** Uids of the pods of ready proxies. */
  get ready(): ReadonlySet<string> {
    return this.#ready;
  }

  #look(received: number): void {
    const { proxies, publish, addresses, onChange } = this.#options;
    const service = this.#service(proxies);
    const published = this.#service(publish);
    const facts = {
      exposedPorts: service === undefined ? null : portsOf(service),
      addresses: addresses.length > 0 || published === undefined ? addresses : publishedAddresses(published),
    };
    if (isDeepStrictEqual(facts, this.#facts)) return;
    this.#facts = facts;
    onChange(received);
  }

  #service(key: string | null): KubeObject | undefined {
    return key === null
      ? undefined
      : this.#watches.flatMap(({ view }) => [...view.values()]).find((each) => keyOf(each) === key);
  }

  #count(): void {
    const slices = [...(this.#slices?.view.values() ?? [])];
    const ready = new Set(
      slices.flatMap(({ endpoints }) =>
        endpoints.flatMap((each) => (each.ready && each.podUid !== null ? each.podUid : [])),
      ),
    );
    if (isDeepStrictEqual(ready, this.#ready)) return;
    this.#ready = ready;
    this.#options.onReady();
  }
}

function portsOf({ spec }: KubeObject): ReadonlySet<number> {
  const { ports = [] } = (spec ?? {}) as { ports?: readonly { port: number; protocol?: string }[] };
  return new Set(ports.filter(({ protocol = 'TCP' }) => protocol === 'TCP').map(({ port }) => port));
}
