/** The serving process' end of the channel to its supervisor. */
import type { Listening } from './local-listeners.ts';
import { SUPERVISED, type ToServing, type ToSupervisor, type Where } from './protocol.ts';

/** null: this process has no supervisor. Terminal signals are left to the supervisor, which passes them on. */
export function connectSupervisor(orders: Orders): Supervisor | null {
  if (process.env[SUPERVISED] === undefined || process.send === undefined) return null;
  const answers = new Map<number, Answer>();
  let last = 0;
  const ask = (tcpvs: 'bind' | 'release', where: Where): Promise<object | null> =>
    new Promise((resolve, reject) => {
      if (!process.connected) return reject(new Error('the supervisor is gone'));
      const id = ++last;
      answers.set(id, { resolve, reject });
      say({ tcpvs, id, where });
    });
  const bind = async (where: Where): Promise<object> => {
    const handle = await ask('bind', where);
    if (handle === null) throw new Error('the supervisor sent no descriptor');
    return handle;
  };
  // with a supervisor that is gone, its descriptors are gone, too
  const release = (where: Where): Promise<void> =>
    ask('release', where).then(
      () => undefined,
      () => undefined,
    );
  let draining = false;
  const drain = (deadline: number, replaced: boolean): void => {
    if (draining) return;
    draining = true;
    orders.drain(deadline, replaced);
  };
  process.on('message', (message: ToServing, handle) => {
    if (message.tcpvs === 'drain') drain(message.deadline, message.replaced);
    else if (message.tcpvs === 'reload') orders.reload();
    else {
      const answer = answers.get(message.id);
      answers.delete(message.id);
      if (message.tcpvs === 'refused') answer?.reject(new Error(message.message));
      else answer?.resolve(typeof handle === 'object' ? handle : null);
    }
  });
  process.once('disconnect', () => {
    for (const { reject } of answers.values()) reject(new Error('the supervisor is gone'));
    answers.clear();
    drain(ORPHAN_DEADLINE, false);
  });
  // Ctrl-C and a closing terminal reach the whole process group; TERM is meant for this process alone.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('SIGUSR2', () => undefined);
  process.on('SIGTERM', () => drain(ORPHAN_DEADLINE, false));
  return {
    ready: () => say({ tcpvs: 'ready' }),
    listeners: {
      open: (address, port) => bind({ address, port }),
      openPath: (path) => bind({ path }),
      release: (address, port) => release({ address, port }),
      releasePath: (path) => release({ path }),
    },
  };
}

/** Milliseconds, where no supervisor says. */
const ORPHAN_DEADLINE = 30_000;

export interface Orders {
  /**
   * Finish what runs, at most `deadline` ms, and end the process: asked for, or the supervisor is gone. Called once.
   * `replaced`: another serving process accepts already, so this one need not.
   */
  readonly drain: (deadline: number, replaced: boolean) => void;
  /** Read the configuration again. */
  readonly reload: () => void;
}

export interface Supervisor {
  readonly listeners: Listening;
  /** To be called when all listeners accept. */
  readonly ready: () => void;
}

function say(message: ToSupervisor): void {
  // A supervisor that is gone is noticed by 'disconnect'.
  process.send?.(message, undefined, undefined, () => undefined);
}

interface Answer {
  readonly resolve: (handle: object | null) => void;
  readonly reject: (error: Error) => void;
}
