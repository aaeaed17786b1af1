/** The controllers reach the API server through a fault proxy only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { requestToken } from '../cluster/api-handle.ts';
import { kubeconfig } from '../cluster/kubeconfig.ts';
import { CLIENT } from '../cluster/machine/network.ts';
import type { FaultSettings, FromFaults, ToFaults } from './fault-process.ts';
import { RELEASE, type Stage, SYSTEM, untilReadyComponent } from './stage.ts';

const CONTROLLER = `deployment/${RELEASE}-controller`;

/** What watches and lists meet, one after the other, again and again. */
const FAULTS: readonly ToFaults[] = [
  { kind: 'Reset' },
  { kind: 'Meet', on: 'Watch', times: 3, fault: { kind: 'Status', status: 410, reason: 'Expired' } },
  { kind: 'Reset' },
  { kind: 'Meet', on: 'Watch', times: 3, fault: { kind: 'ErrorEvent', status: 410, reason: 'Expired', after: 100 } },
  { kind: 'Reset' },
  { kind: 'Meet', on: 'Watch', times: 3, fault: { kind: 'Status', status: 500, reason: 'InternalError' } },
  { kind: 'Reset' },
  { kind: 'Meet', on: 'List', times: 3, fault: { kind: 'Status', status: 500, reason: 'InternalError' } },
];

/** `resets`: how often all connections are broken; between two of them something else goes wrong. */
export async function sufferFaults(stage: Stage, resets: number): Promise<void> {
  const faults = await open(stage);
  try {
    await redirect(stage, faults.port);
    for (let i = 0, reset = 0; reset < resets; i++) {
      const fault = FAULTS[i % FAULTS.length] ?? FAULTS[0];
      if (fault === undefined) break;
      if (fault.kind === 'Reset') reset++;
      faults.child.send(fault);
      await sleep(250);
    }
    await stage.kubectl('rollout', 'undo', '-n', SYSTEM, CONTROLLER);
    await stage.kubectl('rollout', 'status', '-n', SYSTEM, CONTROLLER, '--timeout=180s');
  } finally {
    faults.child.disconnect();
    await once(faults.child, 'exit');
  }
}

async function open({ cluster }: Stage): Promise<{ child: ChildProcess; port: number }> {
  const { spec } = await cluster.client.get('/api/v1/namespaces/default/services/kubernetes');
  const settings: FaultSettings = {
    url: `https://${spec.clusterIP}`,
    ca: cluster.ca,
    directory: join(cluster.directory, 'api'),
    address: CLIENT,
  };
  const command = cluster.outside.command([process.execPath, join(import.meta.dirname, 'fault-process.ts')]);
  const [program, args] = [command[0] ?? process.execPath, [...command.slice(1), JSON.stringify(settings)]];
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ port }] = (await once(child, 'message')) as [FromFaults];
  return { child, port };
}

/** By a kubeconfig in a Secret: the pod's own configuration names the API server itself. */
async function redirect(stage: Stage, port: number): Promise<void> {
  const { cluster } = stage;
  const token = await requestToken(cluster.client, SYSTEM, `${RELEASE}-controller`);
  const config = kubeconfig({ url: `https://${CLIENT}:${port}`, ca: cluster.ca, token });
  await stage.apply(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'faulty', namespace: SYSTEM },
      stringData: { config },
    }),
  );
  const template = '/spec/template/spec';
  const patch = [
    { path: `${template}/volumes/-`, value: { name: 'faulty', secret: { secretName: 'faulty' } } },
    { path: `${template}/containers/0/volumeMounts/-`, value: { name: 'faulty', mountPath: '/etc/faulty' } },
    { path: `${template}/containers/0/args/-`, value: '--kubeconfig=/etc/faulty/config' },
  ].map((each) => ({ op: 'add', ...each }));
  await stage.kubectl('patch', '-n', SYSTEM, CONTROLLER, '--type=json', '-p', JSON.stringify(patch));
  await stage.kubectl('rollout', 'status', '-n', SYSTEM, CONTROLLER, '--timeout=180s');
  await untilReadyComponent(stage, 'controller', 2);
}
