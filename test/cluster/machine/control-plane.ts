/** What makes a cluster of an API: controller manager, scheduler, and kube-proxy for all nodes together. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Api } from '../api.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { kubeconfig } from '../kubeconfig.ts';
import { POD_RANGE, ROUTER } from './network.ts';

/** Whom the API must know, with their groups. */
export const USERS: Readonly<Record<string, readonly string[]>> = {
  'system:kube-controller-manager': [],
  'system:kube-scheduler': [],
  'system:kube-proxy': ['system:node-proxier'],
  'node-agent': ['system:masters'],
};

/** Needs the Node object `node` to exist. */
export function startControlPlane(api: Api, node: string): Daemon[] {
  const { write, configOf, start } = launcher(api);
  const proxy = kubeProxyConfiguration(configOf('system:kube-proxy'), node);
  return [...startControllers(api), start('kube-proxy', [`--config=${write('proxy.json', JSON.stringify(proxy))}`])];
}

function launcher(api: Api) {
  const directory = join(api.directory, 'control-plane');
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const ca = readFileSync(api.caFile, 'utf8');
  const configOf = (user: string) => {
    const token = readFileSync(join(api.directory, 'tokens', user), 'utf8');
    return write(user, kubeconfig({ url: api.url, ca, token }));
  };
  const start = (name: string, args: readonly string[]) =>
    startDaemon(name, [join(api.bin, name), ...args], { log: join(api.directory, 'logs', `${name}.log`) });
  return { write, configOf, start };
}

/** Nobody asks them how they are, and several tests may run them on one machine. */
const NO_PORT = ['--secure-port=0'];

/** Those that make pods of workloads, and choose nodes for them. */
export function startControllers(api: Api): Daemon[] {
  const { write, configOf, start } = launcher(api);
  return [
    start('kube-controller-manager', [
      `--kubeconfig=${configOf('system:kube-controller-manager')}`,
      `--service-account-private-key-file=${api.directory}/service-accounts.pem`,
      `--root-ca-file=${api.caFile}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      // One that elects loses its lease while the API is away, ends, and counts anew when it is back; this one would take all
      // nodes for dead then, whose Leases nobody could renew meanwhile.
      '--node-monitor-grace-period=1h',
      '--allocate-node-cidrs=false',
      // The defaults (20 and 30) make a test of thousands of objects wait.
      '--kube-api-qps=300',
      '--kube-api-burst=500',
      '--profiling=false',
      ...NO_PORT,
    ]),
    start('kube-scheduler', [
      `--config=${write('scheduler.json', JSON.stringify(schedulerConfiguration(configOf('system:kube-scheduler'))))}`,
      ...NO_PORT,
    ]),
  ];
}

function schedulerConfiguration(kubeconfigPath: string) {
  return {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig: kubeconfigPath, qps: 300, burst: 500 },
  };
}

/** One for all nodes: every packet passes the router that it runs on. */
function kubeProxyConfiguration(kubeconfigPath: string, node: string) {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig: kubeconfigPath },
    hostnameOverride: node,
    bindAddress: ROUTER,
    clusterCIDR: POD_RANGE,
    detectLocalMode: 'ClusterCIDR',
    // Changes are in force at once, as far as it lets them.
    nftables: { minSyncPeriod: '10ms', syncPeriod: '30s' },
    // The limits of connection tracking are the machine's, and not this namespace's to change.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
