/** A world for tests: servers, apps and their clients, seen through what a proxy would count. */
import { type AppWeightMatrixSpec, appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { type AnswerTimes, timeBucket, TIMES } from '../model/answer-times.ts';
import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import type { AppProfile, Figure, MatrixProfile } from '../model/profiles.ts';
import { compileModel } from '../placement/model.ts';
import { seededRandom } from '../placement/random.ts';
import { resultOf } from '../placement/result.ts';
import { solve } from '../placement/solve.ts';
import { type Answer, cycle, type Outcome } from './cycle.ts';
import type { Measured, MeasuredCell } from './measured.ts';
import { type Posed, problemOf } from './problem-of.ts';
import type { ServerFacts } from './servers.ts';
import { type ManagerState, newState, stateOf } from './state.ts';

export interface WorldApp {
  /** Requests per second. */
  rate: number;
  /** Core-seconds. */
  readonly cost: number;
  /** Of a request, in seconds. */
  seconds: number;
  /** Part that fails. */
  failing: number;
  /** Of a hundred answers, how many take ten times as long; absent: none. */
  slow?: number;
}

export const INTERVAL = 60;

export function figure(value: number, source: Figure['source'] = 'learned'): Figure {
  return { value, source, count: 1000, error: 0, upper: value, age: 1 };
}

export function specOf(matrix: object): AppWeightMatrixSpec {
  return appWeightMatrixSpec.parse(matrix);
}

/** A matrix of percentages by app and server. */
export function matrixOf(weights: Readonly<Record<string, Readonly<Record<string, number>>>>, more: object = {}) {
  const servers = [...new Set(Object.values(weights).flatMap((cells) => Object.keys(cells)))];
  return specOf({
    mode: 'Auto',
    apps: Object.keys(weights).map((name) => ({ name })),
    rows: servers.map((server) => ({
      server,
      weights: Object.entries(weights).flatMap(([app, cells]) =>
        cells[server] === undefined ? [] : [{ app, weight: cells[server] }],
      ),
    })),
    ...more,
  });
}

export function appProfile(app: string, rate: number, cost: Readonly<Record<string, number>>): AppProfile {
  const costs = Object.fromEntries(Object.entries(cost).map(([resource, each]) => [resource, figure(each, 'given')]));
  return { app, demand: figure(rate), cost: costs, seconds: null, failures: 0, concurrency: null, cells: [] };
}

/** So many answers of a length, and so many of another one. */
function timesOf(count: number, seconds: number, others: number, otherSeconds: number): AnswerTimes {
  const times = Array.from({ length: TIMES }, () => 0);
  times[timeBucket(1000 * seconds)]! += count;
  times[timeBucket(1000 * otherSeconds)]! += others;
  return times;
}

export class World {
  spec: AppWeightMatrixSpec;
  state: ManagerState = newState();
  now = Date.UTC(2026, 0, 1);
  /** Relative noise of arrivals, beside chance. */
  noise = 0.02;
  /** Changes what is measured before the manager sees it. */
  distort: (measured: Measured) => Measured | null = (measured) => measured;
  readonly apps: Record<string, WorldApp>;
  readonly servers: Map<string, ServerFacts>;
  readonly #random: () => number;
  readonly #demand: Record<string, number> = {};

  constructor(
    spec: AppWeightMatrixSpec,
    cores: Readonly<Record<string, number>>,
    apps: Record<string, WorldApp>,
    seed = 1,
    requests: number | null = null,
  ) {
    this.spec = spec;
    this.apps = apps;
    this.servers = new Map(
      Object.entries(cores).map(([name, cpu]) => [name, { capacity: { cpu }, requests, quiesced: false }]),
    );
    this.#random = seededRandom(seed);
  }

  get rows(): Rows {
    return this.state.rows ?? this.spec.rows;
  }

  get posed(): Posed {
    return problemOf({
      spec: this.spec,
      rows: this.rows,
      servers: this.servers,
      profile: this.profile(),
      isOut: () => false,
      usedByOthers: new Map(),
    });
  }

  /** An interval goes by, and the manager decides. */
  turn(): Outcome {
    const measured = this.distort(this.#count());
    this.now += INTERVAL * 1000;
    const { mode, placement } = this.spec;
    const outcome = cycle(stateOf(JSON.parse(JSON.stringify(this.state))), {
      now: this.now,
      mode: mode === 'Auto' ? 'Auto' : 'Recommend',
      paused: placement?.paused ?? false,
      interval: INTERVAL,
      given: this.spec.rows,
      computing: { quiesces: false, caps: placement?.caps === 'Computed' },
      measured,
      answer: this.answer(),
    });
    this.state = outcome.state;
    return outcome;
  }

  turns(count: number): Outcome[] {
    return Array.from({ length: count }, () => this.turn());
  }

  answer(): Answer {
    const { posed } = this;
    if (!posed.ok) return { kind: 'None', why: posed.lacks };
    const model = compileModel(posed.planned.problem);
    const solution = solve(model, { rounds: 0, exact: false });
    return { kind: 'Solved', planned: posed.planned, load: resultOf(model, solution, 0).load };
  }

  profile(): MatrixProfile {
    return {
      matrix: 'd/m',
      apps: Object.entries(this.apps).map(([app, { rate, cost }]) =>
        appProfile(app, this.#demand[app] ?? rate, { cpu: cost }),
      ),
    };
  }

  #count(): Measured {
    const cells: MeasuredCell[] = [];
    for (const [app, { rate, seconds, failing, slow = 0 }] of Object.entries(this.apps)) {
      const column = [...(columnsOf(this.rows).get(app) ?? [])];
      const sum = column.reduce((total, [, weight]) => total + weight, 0);
      const asked = rate * INTERVAL * (1 + this.noise * (2 * this.#random() - 1));
      for (const [server, weight] of column) {
        const arrivals = Math.round((asked * weight) / sum);
        const late = Math.round((arrivals * slow) / 100);
        const taken = (arrivals + 9 * late) * seconds * (1 + this.noise * (2 * this.#random() - 1));
        cells.push({
          app,
          server,
          arrivals,
          answered: arrivals,
          seconds: taken,
          times: timesOf(arrivals - late, seconds, late, 10 * seconds),
          failures: Math.round(arrivals * failing),
        });
      }
      // A mean over a minute, as the learner has it.
      this.#demand[app] = (this.#demand[app] ?? rate) * Math.exp(-1) + (1 - Math.exp(-1)) * (asked / INTERVAL);
    }
    return { proxies: { heard: 1, all: 1 }, age: 1, seconds: INTERVAL, cells };
  }
}
