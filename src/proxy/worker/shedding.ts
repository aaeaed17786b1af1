/** What a worker does about memory that runs short, and about its own loop when that is late: looked at with each tick. */
import { Collection } from '../collection.ts';
import { GLOBAL, MEMORY_STEP } from '../shared.ts';
import { saveBuffers } from './buffers.ts';
import { Lateness } from './lateness.ts';
import { saveRetained } from './retained.ts';
import { giveUpHeaviest } from './shed.ts';
import type { WorkerState } from './state.ts';
import { TICK } from './sweeper.ts';

export class Shedding {
  readonly #state: WorkerState;
  readonly #lateness: Lateness;
  #saving = false;
  readonly #collection = new Collection();

  constructor(state: WorkerState) {
    this.#state = state;
    this.#lateness = new Lateness(TICK, state.now);
  }

  look(now: number): void {
    const state = this.#state;
    const step = Atomics.load(state.shared.memoryStep, 0);
    const late = this.#lateness.look(now);
    state.counters.global[GLOBAL.late] = late ? 1 : 0;
    state.closing = state.draining || step >= MEMORY_STEP.saving;
    state.shedding = step >= MEMORY_STEP.shedding || late;
    this.#save(step >= MEMORY_STEP.saving);
    if (step >= MEMORY_STEP.closing) giveUpHeaviest(state);
    this.#collection.look(step, now);
  }

  #save(saves: boolean): void {
    if (saves === this.#saving) return;
    this.#saving = saves;
    saveBuffers(saves);
    saveRetained(saves);
  }
}
