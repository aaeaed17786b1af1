/**
 * An API server with whoever makes pods and chooses nodes for them, and nodes that are nothing but objects: a pod that was put
 * on one is said to be ready, and one that is to go is gone.
 */
import type { KubeObject } from './api-client.ts';
import { type Api, startApi } from './api.ts';
import { installCrds } from './crds.ts';
import { follow, type Following, until } from './follow.ts';
import { startControllers, USERS } from './machine/control-plane.ts';

export interface PodsWithoutNodes {
  readonly api: Api;
  /** Pods of a namespace, as soon as they are as wished. */
  pods(namespace: string, wished: (pods: readonly KubeObject[]) => boolean): Promise<readonly KubeObject[]>;
  stop(): Promise<void>;
}

/** @param nodes by name, their memory */
export async function startPodsWithoutNodes(nodes: Readonly<Record<string, string>>): Promise<PodsWithoutNodes> {
  const api = await startApi({ users: USERS });
  await installCrds(api);
  const daemons = startControllers(api);
  for (const [name, memory] of Object.entries(nodes)) await addNode(api, name, memory);
  const kubelet = followPods(api);
  return {
    api,
    pods: (namespace, wished) => until(api.client, `/api/v1/namespaces/${namespace}/pods`, wished),
    stop: async () => {
      kubelet.stop();
      await Promise.all(daemons.map((each) => each.stop()));
      await api.stop();
    },
  };
}

async function addNode({ client }: Api, name: string, memory: string): Promise<void> {
  await client.create('/api/v1/nodes', { metadata: { name, labels: { 'kubernetes.io/hostname': name } } });
  const resources = { cpu: '4', memory, pods: '20' };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Ready', lastHeartbeatTime: new Date().toISOString() }];
  await client.patch(`/api/v1/nodes/${name}/status`, {
    status: { capacity: resources, allocatable: resources, conditions },
  });
  // Whoever looks after nodes takes the taint away in its own time, and puts it there first.
  await client.patch(`/api/v1/nodes/${name}`, { spec: { taints: null } });
}

/** A pod may be another one by then, or none. */
function isLate(error: Error): void {
  if (!/404|409/.test(error.message)) throw error;
}

function followPods({ client }: Api): Following {
  let addresses = 0;
  return follow(client, '/api/v1/pods', {
    changed: ({ metadata, spec, status }) => {
      const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
      if (metadata.deletionTimestamp !== undefined) {
        client.delete(path, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }).catch(isLate);
      } else if (spec.nodeName !== undefined && status.phase !== 'Running') {
        const ip = `10.7.${Math.floor(++addresses / 250)}.${(addresses % 250) + 1}`;
        const ready = { type: 'Ready', status: 'True' };
        client
          .patch(`${path}/status`, { status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [ready] } })
          .catch(isLate);
      }
    },
  });
}

/** A Deployment that leaves its number of replicas to others, and whose pods wait to be given a node. */
export function gatedDeployment(name: string, more: { readonly replicas?: number; readonly gated?: boolean } = {}) {
  const { gated = true, ...spec } = more;
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      ...spec,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...(gated ? { schedulingGates: [{ name: 'tcpvs.io/placement' }] } : {}),
          containers: [{ name: 'app', image: 'app', resources: { requests: { memory: '1Gi', cpu: '10m' } } }],
        },
      },
    },
  };
}
