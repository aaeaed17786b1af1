/** An installation on an API server without a cluster around it: its Services, accounts, proxy pods, and controllers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import {
  type AcknowledgingProxy,
  type AcknowledgingProxyOptions,
  startAcknowledgingProxy,
} from './acknowledging-proxy.ts';
import type { KubeObject } from './api-client.ts';
import type { ApiHandle } from './api-handle.ts';
import { until } from './follow.ts';

const SOURCES: readonly [string, string] = [process.execPath, join(import.meta.dirname, '../../src/cli/tcpvs.ts')];

export interface Stage {
  readonly namespace: string;
  /** A controller process; resolves when it serves snapshots. */
  readonly controller: (args?: readonly string[], kubeconfig?: string) => Promise<ControllerProcess>;
  /** A proxy pod that is ready, by its EndpointSlice, and its conversation with all controllers there are. */
  readonly proxy: (options?: Partial<AcknowledgingProxyOptions>) => Promise<AcknowledgingProxy & { uid: string }>;
  /** A proxy pod, and what a proxy in it is known and finds its controllers by. */
  readonly pod: () => Promise<{ readonly uid: string; readonly token: string; readonly bundle: string }>;
  /** Says which of the proxies' pods are ready. */
  ready(uids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface ControllerProcess {
  readonly process: ChildProcess;
  readonly port: number;
  readonly adminPort: number;
  readonly name: string;
  readonly lines: readonly Record<string, any>[];
  /** Resolves with the first line, from now on or before, that is as wished. */
  line(is: (line: Record<string, any>) => boolean): Promise<Record<string, any>>;
  get(path: string): Promise<{ status: number; text: string }>;
  /** Resolves with the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface StageOptions {
  /** What runs the controllers, and its first words; default: the sources. */
  readonly program?: readonly [string, string];
  /** That the Service of the proxies has: virtual servers can listen there, and nowhere else. */
  readonly ports?: readonly number[];
}

export async function createStage(
  api: ApiHandle,
  namespace: string,
  { program = SOURCES, ports = [8000, 8001] }: StageOptions = {},
): Promise<Stage> {
  const { client } = api;
  const at = (plural: string, group = '/api/v1') => `${group}/namespaces/${namespace}/${plural}`;
  const slices = at('endpointslices', '/apis/discovery.k8s.io/v1');
  await client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await client.create(at('serviceaccounts'), { metadata: { name: 'tcpvs-proxy' } });
  await client.create(at('services'), {
    metadata: { name: 'tcpvs-proxy' },
    spec: { selector: {}, ports: ports.map((port) => ({ name: `p${port}`, port })) },
  });
  const closers: (() => Promise<unknown>)[] = [];
  let pods = 0;
  let controllers = 0;
  const uids: string[] = [];
  const running: ControllerProcess[] = [];

  const ready = async (wanted: readonly string[]) => {
    await client.apply(`${slices}/tcpvs-proxy-1`, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'tcpvs-proxy-1', labels: { 'kubernetes.io/service-name': 'tcpvs-proxy' } },
      addressType: 'IPv4',
      ports: [{ name: 'p8000', port: 8000 }],
      endpoints: wanted.map((uid, i) => ({
        addresses: [`10.9.0.${i + 1}`],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: `proxy-${i}`, namespace, uid },
      })),
    });
  };
  const bundle = async () => {
    const maps = await until(client, at('configmaps'), (all) => all.some(isBundle));
    return maps.find(isBundle)?.['data']['ca.crt'] as string;
  };
  const pod = async () => {
    const made = await client.create(at('pods'), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `proxy-${++pods}` },
      spec: { serviceAccountName: 'tcpvs-proxy', containers: [{ name: 'proxy', image: 'tcpvs' }] },
    });
    const token = await api.tokenOf(namespace, 'tcpvs-proxy', { audience: 'tcpvs', pod: made });
    return { uid: made.metadata.uid, token, bundle: await bundle() };
  };
  return {
    namespace,
    ready,
    pod,
    controller: async (args = [], kubeconfig = api.kubeconfig) => {
      const name = `tcpvs-controller-${++controllers}`;
      // Its own namespace alone: other tests' objects are in the same API.
      const own = args.some((flag) => flag.startsWith('--watch-namespaces')) ? [] : [`--watch-namespaces=${namespace}`];
      const started = await startController(program, name, namespace, kubeconfig, [...own, ...args]);
      closers.push(() => started.end('SIGKILL'));
      await started.line(({ msg }) => msg === 'configuration is published');
      running.push(started);
      return started;
    },
    proxy: async (options = {}) => {
      const { uid, ...known } = await pod();
      const proxy = startAcknowledgingProxy({
        ports: running.map(({ port }) => port),
        serverName: `tcpvs-controller.${namespace}.svc`,
        ...known,
        ...options,
      });
      closers.push(() => proxy.close());
      uids.push(uid);
      await ready(uids);
      return Object.defineProperty(proxy, 'uid', { value: uid }) as AcknowledgingProxy & { uid: string };
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

const isBundle = ({ metadata, data }: KubeObject) =>
  metadata.name === 'tcpvs-ca-bundle' && data?.['ca.crt'] !== undefined;

async function startController(
  [command, ...words]: readonly [string, ...string[]],
  name: string,
  namespace: string,
  kubeconfig: string,
  args: readonly string[],
): Promise<ControllerProcess> {
  const flags = ['--kubeconfig', kubeconfig, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', ...args];
  const env = { ...process.env, POD_NAME: name, POD_NAMESPACE: namespace, POD_IP: '127.0.0.1' };
  const child = spawn(command, [...words, 'controller', ...flags], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Record<string, any>[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const each of waiting) each();
  };
  createInterface(child.stdout).on('line', (text) => {
    lines.push(JSON.parse(text) as Record<string, any>);
    wake();
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  void exited.then(wake);
  const line = (is: (line: Record<string, any>) => boolean) =>
    new Promise<Record<string, any>>((resolve, reject) => {
      const look = () => {
        const found = lines.find(is);
        if (found === undefined && child.exitCode === null && child.signalCode === null) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`${name} has ended: ${JSON.stringify(lines.slice(-5))}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  const admin = await line(({ msg }) => msg === 'admin API');
  return {
    process: child,
    name,
    lines,
    line,
    get port() {
      return lines.find(({ msg }) => msg === 'snapshot server')?.['port'] as number;
    },
    adminPort: admin['port'] as number,
    get: async (path) => {
      const answer = await fetch(`http://127.0.0.1:${admin['port']}${path}`);
      return { status: answer.status, text: await answer.text() };
    },
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return (await exited)[0];
    },
  };
}
