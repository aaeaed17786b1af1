/** `bin/tcpvs serve` as a process of its own, on manifests made here, and what it costs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ADDRESS, newPorts } from '../robustness/address.ts';
import { sleep } from './figures.ts';
import type { MemoryGroup } from './memory-group.ts';

export interface ServeOptions {
  /** Real servers, by port on 127.0.0.1 or with an address. */
  readonly servers: readonly {
    readonly address?: string;
    readonly port: number;
    readonly healthCheck?: object;
    /** Into its spec: how it is spoken to. */
    readonly spec?: object;
  }[];
  /** Into the rule: timeouts, retry … as in a manifest. */
  readonly rule?: object;
  readonly limits?: object;
  readonly rules?: readonly object[];
  readonly workers?: number;
  /** A certificate in PEM: the virtual server listens with TLS, too, at `tlsPort`. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  /** Seconds; default 1. */
  readonly drainTimeout?: number;
  /** Most open files of its processes. */
  readonly files?: number;
  /** The control group that its processes run in. */
  readonly group?: MemoryGroup;
  /** Default info. */
  readonly logLevel?: string;
  /** More of the command line. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Manifests besides; they may listen at the same port. */
  readonly objects?: (port: number) => readonly object[];
}

const HTTPS = { protocol: 'HTTPS', tls: { certificateFiles: [{ certificate: 'web.crt', key: 'web.key' }] } };

interface Ports {
  readonly port: number;
  readonly tlsPort: number;
  readonly adminPort: number;
}

const BIN = join(import.meta.dirname, '../../bin/tcpvs');

export class Served {
  readonly address = ADDRESS;
  readonly port: number;
  readonly tlsPort: number;
  readonly adminPort: number;
  readonly child: ChildProcess;
  private output = '';
  private readonly directory: string;

  constructor(child: ChildProcess, { port, tlsPort, adminPort }: Ports, directory: string) {
    this.child = child;
    this.port = port;
    this.tlsPort = tlsPort;
    this.adminPort = adminPort;
    this.directory = directory;
    child.stdout!.on('data', (bytes) => (this.output += String(bytes)));
    child.stderr!.on('data', (bytes) => (this.output += String(bytes)));
  }

  get log(): string {
    return this.output;
  }

  /** The supervisor and what it has started, by process id. */
  get pids(): number[] {
    const found = [this.child.pid!];
    for (const pid of found) found.push(...childrenOf(pid));
    return found;
  }

  /** The process that serves: the supervisor's child. */
  get servingPid(): number {
    const [pid] = childrenOf(this.child.pid!);
    if (pid === undefined) throw new Error(`no serving process; the log says: ${this.output}`);
    return pid;
  }

  /** Resident bytes of all its processes. */
  get rss(): number {
    return this.pids.reduce((sum, pid) => sum + residentOf(pid), 0);
  }

  get sockets(): number {
    return this.pids.reduce((sum, pid) => sum + socketsOf(pid), 0);
  }

  async isReady(): Promise<boolean> {
    return (await this.admin('/readyz').catch(() => ({ status: 0 }))).status === 200;
  }

  admin(path: string): Promise<{ status: number; body: string }> {
    return askAdmin({ host: ADDRESS, port: this.adminPort }, path);
  }

  /** By the socket, which has everything. */
  async local(path: string): Promise<string> {
    return (await askAdmin({ socketPath: join(this.directory, 'admin') }, path)).body;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const pids = this.pids;
      this.child.kill('SIGTERM');
      this.child.kill('SIGTERM');
      const gone = once(this.child, 'exit');
      const timer = setTimeout(() => {
        for (const pid of pids) tryKill(pid);
      }, 5000);
      await gone;
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function askAdmin(
  where: { readonly host: string; readonly port: number } | { readonly socketPath: string },
  path: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, path, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => (body += piece));
      answer.on('end', () => resolve({ status: answer.statusCode!, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

export async function startServe(options: ServeOptions): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-faults-'));
  const [port, tlsPort, adminPort] = (await newPorts(3)) as [number, number, number];
  if (options.tls !== undefined) {
    writeFileSync(join(directory, 'web.crt'), options.tls.certificate);
    writeFileSync(join(directory, 'web.key'), options.tls.privateKey, { mode: 0o600 });
  }
  writeFileSync(join(directory, 'all.yaml'), manifests(options, port, tlsPort));
  const args = [
    'serve',
    '--config',
    directory,
    '--admin',
    `${ADDRESS}:${adminPort}`,
    '--admin-socket',
    join(directory, 'admin'),
  ];
  args.push('--workers', String(options.workers ?? 2), '--drain-timeout', String(options.drainTimeout ?? 1));
  args.push('--log-level', options.logLevel ?? 'info', ...(options.args ?? []));
  const first = [
    ...(options.files === undefined ? [] : [`ulimit -n ${options.files}`]),
    ...(options.group === undefined ? [] : [`echo $$ >${options.group.procs}`]),
    'exec "$0" "$@"',
  ];
  const env = { ...process.env, ...options.environment };
  const child = spawn('/bin/sh', ['-c', first.join(' && '), BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const served = new Served(child, { port, tlsPort, adminPort }, directory);
  for (let left = 200; left > 0; left--) {
    if (await served.isReady()) return served;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  await served.stop();
  throw new Error(`tcpvs does not become ready: ${served.log}`);
}

function manifests(options: ServeOptions, port: number, tlsPort: number): string {
  const apiVersion = 'tcpvs.io/v1alpha1';
  const servers = options.servers.map(({ address, port: serverPort, healthCheck, spec }, index) => ({
    apiVersion,
    kind: 'RealServer',
    metadata: { name: `web${index}` },
    spec: {
      address: address ?? '127.0.0.1',
      port: serverPort,
      // Above every count of these tests: the cap of a server is not what they are about.
      maxConnections: 10_000,
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...spec,
    },
  }));
  const destinations = servers.map((server) => ({ server: server.metadata.name, weight: 1 }));
  const all = { name: 'all', servers: destinations, ...options.rule };
  const virtualServer = {
    apiVersion,
    kind: 'TcpVirtualServer',
    metadata: { name: 'http' },
    spec: {
      listeners: [
        { name: 'web', address: ADDRESS, port, protocol: 'HTTP' },
        ...(options.tls === undefined ? [] : [{ name: 'tls', address: ADDRESS, port: tlsPort, ...HTTPS }]),
      ],
      scheduler: 'http',
      balance: 'RoundRobin',
      rules: (options.rules ?? [{}]).map((rule, index) => ({ ...all, name: `rule-${index}`, ...rule })),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    },
  };
  return [...servers, virtualServer, ...(options.objects?.(port) ?? [])]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}

/** Direct children, from /proc. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    });
}

export function residentOf(pid: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s+([0-9]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function socketsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).filter((name) => isSocket(`/proc/${pid}/fd/${name}`)).length;
  } catch {
    return 0;
  }
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:');
  } catch {
    return false;
  }
}
