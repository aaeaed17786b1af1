/** Nodes as the API sees them: objects whose Leases are renewed. */
import type { ApiClient } from '../api-client.ts';
import { nodeAddress, podRangeOf } from './network.ts';

export interface NodeOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RegisteredNode extends NodeOptions {
  /** Its place in the order of nodes; addresses follow from it. */
  readonly index: number;
  readonly address: string;
}

const RENEW_INTERVAL = 10_000;
/** Enough for whatever a test asks for: nothing here is limited to its request. */
const CAPACITY = { cpu: '64', memory: '256Gi', pods: '250', 'ephemeral-storage': '100Gi' };

/** Makes the objects; they are Ready, and stay so for as long as this process runs. */
export async function registerNodes(client: ApiClient, nodes: readonly NodeOptions[]): Promise<RegisteredNode[]> {
  const registered = nodes.map((node, index) => ({ ...node, index, address: nodeAddress(index) }));
  await Promise.all(registered.map((node) => register(client, node)));
  setInterval(() => {
    // The API may be away: the next one counts.
    for (const { name } of registered) client.apply(leasePath(name), lease(name)).catch(() => {});
  }, RENEW_INTERVAL);
  return registered;
}

async function register(client: ApiClient, node: RegisteredNode): Promise<void> {
  const { name, index, labels } = node;
  await client.create('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels } },
    spec: { podCIDR: podRangeOf(index), podCIDRs: [podRangeOf(index)] },
  });
  await client.patch(`/api/v1/nodes/${name}/status`, { status: statusOf(node) });
  await client.apply(leasePath(name), lease(name));
}

const leasePath = (name: string) => `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`;

function lease(name: string) {
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTime() };
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
}

/** The API's MicroTime wants six digits. */
const microTime = () => new Date().toISOString().replace('Z', '000Z');

function statusOf({ name, address }: RegisteredNode) {
  const now = new Date().toISOString();
  const condition = (type: string, status: string, reason: string) => {
    return { type, status, reason, message: reason, lastHeartbeatTime: now, lastTransitionTime: now };
  };
  return {
    capacity: CAPACITY,
    allocatable: CAPACITY,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    conditions: [
      condition('Ready', 'True', 'KubeletReady'),
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
    ],
    nodeInfo: {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      operatingSystem: 'linux',
      kernelVersion: '',
      osImage: '',
      containerRuntimeVersion: 'process://1',
      kubeletVersion: 'v1.37.2',
      kubeProxyVersion: '',
      machineID: name,
      systemUUID: name,
      bootID: name,
    },
  };
}
