/** Processes under test: started, waited for, weighed (processor time, memory) with all their children, and ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where `bench/peers.sh` puts what no package of Debian has. */
const PEERS = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tcpvs/peers');
/** The package, of no use to anything but the comparison. */
export const HTTP_PROXY_3 = join(PEERS, 'node_modules/http-proxy-3');
/** Debian's nginx and haproxy live in /usr/sbin, and that is not on everybody's PATH. */
export const ENVIRONMENT = {
  ...process.env,
  PATH: `${join(PEERS, 'bin')}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
};

export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Resolves when the port accepts connections. Errors: what the process wrote, when it ends before that. */
export async function start(
  command: string,
  args: readonly string[],
  port: number,
  log: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<Running> {
  const output = openSync(log, 'a');
  const child = spawn(command, args, { stdio: ['ignore', output, output], env: { ...ENVIRONMENT, ...environment } });
  closeSync(output);
  const ended = endOf(child);
  let over: string | null = null;
  void ended.then((how) => (over = how));
  const until = performance.now() + 30_000;
  while (!(await accepts(port))) {
    if (over !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(
        `${command} did not come to listen on port ${port} (${over ?? '30 s'}):\n${readFileSync(log, 'utf8')}`,
      );
    }
    await sleep(20);
  }
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`exit ${code ?? signal ?? ''}`));
  });
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export interface CpuTime {
  /** Seconds. */
  readonly user: number;
  readonly system: number;
}

/** USER_HZ: the unit of /proc/PID/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Processor time so far of a process and all its children, threads included. */
export function cpuTime(pid: number): CpuTime {
  let user = 0;
  let system = 0;
  for (const each of tree(pid)) {
    const fields = statFields(each);
    if (fields === null) continue;
    user += Number(fields[11]) / TICKS_PER_SECOND;
    system += Number(fields[12]) / TICKS_PER_SECOND;
  }
  return { user, system };
}

export interface Memory {
  /** Bytes: resident, and with shared pages divided among those who share them. */
  readonly rss: number;
  readonly pss: number;
}

export function memory(pid: number): Memory {
  let rss = 0;
  let pss = 0;
  for (const each of tree(pid)) {
    const rollup = read(`/proc/${each}/smaps_rollup`);
    rss += 1024 * Number(/^Rss: +(\d+)/m.exec(rollup)?.[1] ?? 0);
    pss += 1024 * Number(/^Pss: +(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return { rss, pss };
}

/**
 * Proportional set size, bytes: the least of looks over 30 s. At rest tcpvs collects within ten seconds, and V8 gives pages back
 * after eight more; the same for all.
 */
export async function settled(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 60; look++) {
    await sleep(500);
    least = Math.min(least, memory(pid).pss);
  }
  return least;
}

/** A process, its children, theirs … */
export function tree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(Number(name))?.[1] ?? -1);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const all = [pid];
  for (const each of all) all.push(...(children.get(each) ?? []));
  return all;
}

/** Fields of /proc/PID/stat from the third one (state) on: the name before it may hold blanks and parentheses. */
function statFields(pid: number): string[] | null {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
