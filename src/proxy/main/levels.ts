/** How long how many requests were in flight at the cells of matrices, from what the workers note (worker/levels.ts). */
import { type CellLevels, type LevelSums, LEVELS, noLevels } from '../../model/levels.ts';
import type { CellPlan, RowPlan } from '../../model/plan.ts';
import { Slices } from '../../slices/slices.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import type { Planner } from '../plan/planner.ts';
import { MAX_MEASURED } from '../shared.ts';
import type { MainMemory } from './memory.ts';

export class Levels {
  readonly #planner: Planner;
  readonly #memory: MainMemory;
  /** By slot. */
  readonly #known: (Known | undefined)[] = [];

  constructor(planner: Planner, memory: MainMemory) {
    this.#planner = planner;
    this.#memory = memory;
  }

  /**
   * What came at these rows since they were asked for before, in slices of so many milliseconds. Calls must not overlap. Of
   * thousands of apps most are idle, and what others did at an endpoint that they share says nothing of them.
   */
  takeInSlices(rows: ReadonlySet<string>, slice: number): Promise<CellLevels[]> {
    return new Slices(slice).all(this.#steps(rows));
  }

  *#steps(rows: ReadonlySet<string>): Generator<void, CellLevels[]> {
    const cells: CellLevels[] = [];
    const news = new Map<number, LevelSums | null>();
    let looked = 0;
    for (const id of rows) {
      const plan = this.#planner.row(id);
      for (const cell of plan?.cells ?? []) {
        const levels = this.#ofCell(plan!, cell, news);
        if (levels !== null) cells.push({ row: id, server: cell.server, levels });
        if (++looked % STEP === 0) yield;
      }
    }
    return cells;
  }

  /** Null: nothing came or went at its endpoints. */
  #ofCell({ endpoints }: RowPlan, { first, count }: CellPlan, news: Map<number, LevelSums | null>): LevelSums | null {
    let sums: LevelSums | null = null;
    for (let at = first; at < first + count; at++) {
      const { slot } = endpoints[at]!;
      // An endpoint may be one of several cells': what is new is taken once.
      if (!news.has(slot)) news.set(slot, this.#take(slot));
      const more = news.get(slot)!;
      if (more === null) continue;
      if (count === 1) return more;
      if (sums === null) sums = noLevels();
      for (let level = 0; level < LEVELS; level++) {
        sums.seconds[level]! += more.seconds[level]!;
        sums.answers[level]! += more.answers[level]!;
      }
    }
    return sums;
  }

  #take(slot: number): LevelSums | null {
    if (slot >= MAX_MEASURED) return null;
    const since = this.#memory.state.levelSince[slot]!;
    const endpoint = this.#planner.endpoint(slot);
    let known = this.#known[slot];
    // Another endpoint has got the slot: its counters began at 0.
    if (known?.endpoint !== endpoint) known = undefined;
    // The notes are written after what they are about has been added.
    if (endpoint === undefined || since === (known?.since ?? 0)) return null;
    known ??= newlyKnown(endpoint);
    this.#known[slot] = known;
    known.since = since;
    const news = noLevels();
    for (let level = 0; level < LEVELS; level++) {
      const at = slot * LEVELS + level;
      let [time, answers] = [0, 0];
      for (const { levelTimes, levelAnswers } of this.#memory.counters) {
        time += levelTimes[at]!;
        answers += levelAnswers[at]!;
      }
      // Modulo 2^32, as the counters themselves.
      news.seconds[level] = ((time - known.times[level]!) >>> 0) / 1e6;
      news.answers[level] = (answers - known.answers[level]!) >>> 0;
      known.times[level] = time;
      known.answers[level] = answers;
    }
    return news;
  }
}

interface Known {
  /** Another one may have its slot by now. */
  readonly endpoint: EndpointState;
  since: number;
  /** Sums over all workers. */
  readonly times: Uint32Array;
  readonly answers: Uint32Array;
}

function newlyKnown(endpoint: EndpointState): Known {
  return { endpoint, since: 0, times: new Uint32Array(LEVELS), answers: new Uint32Array(LEVELS) };
}

/** Cells between two looks at the time. */
const STEP = 64;
