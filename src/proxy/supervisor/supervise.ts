/**
 * The supervisor: a small process that keeps the listening descriptors and sees to it that a serving process runs. It
 * never accepts, and knows nothing of configuration.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { giveBack } from '../../memory/give-back.ts';
import { backoff } from '../backoff.ts';
import { inheritedSockets } from './inherited.ts';
import { DescriptorKeeper } from './keeper.ts';
import { SUPERVISED, type ToServing, type ToSupervisor, type Where } from './protocol.ts';

/**
 * Runs until the serving process has ended in order; resolves to the exit code for this process.
 *
 * SIGTERM, SIGINT: drain, and end (a second one: at once). SIGHUP: passed on as reload. SIGUSR2: hot restart: a new
 * serving process takes over, and the old one drains.
 */
export function superviseServing(options: SuperviseOptions): Promise<number> {
  return new Promise((resolve) => {
    const supervision = new Supervision(options, resolve);
    supervision.run();
  });
}

export interface SuperviseOptions {
  /** Module that a serving process runs, and its arguments. */
  readonly entry: string | URL;
  readonly args?: readonly string[];
  readonly execArgv?: readonly string[];
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds from SIGTERM to SIGKILL; default 30 s. */
  readonly deadline?: number;
  /** How many workers the serving process will have. */
  readonly workers: number;
  readonly log: SupervisorLog;
}

export interface SupervisorLog {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

const DEADLINE = 30_000;
/** The serving process gets this much less than we wait, so that it can end by itself. */
const MARGIN = 500;
/** One that served this long has not crashed in a loop. */
const STEADY = 10_000;
/** A hot restart that takes longer has failed. */
const START_DEADLINE = 60_000;

class Supervision {
  readonly #options: SuperviseOptions;
  readonly #finish: (code: number) => void;
  readonly #keeper: DescriptorKeeper<Child>;
  readonly #children = new Set<Child>();
  readonly #deadline: number;
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[];
  /** The one that serves, or shall. */
  #current: Child | null = null;
  /** The one that is to take over. */
  #next: Child | null = null;
  /** A hot restart was asked for while one starts: it comes then, since that one may have begun with the old files. */
  #restartAsked = false;
  #crashes = 0;
  /** Some serving process has been ready: from now on one that ends is replaced. */
  #served = false;
  #stopping = false;
  #killed = false;
  readonly #abort = new AbortController();

