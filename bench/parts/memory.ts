/**
 * Memory: with many rules and apps, and per idle connection. Proportional set size of the whole process tree, of tcpvs as it
 * is shipped: the bundle, with a copy of Node for itself, because pages of a program are divided by all that run it, and
 * this benchmark does, too.
 */
import { connect, type Socket } from 'node:net';

import { settled } from '../measure/process.ts';
import { shipped } from '../measure/shipped.ts';
import type { Host, Layout, PeerName } from '../peers/peer.ts';
import { onStage, type Settings, type Stage } from './stage.ts';

export interface MemoryResult {
  readonly rules: number;
  readonly connections: number;
  readonly peers: Partial<Record<PeerName, PeerMemory>>;
}

/** Bytes. */
export interface PeerMemory {
  readonly empty: number;
  readonly withRules: number;
  readonly perIdleConnection: number;
}

/** A matrix has at most 128 apps, so a large platform has several of them. */
const HOSTS = 40;
const APPS_PER_HOST = 125;
const CONNECTIONS = 4_000;

export function measureMemory(settings: Settings): Promise<MemoryResult> {
  return onStage({ bytes: 100, chunked: false }, async (stage) => {
    const peers: Partial<Record<PeerName, PeerMemory>> = {};
    const program = shipped(stage.directory);
    for (const peer of settings.peers) {
      settings.progress(`memory: ${peer}`);
      peers[peer] = { ...(await small(stage, peer, program)), withRules: await large(stage, peer, program) };
    }
    return { rules: HOSTS * APPS_PER_HOST, connections: CONNECTIONS, peers };
  });
}

async function small(stage: Stage, peer: PeerName, program: Layout['program']): Promise<Omit<PeerMemory, 'withRules'>> {
  const running = await stage.start(peer, { program });
  try {
    await exchange(running.port, ['/web/1']);
    const empty = await settled(running.pid);
    const sockets: Socket[] = [];
    for (let at = 0; at < CONNECTIONS; at += 100) {
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => openIdle(running.port)))));
    }
    const full = await settled(running.pid);
    for (const socket of sockets) socket.destroy();
    return { empty, perIdleConnection: (full - empty) / CONNECTIONS };
  } finally {
    await running.stop();
  }
}

async function large(stage: Stage, peer: PeerName, program: Layout['program']): Promise<number> {
  const hosts: Host[] = Array.from({ length: HOSTS }, (_, host) => ({
    name: `host${host}.example`,
    apps: Array.from({ length: APPS_PER_HOST }, (__, app) => `app${host * APPS_PER_HOST + app}`),
  }));
  const running = await stage.start(peer, { hosts, program });
  try {
    // Every rule is used once, as they would be.
    for (const { name, apps } of hosts)
      await exchange(
        running.port,
        apps.map((app) => `/${app}/`),
        name ?? 'localhost',
      );
    return await settled(running.pid);
  } finally {
    await running.stop();
  }
}

/** One request per path, one after another on one connection. */
async function exchange(port: number, paths: readonly string[], host = 'localhost'): Promise<void> {
  const socket = await openIdle(port, paths[0], host);
  for (const path of paths.slice(1)) await ask(socket, path, host);
  socket.destroy();
}

/** A connection that has had one answer and says nothing more. */
function openIdle(port: number, path = '/web/1', host = 'localhost'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('connect', () => void ask(socket, path, host).then(() => resolve(socket), reject));
  });
}

/** The answers of this part are small: what arrives is one. */
function ask(socket: Socket, path: string, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('data', (bytes) => {
      const line = bytes.toString('latin1').split('\r\n', 1)[0] ?? '';
      if (line.startsWith('HTTP/1.1 200')) resolve();
      else reject(new Error(`GET ${path} for ${host} was answered: ${line}`));
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}
