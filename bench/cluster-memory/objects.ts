/** A cluster of so many Services, each with three pods, a RealServer, and a rule that leads there. */
import type { ApiClient } from '../../test/cluster/api-client.ts';

/** Rules of one virtual server. */
const RULES = 10;
const NODES = 5;
/** Requests to the API server at once. */
const AT_ONCE = 16;

export interface Created {
  readonly services: number;
  readonly realServers: number;
  readonly virtualServers: number;
}

/** Makes them in a namespace that is there. `port`: where all virtual servers listen, each with a host of its own. */
export async function createObjects(
  client: ApiClient,
  namespace: string,
  rules: number,
  port: number,
): Promise<Created> {
  const virtualServers = Math.ceil(rules / RULES);
  const collection = (group: string, plural: string) => `/${group}/namespaces/${namespace}/${plural}`;
  const tcpvs = (plural: string) => collection('apis/tcpvs.io/v1alpha1', plural);
  const make = (count: number, path: string, object: (index: number) => object) =>
    inTurns(count, (index) => client.create(path, object(index)));
  await make(rules, collection('api/v1', 'services'), service);
  await make(rules, collection('apis/discovery.k8s.io/v1', 'endpointslices'), slice);
  await make(rules, tcpvs('realservers'), (index) =>
    object('RealServer', `s${index}`, { serviceRef: { name: `s${index}` } }),
  );
  await make(virtualServers, tcpvs('tcpvirtualservers'), (index) => virtualServer(index, rules, port));
  return { services: rules, realServers: rules, virtualServers };
}

async function inTurns(count: number, each: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const turn = async (): Promise<void> => {
    // One after the other, sixteen times.
    while (next < count) await each(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
}

const service = (index: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `s${index}`, labels: { app: `s${index}` } },
  spec: { selector: { app: `s${index}` }, ports: [{ port: 80, targetPort: 8080 }] },
});

/** As the controller of Kubernetes writes it. */
const slice = (index: number) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `s${index}-abcde`, labels: { app: `s${index}`, 'kubernetes.io/service-name': `s${index}` } },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: Array.from({ length: 3 }, (_, pod) => ({
    addresses: [`10.${100 + pod}.${index >> 8}.${index & 255}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${(index + pod) % NODES}`,
    targetRef: { kind: 'Pod', name: `s${index}-${pod}`, namespace: 'default' },
  })),
});

const virtualServer = (index: number, rules: number, port: number) =>
  object('TcpVirtualServer', `v${index}`, {
    listeners: [{ name: 'web', port }],
    rules: Array.from({ length: Math.min(RULES, rules - index * RULES) }, (_, rule) => ({
      name: `r${rule}`,
      match: { hosts: [`h${index}.example`], path: { type: 'Prefix', value: `/p${rule}` } },
      servers: [{ server: `s${index * RULES + rule}` }],
    })),
  });

const object = (kind: string, name: string, spec: object) => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind,
  metadata: { name },
  spec,
});
