/** A program that runs beside a test, logs into a file, and does not outlive it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Daemon {
  readonly name: string;
  readonly child: ChildProcess;
  /** Path of what it writes. */
  readonly log: string;
  /** How it ended: exit code or signal. Never rejects. */
  readonly exited: Promise<string>;
  ended(): boolean;
  /** The last lines of its log. */
  tail(): string;
  /** SIGTERM, and after `patience` ms SIGKILL; resolves once it is gone. */
  stop(patience?: number): Promise<void>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

export interface DaemonOptions {
  /** Appended to. */
  readonly log: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** The kernel kills it when this process ends, however that may happen. Elsewhere than on Linux there is no such thing. */
const DIE_WITH_PARENT = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];

export function startDaemon(name: string, command: readonly string[], options: DaemonOptions): Daemon {
  const [file = '', ...args] = [...DIE_WITH_PARENT, ...command];
  const output = openSync(options.log, 'a');
  const child = spawn(file, args, {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...options.environment },
    // Ctrl-C reaches the test alone, which then ends its daemons in order.
    detached: true,
  });
  closeSync(output);
  let how: string | null = null;
  const exited = new Promise<string>((resolve) => {
    const end = (text: string) => {
      how ??= text;
      resolve(how);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  });
  const ended = () => how !== null;
  return {
    name,
    child,
    log: options.log,
    exited,
    ended,
    tail: () => readFileSync(options.log, 'utf8').trim().split('\n').slice(-15).join('\n'),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async (patience = 15_000) => {
      if (ended()) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patience);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Asks every 30 ms until it is ready; rejects when a daemon that it takes has ended, or after `patience` ms. */
export async function untilReady(
  what: string,
  daemons: readonly Daemon[],
  ready: () => Promise<boolean>,
  patience = 60_000,
): Promise<void> {
  const end = performance.now() + patience;
  for (;;) {
    if (await ready().catch(() => false)) return;
    for (const daemon of daemons) {
      if (daemon.ended()) throw new Error(`${daemon.name} ended (${await daemon.exited}):\n${daemon.tail()}`);
    }
    if (performance.now() > end) {
      const tails = daemons.map((daemon) => `${daemon.name}:\n${daemon.tail()}`).join('\n');
      throw new Error(`${what} is not ready after ${patience / 1000} s\n${tails}`);
    }
    await sleep(30);
  }
}
