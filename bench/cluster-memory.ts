/**
 * What a controller and a proxy hold in a cluster of 5,000 rules and 5,000 Services: proportional set size, and how many
 * series their metrics have. `node bench/cluster-memory.ts [--rules 10,5000] [--json] [--write]`
 *
 * A real API server with the objects in it, `tcpvs controller` and one `tcpvs proxy` with one worker, each as it is shipped.
 * Measured once all statuses are written; the pods are not there, so that there is no traffic.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { freePort } from '../src/cli/demo-ports.ts';
import type { KubeObject } from '../test/cluster/api-client.ts';
import { startApi } from '../test/cluster/api.ts';
import { createStage, type Stage } from '../test/cluster/controller-stage.ts';
import { installCrds } from '../test/cluster/crds.ts';
import { type Created, createObjects } from './cluster-memory/objects.ts';
import { circumstances, ROOT } from './measure/machine.ts';
import { settled } from './measure/process.ts';
import { shipped } from './measure/shipped.ts';

export interface ClusterMemoryResult {
  readonly sizes: readonly (Created & { readonly rules: number; readonly controller: Held; readonly proxy: Held })[];
}

interface Held {
  /** Bytes. */
  readonly pss: number;
  /** Of its /metrics, and how long that is. */
  readonly series: number;
  readonly metricsBytes: number;
}

/** Looks of a second at what is to come about. */
const PATIENCE = 600;

const { values } = parseArgs({
  options: {
    rules: { type: 'string', default: '10,5000' },
    json: { type: 'boolean' },
    write: { type: 'boolean' },
  },
});
const on = circumstances();
const directory = mkdtempSync(join(tmpdir(), 'tcpvs-cluster-memory-'));
const sizes: ClusterMemoryResult['sizes'][number][] = [];
try {
  // A Node for each: what both have of it would be counted by halves.
  const [controller, proxy] = ['controller', 'proxy'].map((name) => {
    const own = join(directory, name);
    mkdirSync(own);
    return shipped(own);
  });
  for (const rules of values.rules.split(',').map(Number)) sizes.push(await measure(rules, controller!, proxy!));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const result: ClusterMemoryResult = { sizes };
const json = `${JSON.stringify({ circumstances: on, result }, null, 1)}\n`;
if (values.json === true) process.stdout.write(json);
else print();
if (values.write === true) writeFileSync(join(ROOT, 'bench/results', on.version, 'cluster-memory.json'), json);

async function measure(
  rules: number,
  controllerProgram: Program,
  proxyProgram: Program,
): Promise<(typeof sizes)[number]> {
  const api = await startApi();
  let stage: Stage | null = null;
  let proxy: ProxyProcess | null = null;
  try {
    await installCrds(api);
    const port = await freePort();
    stage = await createStage(api, 'bench', { program: controllerProgram, ports: [port] });
    const created = await createObjects(api.client, stage.namespace, rules, port);
    const controller = await stage.controller(['--log-level=info']);
    const { uid, token, bundle } = await stage.pod();
    proxy = await startProxy(proxyProgram, controller.port, token, bundle);
    await stage.ready([uid]);
    await until('the proxy is ready', async () => (await get(proxy!.admin, '/readyz')).ok);
    const path = `/apis/tcpvs.io/v1alpha1/namespaces/${stage.namespace}`;
    for (const plural of ['realservers', 'tcpvirtualservers']) {
      await until(`all ${plural} have their status`, async () =>
        (await api.client.list(`${path}/${plural}`)).every(isReady),
      );
    }
    return {
      rules,
      ...created,
      controller: await held(controller.process.pid, controller.adminPort),
      proxy: await held(proxy.process.pid, proxy.admin),
    };
  } finally {
    await proxy?.stop();
    await stage?.close();
    await api.stop();
  }
}

type Program = readonly [string, string];

interface ProxyProcess {
  readonly process: ChildProcess;
  /** Port of its admin API. */
  readonly admin: number;
  stop(): Promise<void>;
}

async function startProxy([node, entry]: Program, port: number, token: string, bundle: string): Promise<ProxyProcess> {
  const files = mkdtempSync(join(directory, 'files-'));
  writeFileSync(join(files, 'ca.crt'), bundle);
  writeFileSync(join(files, 'token'), token);
  const admin = await freePort();
  const options = {
    controller: `https://127.0.0.1:${port}`,
    'ca-file': join(files, 'ca.crt'),
    'token-file': join(files, 'token'),
    'state-dir': join(files, 'state'),
    admin: `127.0.0.1:${admin}`,
    workers: '1',
    'log-level': 'error',
    'drain-delay': '0',
    'drain-timeout': '1',
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  const child = spawn(node, [entry, 'proxy', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'close');
  return {
    process: child,
    admin,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function held(pid: number | undefined, admin: number): Promise<Held> {
  // As a cluster does all the time: what answering takes is part of what it holds.
  const text = await (await get(admin, '/metrics')).text();
  const pss = await settled(pid ?? 0);
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  return { pss, series, metricsBytes: Buffer.byteLength(text) };
}

function get(port: number, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`).catch(() => Response.error());
}

function isReady({ status }: KubeObject): boolean {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < PATIENCE; look++) {
    if (await holds()) return;
    await sleep(1000);
  }
  throw new Error(`${what}: not within ${PATIENCE} s`);
}

function print(): void {
  process.stdout.write(`${on.machine}, Node ${on.versions['node']}, load ${on.load} at the start\n\n`);
  for (const { rules, services, controller, proxy } of sizes) {
    process.stdout.write(`${rules} rules, ${services} Services\n`);
    for (const [name, { pss, series, metricsBytes }] of Object.entries({ controller, proxy })) {
      const figures = `${(pss / 1e6).toFixed(1)} MB, ${series} series (${(metricsBytes / 1e6).toFixed(2)} MB)`;
      process.stdout.write(`  ${name.padEnd(12)}${figures}\n`);
    }
  }
}
