/** What the tests play on: a directory of manifests, web servers, and a running `tcpvs serve`. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { StatusDocument } from '../../src/admin/contract.ts';
import { type Origin, startOrigins } from '../../src/cli/demo-origins.ts';
import { freePort } from '../../src/cli/demo-ports.ts';
import { adminRequest, ROOT, type ServeProcess, startServe } from '../../src/cli/demo-serve.ts';
import { temporaryDirectory } from '../../src/standalone/fixture/temporary-directory.ts';

export interface Stage {
  readonly port: number;
  readonly directory: string;
  readonly state: string;
  readonly socket: string;
  readonly origins: readonly Origin[];
  /** The running server. */
  serve: ServeProcess;
  /** Writes matrix.yaml: weights of the app `shop` at web1 and web2. */
  weights(web1: number, web2: number): void;
  write(file: string, text: string): void;
  start(...args: string[]): Promise<ServeProcess>;
  /** Answers: the server that served, or the status where none did. */
  get(path: string, keepAlive?: boolean): Promise<string>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const root = temporaryDirectory();
  const directory = join(root, 'config');
  mkdirSync(directory);
  const port = await freePort();
  const origins = await startOrigins(['web1', 'web2'].map((name) => ({ name, address: '127.0.0.1', port: 0 })));
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
  write('servers.yaml', origins.map(({ name, port: at }) => realServer(name, at)).join('---\n'));
  write('http.yaml', virtualServer(port));
  let starting: Promise<ServeProcess> | null = null;
  const stage: Stage = {
    port,
    directory,
    state: join(root, 'state'),
    socket: join(root, 'admin.sock'),
    origins,
    serve: undefined as never,
    weights: (web1, web2) => write('matrix.yaml', matrix(web1, web2)),
    write,
    start: async (...args) => {
      const { socket, state } = stage;
      const delay = args.includes('--drain-delay') ? [] : ['--drain-delay', '0'];
      const more = ['--state-dir', state, '--drain-timeout', '5', ...delay, ...args];
      starting = startServe({ config: directory, socket, workers: 2, args: more });
      stage.serve = await starting;
      return stage.serve;
    },
    get: (path, keepAlive = true) => get(port, path, keepAlive ? agent : false),
    close: async () => {
      agent.destroy();
      // A test that failed before its server was ready must not leave it behind.
      const last = await starting?.catch(() => null);
      await last?.stop();
      await stage.serve?.stop();
      for (const origin of origins) await origin.close();
    },
  };
  stage.weights(3, 1);
  return stage;
}

function get(port: number, path: string, agent: Agent | false): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, agent, timeout: 10_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.headers['x-served-by'] ?? response.statusCode)));
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** How many of `count` requests (eight at a time) each server answered. */
export async function tally(stage: Stage, count: number): Promise<Record<string, number>> {
  const result: Record<string, number> = {};
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const who = await stage.get('/shop/x');
      result[who] = (result[who] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  return result;
}

/** Asks until the answer is as wished; there is no event that a process outside could wait for. */
export async function until<T>(ask: () => Promise<T>, wished: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (wished(answer)) return answer;
    if (performance.now() > end) throw new Error(`still ${JSON.stringify(answer)?.slice(0, 2000)}`);
    await sleep(5);
  }
}

/** Weights of `shop`, once every worker has acknowledged what the object says. */
export async function weightsInForce(stage: Stage): Promise<string> {
  const object = (await status(stage)).objects.find(({ kind }) => kind === 'AppWeightMatrix');
  const programmed = object?.status.conditions.find(({ type }) => type === 'Programmed');
  const { rows } = (object?.spec ?? { rows: [] }) as { rows: { weights: { weight: number }[] }[] };
  return programmed?.status === 'True' ? rows.map(({ weights }) => weights[0]?.weight).join(':') : 'pending';
}

export function status(stage: Stage): Promise<StatusDocument> {
  return stage.serve.admin<StatusDocument>('/v1/status');
}

export async function admin(stage: Stage, path: string, options: { method?: string; body?: unknown } = {}) {
  return await adminRequest(stage.socket, path, options);
}

export function tcpvsadm(stage: Stage, ...args: string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(ROOT, 'bin/tcpvsadm'), ['--socket', stage.socket, ...args]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('close', (code) => resolve({ code, text }));
  });
}

const HEAD = 'apiVersion: tcpvs.io/v1alpha1\n';

function realServer(name: string, port: number): string {
  return `${HEAD}kind: RealServer\nmetadata: {name: ${name}}\nspec: {address: 127.0.0.1, port: ${port}}\n`;
}

export function virtualServer(port: number): string {
  return `${HEAD}kind: TcpVirtualServer
metadata: {name: http}
spec:
  listeners: [{name: web, address: 127.0.0.1, port: ${port}, protocol: HTTP}]
  scheduler: hhttp
  matrixRefs: [{name: m}]
  rules:
    - {name: shop, match: {path: {type: Pattern, value: "^/shop/.*"}}, app: shop}
`;
}

function matrix(web1: number, web2: number): string {
  return `${HEAD}kind: AppWeightMatrix
metadata: {name: m}
spec:
  mode: Static
  apps: [{name: shop}]
  rows:
    - {server: web1, weights: [{app: shop, weight: ${web1}}]}
    - {server: web2, weights: [{app: shop, weight: ${web2}}]}
`;
}
