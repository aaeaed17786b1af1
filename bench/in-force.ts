/**
 * How long a change takes, measured whole: `tcpvs serve` as a process, 3,000 rules; a manifest is written that moves all of
 * an app's requests from one server to another, and a client that asks all the time waits for the first answer by the
 * other. `node bench/in-force.ts [--json] [--write]`. Milliseconds from the return of the write to that answer.
 *
 * `one of 48 files`: the matrix stands in a small file of its own; `one large file`: all is in one manifest of 0.5 MB, which
 * is read and parsed anew for each change.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { freePort } from '../src/cli/demo-ports.ts';
import { startServe } from '../src/cli/demo-serve.ts';
import { keep, textOf } from './measure/keep.ts';
import { circumstances } from './measure/machine.ts';
import { median } from './measure/statistics.ts';
import type { InForceResult } from './report/change-results.ts';

const HOSTS = 24;
const APPS = 125;
/** The first change after a start is another matter than those after it. */
const STARTS = 10;
const LATER = 10;

const { values } = parseArgs({ options: { json: { type: 'boolean' }, write: { type: 'boolean' } } });
const on = circumstances();
const servers = await Promise.all(['a', 'b'].map(startServer));
const result: InForceResult = {
  rules: HOSTS * APPS,
  starts: STARTS,
  later: LATER,
  layouts: [await measure('one of 48 files', false), await measure('one large file', true)],
};
for (const server of servers) server.close();
if (values.json === true) process.stdout.write(textOf(on, result));
else for (const { layout, first, later } of result.layouts) console.log(layout, { first, later });
if (values.write === true) keep('in-force', on, result);

async function measure(layout: string, whole: boolean): Promise<InForceResult['layouts'][number]> {
  const first: number[] = [];
  const later: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const [one, ...rest] = await oneStart(whole);
    first.push(one!);
    later.push(...rest);
  }
  return { layout, first: figures(first), later: figures(later) };
}

/** Milliseconds of each change after a start, in order. */
async function oneStart(whole: boolean): Promise<number[]> {
  const root = mkdtempSync(join(tmpdir(), 'tcpvs-in-force-'));
  const config = join(root, 'config');
  mkdirSync(config);
  const port = await freePort();
  const others = [...servers.map(realServer), ...range(HOSTS).map((host) => virtualServer(host, port))];
  const write = (first: number): void => {
    const matrices = range(HOSTS).map((host) => matrix(host, host === 0 ? first : 0));
    if (whole) writeFileSync(join(config, 'all.yaml'), [...others, ...matrices].join('---\n'));
    else writeFileSync(join(config, 'matrix0.yaml'), matrices[0]!);
  };
  if (!whole) {
    for (const [index, text] of others.entries()) writeFileSync(join(config, `other${index}.yaml`), text);
    for (const host of range(HOSTS)) writeFileSync(join(config, `matrix${host}.yaml`), matrix(host, 0));
  }
  write(0);
  const serve = await startServe({ config, socket: join(root, 'admin'), workers: 1 });
  try {
    const client = connect(port, '127.0.0.1').setNoDelay();
    await once(client, 'connect');
    const took: number[] = [];
    for (let change = 1; change <= 1 + LATER; change++) {
      const wanted = change % 2;
      write(wanted);
      const written = performance.now();
      while ((await ask(client)) !== 'ab'[wanted]) if (performance.now() - written > 30_000) throw new Error('never');
      took.push(performance.now() - written);
    }
    client.destroy();
    return took;
  } finally {
    await serve.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

function figures(milliseconds: readonly number[]): { median: number; max: number } {
  return { median: round(median(milliseconds)), max: round(Math.max(...milliseconds)) };
}

function round(milliseconds: number): number {
  return Math.round(10 * milliseconds) / 10;
}

/** The last byte of the answer: the server's name. */
async function ask(client: Socket): Promise<string> {
  client.write('GET /app0/ HTTP/1.1\r\nHost: host0.example\r\n\r\n');
  const [bytes] = (await once(client, 'data')) as [Buffer];
  return bytes.toString('latin1').slice(-1);
}

async function startServer(name: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function manifest(kind: string, name: string, spec: object): string {
  return `${JSON.stringify({ apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { name }, spec })}\n`;
}

function realServer(server: Server, index: number): string {
  return manifest('RealServer', `web${index}`, { address: '127.0.0.1', port: (server.address() as AddressInfo).port });
}

function virtualServer(host: number, port: number): string {
  return manifest('TcpVirtualServer', `http${host}`, {
    listeners: [{ name: 'web', address: '127.0.0.1', port, protocol: 'HTTP' }],
    scheduler: 'hhttp',
    balance: 'RoundRobin',
    matrixRefs: [{ name: `matrix${host}` }],
    rules: range(APPS).map((app) => ({
      name: `app${app}`,
      app: `app${app}`,
      match: { hosts: [`host${host}.example`], path: { type: 'Prefix', value: `/app${app}` } },
    })),
  });
}

/** All requests of app0 go to the server `first`, those of the others to both. */
function matrix(host: number, first: number): string {
  return manifest('AppWeightMatrix', `matrix${host}`, {
    mode: 'Static',
    apps: range(APPS).map((app) => ({ name: `app${app}` })),
    rows: range(2).map((server) => ({
      server: `web${server}`,
      weights: range(APPS).map((app) => ({ app: `app${app}`, weight: app > 0 || server === first ? 1 : 0 })),
    })),
  });
}
