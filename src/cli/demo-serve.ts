/** `tcpvs serve` as a child process: started, asked over its admin socket, ended without leaving anything behind. */
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServeOptions {
  /** Directory of manifests, a manifest, or a KTCPVS configuration file. */
  readonly config: string;
  /** Path of the admin socket to be. */
  readonly socket: string;
  readonly workers: number;
  /** More words for the command line. */
  readonly args?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** The program and its first words; default: `bin/tcpvs` of this checkout. */
  readonly command?: readonly [string, ...string[]];
  /** False: in the process group and session of whoever starts it. */
  readonly detached?: boolean;
}

export interface ServeProcess {
  readonly pid: number;
  readonly socket: string;
  /** GET on the admin socket, parsed; rejects on any status but 200. */
  admin<T>(path: string): Promise<T>;
  /** What it wrote so far to standard output and error, the last 64 KB. */
  output(): string;
  /** The exit code once it has ended (null: by a signal). */
  readonly exited: Promise<number | null>;
  /** SIGTERM, and after `patience` ms SIGKILL to what is left of its process group (or to it, where it has none of its own). */
  stop(patience?: number): Promise<void>;
}

export const ROOT = join(import.meta.dirname, '../..');
const MOST_OUTPUT = 65_536;
const START_TIMEOUT = 15_000;

/** Resolves when it is ready. Errors: its own output, when it ends or is not ready in time. */
export async function startServe(options: ServeOptions): Promise<ServeProcess> {
  const args = ['--config', options.config, '--admin-socket', options.socket, '--workers', String(options.workers)];
  const [program, ...words] = options.command ?? [join(ROOT, 'bin/tcpvs')];
  const { detached = true } = options;
  const child = spawn(program, [...words, 'serve', ...args, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
    // A process group of its own: Ctrl-C reaches the demo alone, which then ends its child in order.
    detached,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-MOST_OUTPUT)));
  }
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      ended = true;
      resolve(null);
    });
    child.once('close', (code) => {
      ended = true;
      resolve(code);
    });
  });
  const pid = child.pid ?? 0;
  const stop = async (patience = 8_000) => {
    if (ended || pid === 0) return;
    child.kill('SIGTERM');
    const gone = await Promise.race([exited.then(() => true), sleep(patience, false, { ref: false })]);
    if (gone) return;
    try {
      process.kill(detached ? -pid : pid, 'SIGKILL');
    } catch {
      // It ended in this very moment.
    }
    await exited;
  };
  const admin = <T>(path: string) => adminGet(options.socket, path) as Promise<T>;
  const until = performance.now() + START_TIMEOUT;
  for (;;) {
    if (await isReady(options.socket))
      return { pid, socket: options.socket, admin, output: () => output, exited, stop };
    if (ended) throw new Error(`tcpvs serve ended at once:\n${beginning(output)}`);
    if (performance.now() > until) {
      await stop(0);
      throw new Error(`tcpvs serve was not ready within ${START_TIMEOUT / 1000} s:\n${beginning(output)}`);
    }
    await sleep(30);
  }
}

/** The first lines tell why; a thousand more of the same do not. */
function beginning(output: string): string {
  return output.trim().split('\n', 10).join('\n').slice(0, 4_000);
}

async function isReady(socket: string): Promise<boolean> {
  try {
    const { status } = await adminRequest(socket, '/readyz');
    return status === 200;
  } catch {
    return false;
  }
}

async function adminGet(socket: string, path: string): Promise<unknown> {
  const { status, body } = await adminRequest(socket, path);
  if (status !== 200) throw new Error(`admin socket ${socket}: GET ${path} was answered ${status}: ${body.trim()}`);
  return JSON.parse(body);
}

/** One request on the admin socket; a body makes it a POST (or what `method` says) of JSON. */
export function adminRequest(
  socketPath: string,
  path: string,
  options: { method?: string; body?: unknown } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const method = options.method ?? (options.body === undefined ? 'GET' : 'POST');
    const headers = options.body === undefined ? {} : { 'Content-Type': 'application/json' };
    const outgoing = request({ socketPath, path, method, headers, timeout: 5_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`admin socket ${socketPath}: no answer to ${path}`)));
    outgoing.on('error', reject);
    outgoing.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}
