/**
 * The whole problem as one mixed-integer program, for small clusters (placement.md 3). Conflict is taken by presence
 * (theta = 1) and made linear: z[h][j][b] >= x[h][j] - M (1 - P[h][b]) is the load of j on h that b disturbs, with M the most
 * that j can have there.
 */
import { chi } from '../conflicts.ts';
import { setLoads } from '../load/cells.ts';
import type { Model } from '../model.ts';
import { NONE, State } from '../state/state.ts';
import { LinearProgram, type Optimizer, type ProgramOptions } from './linear-program.ts';

const MOST_HOSTS = 10;
const MOST_WORKLOADS = 25;

export function isSmall(model: Model): boolean {
  return model.hostCount <= MOST_HOSTS && model.workloadCount <= MOST_WORKLOADS;
}

export interface ExactSolution {
  readonly state: State;
  /** Nothing can have a larger V, but for the gap. */
  readonly proven: boolean;
}

/** @param known where to start from; its V is not undercut */
export function solveExactly(
  model: Model,
  known: State,
  optimizer: Optimizer,
  options: Omit<ProgramOptions, 'start'>,
): ExactSolution | null {
  const built = new Formulation(model).build();
  const solution = optimizer(built.program, { ...options, start: built.valuesOf(known) });
  if (solution === null) return null;
  return { state: built.stateOf(solution.values), proven: solution.proven };
}

/** Columns of the program for one possible instance. */
interface Place {
  readonly host: number;
  readonly a: number;
  /** I[h][a], and P[h][a] = 1 where it is above 0. */
  readonly count: number;
  readonly present: number;
  /** Starts and stops there: I = I* + started - stopped. */
  readonly started: number;
  readonly stopped: number;
  readonly was: number;
  /** x[h][j], for the columns of a. */
  readonly loads: readonly number[];
}

interface Disturbed {
  readonly z: number;
  readonly x: number;
  readonly present: number;
}

class Formulation {
  readonly program = new LinearProgram();
  readonly #model: Model;
  readonly #places: Place[] = [];
  readonly #disturbed: Disturbed[] = [];
  /** Per workload the column that says that it has an instance. */
  readonly #covered: number[] = [];

  constructor(model: Model) {
    this.#model = model;
  }

  build(): this {
    const { program } = this;
    const model = this.#model;
    const { hostCount, resourceCount: R, columnCount } = model;
    const capacity = Array.from({ length: hostCount * R }, (_, at) => program.addRow(-Infinity, model.capacity[at]!));
    const memory = Array.from(model.memory, (each) => program.addRow(-Infinity, each));
    const pods = Array.from(model.pods, (each) => program.addRow(-Infinity, each));
    const demand = Array.from({ length: columnCount }, (_, j) => program.addRow(-Infinity, model.rate[j]!));
    for (let a = 0; a < model.workloadCount; a++) {
      const some = program.addRow(model.minInstances[a]!, model.maxInstances[a]!);
      const cover = program.addRow(-Infinity, 0);
      for (let host = 0; host < hostCount; host++) {
        if (model.allowed[a]?.[host] === 0 || model.request[a]! > model.memory[host]!) continue;
        const rows = { capacity: capacity.slice(host * R, (host + 1) * R), memory: memory[host]!, pods: pods[host]! };
        this.#place(host, a, { ...rows, some, cover, demand });
      }
      const wanted = model.rate.some((rate, j) => model.workloadOf[j] === a && rate > 0);
      this.#covered.push(program.addColumn(wanted ? model.coverValue : 0, 0, 1, [cover, 1]));
    }
    for (const place of this.#places) {
      for (const other of this.#places) {
        if (other.host !== place.host || other.a === place.a) continue;
        this.#disturb(place, other, capacity);
        if (other.a > place.a && model.apart[place.a]?.has(other.a) === true) {
          this.program.link(-Infinity, 1, [place.present, 1, other.present, 1]);
        }
      }
    }
    return this;
  }

