/**
 * The machine of a cluster: the first process of its own PID, mount and network namespaces. When it ends, the kernel ends
 * all that it started and forgets its networks and mounts; and it ends with its test, because the channel to it closes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startApi } from '../api.ts';
import { untilReady } from '../daemon.ts';
import { startAgent } from '../node-agent/agent.ts';
import { imageCatalogue } from '../node-agent/images.ts';
import type { FromMachine, MachineCalls, MachineSettings, ToMachine } from './contract.ts';
import { startControlPlane, USERS } from './control-plane.ts';
import { startDns } from './dns/server.ts';
import { enforcePolicies } from './network-policy/enforce.ts';
import { addNamespace, CLIENT, openRouter, ROUTER, SERVICE_RANGE } from './network.ts';
import { registerNodes } from './nodes.ts';

const say = (message: FromMachine) => void process.send?.(message);
let calls: MachineCalls | null = null;

process.once('disconnect', () => process.exit());
process.on('message', (message: ToMachine) => {
  if ('settings' in message) {
    open(message.settings).catch((error: Error) => say({ failed: error.stack ?? error.message }));
    return;
  }
  const { id, call, args } = message;
  const done = (calls?.[call] as ((...args: readonly unknown[]) => Promise<void>) | undefined)?.(...args);
  Promise.resolve(done).then(
    () => say({ id, error: null }),
    (error: Error) => say({ id, error: error.message }),
  );
});

async function open({ directory, nodes, product, tagged }: MachineSettings): Promise<void> {
  const resolvConf = join(directory, 'resolv.conf');
  writeFileSync(resolvConf, clusterResolvConf('default'));
  await openRouter(resolvConf);
  await addNamespace('client', CLIENT);
  const options = { address: ROUTER, port: 6443, serviceRange: SERVICE_RANGE, controllers: true };
  const api = await startApi({ ...options, directory: join(directory, 'api'), users: USERS });
  await startDns(api.client, ROUTER);
  enforcePolicies(api.client);
  const registered = await registerNodes(api.client, nodes);
  for (const node of registered) await addNamespace(node.name, node.address);
  const daemons = startControlPlane(api, registered[0]?.name ?? '');
  const agent = await startAgent({
    api,
    directory: join(directory, 'pods'),
    nodes: registered,
    images: imageCatalogue(product, tagged),
    resolvConf: clusterResolvConf,
  });
  await untilReady('the cluster', daemons, async () => {
    await api.client.get('/api/v1/namespaces/default/serviceaccounts/default');
    await api.client.get('/api/v1/namespaces/default/configmaps/kube-root-ca.crt');
    return true;
  });
  calls = {
    stopServer: () => api.stopServer(),
    startServer: () => api.startServer(),
    killServer: () => api.killServer(),
    restartEtcd: () => api.restartEtcd(),
    kill: async (pod, container, signal) => agent.kill(pod, container, signal),
  };
  const { url, ca, caFile, adminToken, auditLog, bin } = api;
  say({ ready: { url, ca, caFile, adminToken, auditLog, bin, directory } });
}

function clusterResolvConf(namespace: string): string {
  const search = `${namespace}.svc.cluster.local svc.cluster.local cluster.local`;
  return `nameserver ${ROUTER}\nsearch ${search}\noptions ndots:5\n`;
}
