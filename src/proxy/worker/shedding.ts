/** What a worker does about memory that runs short, and about its own loop when that is late: looked at with each tick. */
import { giveBackBriefly } from '../../memory/give-back.ts';
import { GLOBAL, MEMORY_STEP } from '../shared.ts';
import { saveBuffers } from './buffers.ts';
import { Lateness } from './lateness.ts';
import { saveRetained } from './retained.ts';
import { giveUpHeaviest } from './shed.ts';
import type { WorkerState } from './state.ts';
import { TICK } from './sweeper.ts';

/** Milliseconds between two collections while memory is short. */
const COLLECT = 5000;

export class Shedding {
  readonly #state: WorkerState;
  readonly #lateness: Lateness;
  #saving = false;
  #collectedAt = -Infinity;

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
    this.#save(step >= MEMORY_STEP.saving, now);
    if (step >= MEMORY_STEP.closing) giveUpHeaviest(state);
  }

  #save(saves: boolean, now: number): void {
    if (saves !== this.#saving) {
      this.#saving = saves;
      saveBuffers(saves);
      saveRetained(saves);
    }
    // what is freed stays resident until it is collected, and where little is served nothing else makes V8 do so
    if (!saves || now - this.#collectedAt < COLLECT) return;
    this.#collectedAt = now;
    giveBackBriefly();
  }
}
