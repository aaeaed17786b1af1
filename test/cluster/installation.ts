/** The product in a cluster, as docs/kubernetes/install.md says, and the matrix of examples/12-kubernetes. */
import { join } from 'node:path';

import type { Cluster } from './cluster.ts';
import type { NodeOptions } from './machine/nodes.ts';

const ROOT = join(import.meta.dirname, '../..');
const NAMESPACE = 'tcpvs-system';

/** The hosts of the example. */
export const HOSTS: readonly NodeOptions[] = ['web1', 'web2', 'web3', 'web4', 'web5'].map((name) => {
  return { name, labels: { 'eapac-host': name } };
});

export interface ChartOptions {
  readonly release?: string;
  readonly namespace?: string;
  /** Of the proxies' Service; there are no load balancers here. */
  readonly serviceType?: 'ClusterIP' | 'NodePort';
  /** Values over those of a cluster without load balancers, as `--values` takes them. */
  readonly values?: object;
  /** Do not wait until its pods are ready. */
  readonly noWait?: boolean;
}

/** `helm install`, or an upgrade of what is there. Rejects with what Helm said, and how the pods are. */
export async function installChart(cluster: Cluster, options: ChartOptions = {}): Promise<void> {
  const { release = 'tcpvs', namespace = NAMESPACE, values = {}, serviceType = 'ClusterIP', noWait = false } = options;
  const own = ['--set', `proxy.service.type=${serviceType}`];
  const wait = noWait ? [] : ['--wait', '--timeout', '120s'];
  const where = [release, join(ROOT, 'charts/tcpvs'), '--namespace', namespace, '--create-namespace'];
  const args = ['upgrade', '--install', ...where, ...own, '--values', '-', ...wait];
  const { code, stdout, stderr } = await cluster.helm(args, JSON.stringify(values));
  if (code === 0) return;
  const pods = await cluster.kubectl(['-n', namespace, 'get', 'pods', '-o', 'wide']);
  throw new Error(`helm install ${release}: ${stderr}${stdout}${pods.stdout}${pods.stderr}`);
}

/** Applies the example to nodes that are HOSTS, and waits until all of it is ready, but for `noWait`. */
export async function applyMatrixExample({ kubectl }: Pick<Cluster, 'kubectl'>, noWait = false): Promise<void> {
  const steps = [
    ['apply', '--server-side', '-k', join(ROOT, 'examples/12-kubernetes')],
    ...(noWait ? [] : [['-n', 'eapac', 'rollout', 'status', 'deployment', '--timeout=120s']]),
    ...(noWait ? [] : [['-n', 'eapac', 'wait', '--for=condition=Ready', 'tvs,rsv,awm', '--all', '--timeout=120s']]),
  ];
  for (const step of steps) {
    const { code, stderr } = await kubectl(step);
    if (code !== 0) throw new Error(`kubectl ${step.join(' ')}: ${stderr}`);
  }
}
