/** Starts the machine of a cluster, and talks to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ApiPlace } from './api-handle.ts';
import type { FromMachine, MachineCalls, MachineSettings, ToMachine } from './machine/contract.ts';

export interface Machine {
  readonly api: ApiPlace;
  readonly calls: MachineCalls;
  /** What, before a command, runs it in the machine, in one of its network namespaces by name. */
  enter(network: string): string[];
  stop(): Promise<void>;
}

/** New namespaces, whose first process dies with this one, and all others with that. */
const UNSHARE = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc', '--'];
const ISOLATED = ['setpriv', '--pdeathsig', 'KILL', '--', ...UNSHARE] as const;

export async function startMachine(settings: MachineSettings): Promise<Machine> {
  const logFile = join(settings.directory, 'machine.log');
  const log = openSync(logFile, 'a');
  const [file, ...args] = [...ISOLATED, process.execPath, join(import.meta.dirname, 'machine/main.ts')] as const;
  const child = spawn(file, args, { stdio: ['ignore', log, log, 'ipc'], detached: true });
  closeSync(log);
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const stop = async () => {
    if (child.connected) child.disconnect();
    await exited;
  };
  const waiting = new Map<number, (error: string | null) => void>();
  const opened = new Promise<ApiPlace>((resolve, reject) => {
    child.on('message', (message: FromMachine) => {
      if ('ready' in message) resolve(message.ready);
      else if ('failed' in message) reject(new Error(message.failed));
      else waiting.get(message.id)?.(message.error);
    });
    void exited.finally(() => {
      reject(new Error(`the machine of the cluster ended:\n${readFileSync(logFile, 'utf8')}`));
      for (const settle of waiting.values()) settle('the machine of the cluster ended');
    });
  });
  child.send({ settings } satisfies ToMachine, () => {});
  try {
    return { api: await opened, calls: callsOf(child, waiting), enter: (network) => entrance(child, network), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function callsOf(child: ChildProcess, waiting: Map<number, (error: string | null) => void>): MachineCalls {
  let last = 0;
  const caller =
    (call: keyof MachineCalls) =>
    (...args: readonly unknown[]) =>
      new Promise<void>((resolve, reject) => {
        const id = ++last;
        waiting.set(id, (error) => {
          waiting.delete(id);
          if (error === null) resolve();
          else reject(new Error(error));
        });
        child.send({ id, call, args } satisfies ToMachine, () => {});
      });
  return {
    stopServer: caller('stopServer'),
    startServer: caller('startServer'),
    killServer: caller('killServer'),
    restartEtcd: caller('restartEtcd'),
    kill: caller('kill'),
  };
}

/** unshare itself is in the new mount and network namespaces; the PID namespace is its children's. */
function entrance({ pid }: ChildProcess, network: string): string[] {
  const at = `/proc/${pid}`;
  const pidNamespace = `--pid=${at}/ns/pid_for_children`;
  return ['nsenter', `--net=${at}/root/run/netns/${network}`, `--mount=${at}/ns/mnt`, pidNamespace, '--'];
}
