/** How short memory is: looked at twenty times a second, and told to the workers, which do something about it. */
import type { MemoryUse, ReadMemory } from '../../memory/bounds.ts';
import { Collection } from '../collection.ts';
import type { OverloadTotals } from '../serving-contract.ts';
import { GLOBAL, MEMORY_STEP } from '../shared.ts';
import type { Log } from './log.ts';
import { nextStep } from './memory-steps.ts';
import type { MainMemory } from './memory.ts';

const INTERVAL = 50;
/** Milliseconds between two lines about it. */
const SAID_EVERY = 1000;

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
  #said = 0;
  #saidAt = -Infinity;
  readonly #collection = new Collection();

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
    this.#step = step;
    Atomics.store(memory.state.memoryStep, 0, step);
    const now = performance.now();
    if (step !== this.#said && now - this.#saidAt >= SAID_EVERY) {
      log[step > this.#said ? 'warn' : 'info']({ ...this.#use }, SAID[step]!);
      this.#said = step;
      this.#saidAt = now;
    }
    const late = memory.global(GLOBAL.late);
    if (late > this.#late) log.warn({ workers: late }, 'late workers answer new requests with 503');
    this.#late = late;
    this.#collection.look(step, now);
  }
}

export interface OverloadOptions {
  /** Null: there is no limit. */
  readonly read: ReadMemory;
  readonly memory: MainMemory;
  readonly log: Log;
}
