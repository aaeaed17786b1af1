/** One run of a container: a process in namespaces of its own, with a root of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';

import { run } from '../run.ts';

export interface ContainerProcess {
  /** The command has begun (its mounts are made). */
  readonly started: Promise<void>;
  readonly ended: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  /** Another command in the same namespaces: its exit code, null where it had to be killed. */
  readonly exec: (command: readonly string[], patience: number) => Promise<number | null>;
}

export interface Exit {
  readonly code: number;
  readonly signal: string | null;
}

export interface ProcessOptions {
  /** Path of the network namespace. */
  readonly network: string;
  /** From rootScript; `scriptFile` is where it is put. */
  readonly script: string;
  readonly scriptFile: string;
  /** Appended to. */
  readonly log: string;
  readonly environment: Readonly<Record<string, string>>;
}

export function startProcess(options: ProcessOptions): ContainerProcess {
  const { network, script, scriptFile, log, environment } = options;
  writeFileSync(scriptFile, script, { mode: 0o700 });
  const output = openSync(log, 'a');
  const unshare = ['unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child=SIGKILL', '--'];
  const child = spawn('nsenter', [`--net=${network}`, ...unshare, '/bin/sh', scriptFile], {
    // What nsenter and unshare have to say is not the container's: that writes to descriptor 4.
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', output],
    env: environment,
    cwd: '/',
  });
  closeSync(output);
  let isKilled = false;
  const ended = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      writeFileSync(log, `${error.message}\n`, { flag: 'a' });
      resolve({ code: 128, signal: null });
    });
    child.once('exit', (code, signal) => {
      // unshare passes on by which signal its child ended, but fails to do so with SIGKILL.
      if (isKilled && code === 1) resolve({ code: 128 + constants.signals.SIGKILL, signal: 'SIGKILL' });
      else resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), signal });
    });
  });
  const started = new Promise<void>((resolve) => {
    child.stdio[3]?.once('data', () => resolve());
    void ended.then(() => resolve());
  });
  return {
    started,
    ended,
    kill: (signal) => {
      const first = firstProcess(child);
      isKilled ||= signal === 'SIGKILL';
      if (first !== null) kill(first, signal);
    },
    exec: async (command, patience) => {
      const first = firstProcess(child);
      if (first === null) return null;
      const into = ['nsenter', '--target', String(first), '--net', '--mount', '--pid', '--uts', '--root', '--wd'];
      return (await run([...into, '--', ...command], { patience, environment, clean: true })).code;
    },
  };
}

/** The first process of the PID namespace is the only child of unshare, which nsenter became. */
function firstProcess({ pid }: ChildProcess): number | null {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? null : Number(children.split(' ')[0]);
  } catch {
    return null;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in this very moment.
  }
}
