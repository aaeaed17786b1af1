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

type Meeting = ToFaults & { readonly kind: 'Meet' };

/** What watches and lists meet, one after the other, again and again. */
const FAULTS: readonly Meeting[] = [
  { kind: 'Meet', on: 'Watch', times: 20, fault: { kind: 'Status', status: 410, reason: 'Expired' } },
  { kind: 'Meet', on: 'Watch', times: 20, fault: { kind: 'ErrorEvent', status: 410, reason: 'Expired', after: 100 } },
  { kind: 'Meet', on: 'Watch', times: 5, fault: { kind: 'Status', status: 500, reason: 'InternalError' } },
  { kind: 'Meet', on: 'List', times: 5, fault: { kind: 'Status', status: 500, reason: 'InternalError' } },
];
/** Faults that nobody has met within this time, in milliseconds, are met by nobody any more. */
const PATIENCE = 300_000;

export interface Suffered {
  readonly resets: number;
  readonly watchesAnswered410: number;
  readonly watchesEndedBy410: number;
  readonly watchesAnswered500: number;
  readonly listsAnswered500: number;
}

/**
 * `resets`: how often all connections of the controllers are broken; after each something else goes wrong. Resolves when
 * all of it has been met, and all is as it should be although the way to the API server is still this one: `recovered`.
 */
export async function sufferFaults(stage: Stage, resets: number, recovered: () => Promise<void>): Promise<Suffered> {
  const faults = await open(stage);
  try {
    await redirect(stage, faults.port);
    const met = FAULTS.map(() => 0);
    for (let i = 0; i < resets; i++) {
      const which = i % FAULTS.length;
      const fault = FAULTS[which];
      if (fault === undefined) break;
      faults.child.send({ kind: 'Reset' } satisfies ToFaults);
      await sleep(250);
      faults.child.send(fault);
      met[which] = (met[which] ?? 0) + fault.times;
      await sleep(250);
    }
    await faults.met(met.reduce((sum, times) => sum + times));
    await recovered();
    const [watchesAnswered410 = 0, watchesEndedBy410 = 0, watchesAnswered500 = 0, listsAnswered500 = 0] = met;
    const suffered = { resets, watchesAnswered410, watchesEndedBy410, watchesAnswered500, listsAnswered500 };
    await stage.kubectl('rollout', 'undo', '-n', SYSTEM, CONTROLLER);
    await stage.kubectl('rollout', 'status', '-n', SYSTEM, CONTROLLER, '--timeout=180s');
    return suffered;
  } finally {
    faults.child.disconnect();
    await once(faults.child, 'exit');
  }
}

interface Faults {
  readonly child: ChildProcess;
  readonly port: number;
  /** Resolves when so many faults have been met. Errors: some are met by nobody. */
  readonly met: (all: number) => Promise<void>;
}

async function open({ cluster }: Stage): Promise<Faults> {
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
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const known = { met: 0 };
  child.on('message', (message: FromFaults) => {
    if ('met' in message) known.met = message.met;
  });
  const met = async (all: number) => {
    const signal = AbortSignal.timeout(PATIENCE);
    while (known.met < all) await once(child, 'message', { signal });
  };
  return { child, port, met };
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