  #place(
    host: number,
    a: number,
    rows: { capacity: number[]; memory: number; pods: number; some: number; cover: number; demand: number[] },
  ): void {
    const { program } = this;
    const model = this.#model;
    const { resourceCount: R } = model;
    const was = new Map(currentAt(model, a)).get(host) ?? 0;
    const most = Math.min(model.maxPerHost[a]!, Math.max(1, was, model.minInstances[a]!));
    const idle = rows.capacity.flatMap((row, r) => [row, model.idle[a * R + r]!]);
    const entries = [rows.memory, model.request[a]!, rows.pods, 1, rows.some, 1, rows.cover, -1, ...idle];
    const count = program.addColumn(0, 0, most, entries, true);
    const started = program.addColumn(-model.changePrice, 0, most, []);
    const stopped = program.addColumn(-model.changePrice, 0, was, []);
    program.link(was, was, [count, 1, started, -1, stopped, 1]);
    let present = count;
    if (most > 1) {
      present = program.addColumn(0, 0, 1, [], true);
      this.program.link(-Infinity, 0, [present, 1, count, -1]);
      this.program.link(-Infinity, 0, [count, 1, present, -most]);
    }
    const loads: number[] = [];
    for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) {
      const load = mostLoad(model, host, j);
      const use = rows.capacity.flatMap((row, r) => [row, model.cost[j * R + r]! * model.inflation[host]!]);
      const x = program.addColumn(model.value[j]!, 0, load, [...use, rows.demand[j]!, 1]);
      program.link(-Infinity, 0, [x, 1, present, -load]);
      loads.push(x);
    }
    this.#places.push({ host, a, count, present, started, stopped, was, loads });
  }

  #disturb(place: Place, other: Place, capacity: readonly number[]): void {
    const { program } = this;
    const model = this.#model;
    const { conflicts, resourceCount: R } = model;
    if (conflicts === null) return;
    for (const [k, x] of place.loads.entries()) {
      const j = model.firstColumn[place.a]! + k;
      const use: number[] = [];
      for (let r = 0; r < R; r++) {
        const more = chi(conflicts, place.a, other.a, r) * model.cost[j * R + r]! * model.inflation[place.host]!;
        if (more > 0) use.push(capacity[place.host * R + r]!, more);
      }
      if (use.length === 0) continue;
      const most = mostLoad(model, place.host, j);
      const z = program.addColumn(0, 0, most, use);
      this.program.link(-most, Infinity, [z, 1, x, -1, other.present, -most]);
      this.#disturbed.push({ z, x, present: other.present });
    }
  }

  /** The program's columns for a state. */
  valuesOf(state: State): Float64Array {
    const model = this.#model;
    const values = new Float64Array(this.program.cost.length);
    for (const { host, a, count, present, started, stopped, was, loads } of this.#places) {
      const i = state.pool.find(host, a);
      const copies = i === NONE ? 0 : state.pool.copies[i]!;
      values[count] = copies;
      values[present] = present === count ? copies : Math.min(1, copies);
      values[started] = Math.max(0, copies - was);
      values[stopped] = Math.max(0, was - copies);
      if (i === NONE) continue;
      for (const [k, x] of loads.entries()) values[x] = state.pool.load[i * model.classCount + k]!;
    }
    for (const { z, x, present } of this.#disturbed) values[z] = values[present]! > 0 ? values[x]! : 0;
    for (const [a, column] of this.#covered.entries()) values[column] = state.instances[a]! > 0 ? 1 : 0;
    return values;
  }

  stateOf(values: Float64Array): State {
    const state = new State(this.#model);
    const instance: number[] = [];
    const column: number[] = [];
    const loads: number[] = [];
    for (const { host, a, count, loads: columns } of this.#places) {
      let i = NONE;
      for (let copy = 0; copy < Math.round(values[count]!); copy++) i = state.start(host, a);
      if (i === NONE) continue;
      for (const [k, x] of columns.entries()) {
        instance.push(i);
        column.push(this.#model.firstColumn[a]! + k);
        loads.push(Math.max(0, values[x]!));
      }
    }
    setLoads(state, { instance: Int32Array.from(instance), column: Int32Array.from(column) }, Float64Array.from(loads));
    return state;
  }
}

/** The most of a column that a host can serve when it serves nothing else. */
function mostLoad(model: Model, host: number, j: number): number {
  const R = model.resourceCount;
  let most = model.rate[j]!;
  for (let r = 0; r < R; r++) {
    const use = model.cost[j * R + r]! * model.inflation[host]!;
    if (use > 0) most = Math.min(most, model.capacity[host * R + r]! / use);
  }
  return most;
}

function* currentAt({ current }: Model, a: number): Generator<[host: number, copies: number]> {
  for (let at = 0; at < current.length; at += 3) if (current[at] === a) yield [current[at + 1]!, current[at + 2]!];
}