  constructor(options: SuperviseOptions, finish: (code: number) => void) {
    this.#options = options;
    this.#finish = finish;
    this.#deadline = options.deadline ?? DEADLINE;
    const inherited = inheritedSockets(options.env ?? process.env, process.pid);
    if (inherited.names.length > 0) options.log.info({ sockets: inherited.names }, 'sockets inherited');
    this.#keeper = new DescriptorKeeper(inherited);
    this.#handlers = [
      ['SIGTERM', () => this.#stop('SIGTERM')],
      ['SIGINT', () => this.#stop('SIGINT')],
      ['SIGHUP', () => this.#reload()],
      ['SIGUSR2', () => this.#hotRestart()],
    ];
  }

  run(): void {
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
    this.#current = this.#spawn();
  }

  #spawn(): Child {
    const { entry, args = [], execArgv = process.execArgv, env = process.env } = this.#options;
    const { LISTEN_FDS: _fds, LISTEN_PID: _pid, LISTEN_FDNAMES: _names, ...rest } = env;
    const path = entry instanceof URL ? fileURLToPath(entry) : entry;
    const handle = spawn(process.execPath, [...execArgv, SMALL_NURSERY, path, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...givesBack(this.#options.workers), ...rest, [SUPERVISED]: '1' },
    });
    const child: Child = { handle, startedAt: performance.now(), ready: false, draining: false, killTimer: undefined };
    this.#children.add(child);
    handle.on('message', (message: ToSupervisor) => this.#hear(child, message));
    // 'error': could not be spawned, or a message could not be sent; the first has no 'exit'.
    handle.on('error', (error) => {
      this.#options.log.error({ err: error, pid: handle.pid }, 'serving process cannot be reached');
      if (handle.pid === undefined) this.#ended(child, 1, null);
    });
    handle.on('exit', (code, signal) => this.#ended(child, code, signal));
    return child;
  }

  #hear(child: Child, message: ToSupervisor): void {
    if (message.tcpvs === 'bind') void this.#bind(child, message.id, message.where);
    else if (message.tcpvs === 'release') void this.#release(child, message.id, message.where);
    else this.#becameReady(child);
  }

  async #bind(child: Child, id: number, where: Where): Promise<void> {
    try {
      const handle = await this.#keeper.bind(where, child);
      if (this.#children.has(child)) send(child, { tcpvs: 'bound', id }, handle);
      else this.#keeper.forget(child);
    } catch (error) {
      send(child, { tcpvs: 'refused', id, message: (error as Error).message });
    }
  }

  async #release(child: Child, id: number, where: Where): Promise<void> {
    await this.#keeper.release(where, child);
    send(child, { tcpvs: 'released', id });
  }

  #becameReady(child: Child): void {
    if (child.ready) return;
    child.ready = true;
    // From now on it only waits: what starting took is not needed again.
    if (!this.#served) giveBack();
    this.#served = true;
    this.#options.log.info({ pid: child.handle.pid }, 'serving process is ready');
    if (child === this.#next) {
      const old = this.#current;
      this.#current = child;
      this.#next = null;
      if (old !== null) this.#drain(old, true);
    }
    this.#sweep();
    this.#restartIfAsked();
  }

  #ended(child: Child, code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#children.delete(child)) return;
    clearTimeout(child.killTimer);
    this.#keeper.forget(child);
    const fields = { pid: child.handle.pid, code, signal };
    if (this.#stopping) {
      this.#options.log.info(fields, 'serving process ended');
      if (this.#children.size === 0) this.#end(this.#killed ? 1 : (code ?? 1));
      return;
    }
    if (child !== this.#current) {
      const failed = child === this.#next;
      if (failed) this.#next = null;
      if (failed) this.#options.log.error(fields, 'new serving process failed; the old one goes on');
      else this.#options.log.info(fields, 'old serving process ended');
      this.#sweep();
      if (failed) this.#restartIfAsked();
      return;
    }
    if (this.#next !== null) {
      this.#options.log.error(fields, 'serving process ended during a hot restart');
      this.#current = this.#next;
      this.#next = null;
      return;
    }
    this.#current = null;
    // A wrong command line does not get better by repetition.
    if (!this.#served && code !== null) {
      this.#options.log.error(fields, 'serving process ended before it was ready');
      this.#end(code);
      return;
    }
    void this.#restart(child, fields);
  }

  async #restart(child: Child, fields: object): Promise<void> {
    if (child.ready && performance.now() - child.startedAt > STEADY) this.#crashes = 0;
    const delay = backoff(this.#crashes++);
    this.#options.log.error({ ...fields, delay }, 'serving process died and is started again');
    try {
      await sleep(delay, undefined, { signal: this.#abort.signal });
    } catch {
      return;
    }
    this.#current = this.#spawn();
  }

  /** What nobody holds any more is closed once the one that serves has asked for all it needs. */
  #sweep(): void {
    if (this.#current?.ready === true && this.#next === null) this.#keeper.sweep();
  }

  #stop(signal: NodeJS.Signals): void {
    const { log } = this.#options;
    this.#abort.abort();
    if (this.#stopping) {
      log.warn({ signal }, 'asked twice: ending at once');
      this.#killed = true;
      for (const child of this.#children) child.handle.kill('SIGKILL');
      return;
    }
    this.#stopping = true;
    log.info({ signal, deadline: this.#deadline }, 'draining');
    for (const child of this.#children) this.#drain(child, false);
    if (this.#children.size === 0) this.#end(0);
  }

  #drain(child: Child, replaced: boolean): void {
    if (child.draining) return;
    child.draining = true;
    clearTimeout(child.killTimer);
    const deadline = Math.max(this.#deadline - MARGIN, this.#deadline / 2);
    send(child, { tcpvs: 'drain', deadline, replaced });
    child.killTimer = setTimeout(() => {
      this.#options.log.warn({ pid: child.handle.pid }, 'serving process did not end in time and is killed');
      this.#killed = this.#stopping;
      child.handle.kill('SIGKILL');
    }, this.#deadline);
  }

  #reload(): void {
    for (const child of this.#children) if (!child.draining) send(child, { tcpvs: 'reload' });
  }

  #hotRestart(): void {
    const { log } = this.#options;
    if (this.#stopping) {
      log.warn({}, 'no hot restart now: the serving process ends');
      return;
    }
    if (this.#next !== null || this.#current?.ready !== true) {
      this.#restartAsked = true;
      log.info({}, 'a serving process starts; hot restart as soon as it is ready');
      return;
    }
    log.info({ pid: this.#current.handle.pid }, 'hot restart');
    const next = this.#spawn();
    this.#next = next;
    next.killTimer = setTimeout(() => {
      if (!next.ready) next.handle.kill('SIGKILL');
    }, START_DEADLINE);
  }

  #restartIfAsked(): void {
    if (!this.#restartAsked) return;
    this.#restartAsked = false;
    this.#hotRestart();
  }

  #end(code: number): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
    this.#keeper.close();
    this.#finish(code);
  }
}

/**
 * The main thread makes garbage when it reads and plans, and then little for hours: a nursery of the usual 16 MB would be
 * filled once and kept. (5,000 rules: 248 MB against 136.) The workers have a nursery of their own size.
 */
const SMALL_NURSERY = '--max-semi-space-size=2';

/**
 * glibc raises the size from which it maps memory to the largest block that was ever freed, and keeps what lies below: the
 * buffers that a large configuration travels in would stay for good. (5,000 rules: 190 MB against 174.) The pieces that V8's
 * compilers and collectors work in are of 32 KB: scattered over its heaps, they kept 4 to 12 MB. And it has a heap for nearly
 * every thread, of which V8's helpers need theirs for a moment now and then: with one for each worker, one for the main
 * thread and two for all the others it is 6 MB less. Whoever sets these for themselves is left alone; other C libraries do
 * not know them.
 */
const givesBack = (workers: number): NodeJS.ProcessEnv => ({
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_ARENA_MAX: String(workers + 3),
});

interface Child {
  readonly handle: ChildProcess;
  readonly startedAt: number;
  ready: boolean;
  draining: boolean;
  killTimer: NodeJS.Timeout | undefined;
}

function send(child: Child, message: ToServing, handle?: object): void {
  if (!child.handle.connected) return;
  // A child that dies meanwhile is noticed by its 'exit'.
  child.handle.send(message, handle as never, {}, () => undefined);
}
