/** A container: runs, is probed, restarted, ended. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { ContainerSpec, ContainerState, Terminated } from './kinds.ts';
import { attempt, probeResults, type ProbeTarget } from './probe.ts';
import type { ContainerProcess } from './process.ts';

export interface ContainerOptions {
  readonly spec: ContainerSpec;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  /** For probes. */
  readonly address: () => string;
  /** Seconds between SIGTERM and SIGKILL when a probe ends it. */
  readonly gracePeriod: number;
  /** Starts the process of the n-th run; throws CannotStart. */
  start(run: number): ContainerProcess;
  changed(): void;
}

/** Why a container cannot be started; it waits and is tried again. */
export class CannotStart extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Milliseconds; the kubelet's are ten times as long. */
const BACK_OFF = { first: 1000, most: 30_000, forgottenAfter: 60_000 };

export class Container {
  readonly spec: ContainerSpec;
  readonly #options: ContainerOptions;
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #last: Terminated | null = null;
  #restarts = 0;
  #isStarted = false;
  #isReady = false;
  #process: ContainerProcess | null = null;
  readonly #stopping = new AbortController();

  constructor(options: ContainerOptions) {
    this.spec = options.spec;
    this.#options = options;
  }

  get state(): ContainerState {
    return this.#state;
  }

  get lastTermination(): Terminated | null {
    return this.#last;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get started(): boolean {
    return this.#isStarted;
  }

  get ready(): boolean {
    return this.#isReady;
  }

  /** Runs until its restart policy says that it is done, or it is stopped: how it ended. Never rejects. */
  async run(): Promise<Terminated> {
    let pause = 0;
    for (let count = 0; ; count++) {
      const began = performance.now();
      const ended = await this.#once(count);
      const isDone = this.#stopping.signal.aborted || !isRestarted(this.#options.restartPolicy, ended.exitCode);
      if (isDone) return ended;
      this.#last = ended;
      this.#restarts++;
      if (performance.now() - began > BACK_OFF.forgottenAfter) pause = 0;
      if (pause > 0) {
        this.#set({ waiting: { reason: 'CrashLoopBackOff', message: `back-off ${pause / 1000}s` } });
        await sleep(pause, undefined, { signal: this.#stopping.signal }).catch(() => {});
        if (this.#stopping.signal.aborted) return ended;
      }
      pause = Math.min(BACK_OFF.most, Math.max(BACK_OFF.first, pause * 2));
    }
  }

  /** preStop, SIGTERM, and SIGKILL when `gracePeriod` seconds are over. Of further calls only those with 0 count. */
  async stop(gracePeriod: number): Promise<void> {
    const running = this.#process;
    if (this.#stopping.signal.aborted) {
      if (gracePeriod === 0) running?.kill('SIGKILL');
      return;
    }
    this.#stopping.abort();
    if (running === null) return;
    // A shell that still makes mounts would not hear SIGTERM.
    await running.started;
    const end = performance.now() + gracePeriod * 1000;
    const { preStop } = this.spec.lifecycle ?? {};
    if (preStop !== undefined && gracePeriod > 0) {
      const patience = sleep(gracePeriod * 1000, undefined, { ref: false });
      await Promise.race([attempt(preStop, this.#target(running), gracePeriod * 1000), running.ended, patience]);
    }
    // As the kubelet: at least two seconds, whatever preStop took.
    await this.#terminate(running, gracePeriod === 0 ? 0 : Math.max(2000, end - performance.now()));
  }

  kill(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async #once(count: number): Promise<Terminated> {
    const startedAt = new Date().toISOString();
    const running = await this.#start(count);
    if (running === null) return { exitCode: 128, reason: 'StartError', startedAt, finishedAt: startedAt };
    await running.started;
    this.#set({ running: { startedAt } });
    const probes = new AbortController();
    void this.#probe(running, probes.signal);
    const { code, signal } = await running.ended;
    probes.abort();
    this.#process = null;
    this.#isReady = false;
    this.#isStarted = false;
    const terminated: Terminated = {
      exitCode: code,
      ...(signal === null ? {} : { signal: code - 128 }),
      reason: code === 0 ? 'Completed' : 'Error',
      startedAt,
      finishedAt: new Date().toISOString(),
    };
    this.#set({ terminated });
    return terminated;
  }

  /** Tries again for as long as something is missing; null when it is stopped meanwhile. */
  async #start(count: number): Promise<ContainerProcess | null> {
    while (!this.#stopping.signal.aborted) {
      try {
        this.#process = this.#options.start(count);
        return this.#process;
      } catch (error) {
        if (!(error instanceof CannotStart)) throw error;
        this.#set({ waiting: { reason: error.reason, message: error.message } });
        await sleep(500, undefined, { signal: this.#stopping.signal }).catch(() => {});
      }
    }
    return null;
  }

  /** Readiness is asked for until it ends, life only until it is asked to end. */
  async #probe(running: ContainerProcess, ended: AbortSignal): Promise<void> {
    const { startupProbe, readinessProbe, livenessProbe } = this.spec;
    const target = this.#target(running);
    const alive = AbortSignal.any([ended, this.#stopping.signal]);
    const isStarted = startupProbe === undefined || (await first(probeResults(startupProbe, target, alive)));
    if (isStarted === null) return;
    if (!isStarted) return this.#terminate(running, this.#options.gracePeriod * 1000);
    this.#isStarted = true;
    this.#isReady = readinessProbe === undefined;
    this.#options.changed();
    if (readinessProbe !== undefined) void this.#follow(probeResults(readinessProbe, target, ended, true));
    if (livenessProbe === undefined) return;
    for await (const isAlive of probeResults(livenessProbe, target, alive)) {
      if (!isAlive) return this.#terminate(running, this.#options.gracePeriod * 1000);
    }
  }

  async #follow(readiness: AsyncIterable<boolean>): Promise<void> {
    for await (const isReady of readiness) {
      if (this.#isReady === isReady) continue;
      this.#isReady = isReady;
      this.#options.changed();
    }
  }

  async #terminate(running: ContainerProcess, patience: number): Promise<void> {
    running.kill('SIGTERM');
    const timer = setTimeout(() => running.kill('SIGKILL'), patience);
    await running.ended;
    clearTimeout(timer);
  }

  #target({ exec }: ContainerProcess): ProbeTarget {
    return { address: this.#options.address(), container: this.spec, exec };
  }

  #set(state: ContainerState): void {
    this.#state = state;
    this.#options.changed();
  }
}

/** Null: there is none. */
async function first(results: AsyncIterable<boolean>): Promise<boolean | null> {
  for await (const result of results) return result;
  return null;
}

function isRestarted(policy: 'Always' | 'OnFailure' | 'Never', exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}
