/** How short memory is: looked at ten times a second, and told to the workers, which do something about it. */
import { giveBackBriefly } from '../../memory/give-back.ts';
import type { OverloadTotals } from '../serving-contract.ts';
import { GLOBAL, MEMORY_STEP } from '../shared.ts';
import type { Log } from './log.ts';
import { nextStep } from './memory-steps.ts';
import type { MainMemory } from './memory.ts';

const INTERVAL = 100;
/** Milliseconds between two collections while memory is short. */
const COLLECT = 5000;

const SAID = [
  'memory is there again',
  'memory is short: connections end after their request',
  'memory is short: new requests are answered 503',
  'memory is short: new connections are closed',
];

export class Overload {
  readonly #options: OverloadOptions;
  readonly #timer: NodeJS.Timeout;
  #use: MemoryUse | null;
  #step = 0;
  #late = 0;
  #collectedAt = -Infinity;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#use = options.read();
    this.#timer = setInterval(() => this.#look(), INTERVAL);
    this.#timer.unref();
  }

  /** No connection may come: there is no memory for it. */
  get isClosing(): boolean {
    return this.#step >= MEMORY_STEP.closing;
  }

  totals(): OverloadTotals {
    return { memory: this.#use, step: this.#step, lateWorkers: this.#options.memory.global(GLOBAL.late) };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { read, memory, log } = this.#options;
    this.#use = read();
    const step = this.#use === null ? MEMORY_STEP.calm : nextStep(this.#step, this.#use.used / this.#use.limit);
    if (step !== this.#step) {
      log[step > this.#step ? 'warn' : 'info']({ ...this.#use }, SAID[step]!);
      this.#step = step;
      Atomics.store(memory.state.memoryStep, 0, step);
    }
    const late = memory.global(GLOBAL.late);
    if (late > this.#late) log.warn({ workers: late }, 'late workers answer new requests with 503');
    this.#late = late;
    const now = performance.now();
    if (step < MEMORY_STEP.shedding || now - this.#collectedAt < COLLECT) return;
    this.#collectedAt = now;
    giveBackBriefly();
  }
}

export interface MemoryUse {
  /** Bytes. */
  readonly used: number;
  readonly limit: number;
}

export interface OverloadOptions {
  /** Null: there is no limit. */
  readonly read: () => MemoryUse | null;
  readonly memory: MainMemory;
  readonly log: Log;
}
