/** The evaluation, inside its namespaces: what requests cost, the fixed cap, then all runs, a seed at a time. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { type Arrivals, mix } from '../../../src/simulation/arrivals.ts';
import { atFullLoad } from '../simulation/reference.ts';
import { average } from '../simulation/statistics.ts';
import { groupVersion } from './control-groups.ts';
import { generate, probe } from './generator.ts';
import { hasHttperf, httperf } from './httperf.ts';
import {
  type Facts,
  FIELDS,
  type Isolation,
  pack,
  type Packed,
  type Probed,
  type Result,
  type Witness,
} from './kept-runs.ts';
import type { Cell } from './manifests.ts';
import { documentOf, measureProfile, withEqualNodes } from './measure.ts';
import { cellsOf, placed } from './placements.ts';
import { STRONGEST, WHOLE } from './policies.ts';
import { requestsOf } from './requests.ts';
import { chunks, type Job, roundsOf } from './rounds.ts';
import { type TestbedRun, runOf } from './run-result.ts';
import { ABLATED_AT, SCENARIOS, type Times, TUNING } from './scenarios.ts';
import type { Lane, Performance } from './stage.ts';

export interface EvaluationOptions {
  readonly times: Times;
  readonly seeds: number;
  /** Whether one more seed may be begun. */
  readonly goOn: () => boolean;
  /** Called whenever a seed is whole. */
  readonly keep: (result: Result) => void;
  readonly say: (line: string) => void;
}

/** Fixed caps that are tried: of every instance. */
const FIXED = [1, 2, 4, 8, 16, 32];
/** httperf has one rate from the first to the last request, so it is compared where there is no history of an overload. */
const WITNESSED_AT = 1;
const ISOLATION_TURNS = 2;

export async function evaluate(
  stages: readonly Lane[],
  optimizer: Optimizer,
  { times, seeds, goOn, keep, say }: EvaluationOptions,
): Promise<void> {
  const evaluation = new Evaluation(stages, optimizer, times);
  await evaluation.prepare(say);
  const isolation = await evaluation.isolation();
  say('lanes alone and beside each other are compared');
  const witness: Witness[] = [];
  for (const at of hasHttperf() ? SCENARIOS.keys() : []) witness.push(await evaluation.witness(at));
  const runs: Packed[] = [];
  for (let seed = 1; seed <= seeds && goOn(); seed++) {
    const rounds = roundsOf(seed, SCENARIOS, stages.length);
    for (const [at, jobs] of rounds.entries()) {
      const done = await evaluation.round(jobs);
      runs.push(...jobs.map((job, lane) => pack(job, done[lane]!)));
      say(`seed ${seed} of ${seeds}, round ${at + 1} of ${rounds.length}`);
    }
    keep({
      seconds: times.seconds,
      warmUp: times.warmUp,
      seeds: seed,
      lanes: stages.length,
      groups: groupVersion(),
      scenarios: evaluation.facts,
      isolation,
      witness,
      fields: FIELDS,
      runs: [...runs],
    });
  }
}

export class Evaluation {
  readonly #times: Times;
  readonly #stages: readonly Lane[];
  readonly #optimizer: Optimizer;
  readonly #facts: Facts[];

  /** @param facts of the scenarios, where they are known already */
  constructor(stages: readonly Lane[], optimizer: Optimizer, times: Times, facts: readonly Facts[] = []) {
    this.#facts = [...facts];
    this.#times = times;
    this.#stages = stages;
    this.#optimizer = optimizer;
  }

  get facts(): readonly Facts[] {
    return [...this.#facts];
  }

  /** What requests cost, what 100 % is, and the best fixed cap. */
  async prepare(say: (line: string) => void): Promise<void> {
    for (const [at, scenario] of SCENARIOS.entries()) {
      const document = atFullLoad(
        documentOf(scenario, await measureProfile(scenario, this.#stages, this.#times.measured)),
        this.#optimizer,
      );
      if (document === null) throw new Error(`scenario ${scenario.name}: not every app finds room`);
      const placement = placed(scenario, document, WHOLE.placement, 1, this.#optimizer);
      this.#facts.push({ name: scenario.name, text: scenario.text, document, placement, fixed: 0, tried: {} });
      this.#facts[at] = await this.#tuned(at);
      const rate = document.columns.reduce((sum, column) => sum + column.rate, 0);
      say(`${scenario.name}: 100 % is ${rate.toFixed(1)} requests/s, the best fixed cap ${this.#facts[at].fixed}`);
    }
  }

  /** All begin at the same time, when the last one is ready: nobody's start disturbs another's run. */
  async round(jobs: readonly Job[], fixed: readonly number[] = []): Promise<TestbedRun[]> {
    const play = (running: readonly Performance[]): Promise<TestbedRun[]> =>
      Promise.all(jobs.map((job, lane) => this.#play(job, running[lane]!)));
    return await this.#together(jobs, play, fixed);
  }

  /** The fixed cap with which most is answered, with requests that are used for nothing else. */
  async #tuned(scenario: number): Promise<Facts> {
    const job: Job = { scenario, policy: STRONGEST[0]!, load: ABLATED_AT, seed: TUNING };
    const tried: Record<number, number> = {};
    for (const caps of chunks(FIXED, this.#stages.length)) {
      const runs = await this.round(
        caps.map(() => job),
        caps,
      );
      for (const [at, cap] of caps.entries()) tried[cap] = runs[at]!.replied;
    }
    const fixed = FIXED.reduce((a, b) => (tried[b]! > tried[a]! ? b : a));
    return { ...this.#facts[scenario]!, fixed, tried };
  }

  /** Requests one at a time on each node of the first lane, with all other lanes busy and with nothing beside it, in turn. */
  async isolation(): Promise<Isolation> {
    const busy: number[] = [];
    const idle: number[] = [];
    const loud: Job = { scenario: 0, policy: WHOLE, load: ABLATED_AT, seed: TUNING };
    for (let turn = 0; turn < ISOLATION_TURNS; turn++) {
      busy.push(...(await this.#probed(this.#stages.slice(1).map(() => loud))));
      idle.push(...(await this.#probed([])));
    }
    return { busy: probedOf(busy), idle: probedOf(idle) };
  }

  /** Seconds of each request, while other lanes have these jobs. */
  async #probed(beside: readonly Job[]): Promise<number[]> {
    const scenario = withEqualNodes(SCENARIOS[0]!);
    const apps = scenario.apps.slice(0, scenario.nodes.length);
    const cells = apps.map(({ name }, at): Cell => ({
      node: scenario.nodes[at]!.name,
      app: name,
      weight: 1,
      cap: null,
    }));
    const probed = await this.#stages[0]!.perform({
      scenario,
      cells,
      front: { dispatch: 'WLC', adaptive: false, queue: 'deadline' },
    });
    const probes = (): Promise<number[]>[] =>
      apps.map(({ name }) => probe(probed.target, `/${name}/`, this.#times.seconds));
    try {
      return await this.#together(
        beside,
        async (running) => {
          const others = beside.map((job, at) => this.#play(job, running[at]!));
          const times = await Promise.all(probes());
          await Promise.all(others);
          return times.flat();
        },
        [],
        1,
      );
    } finally {
      await probed.stop();
    }
  }

  /** The whole under our clients and, at the same time on another lane, under httperf. */
  async witness(scenario: number): Promise<Witness> {
    const job: Job = { scenario, policy: WHOLE, load: WITNESSED_AT, seed: TUNING };
    const arrivals = this.#arrivals(job);
    const names = SCENARIOS[scenario]!.apps.map(({ name }) => name);
    return await this.#together([job, job], async ([own, others]) => {
      const [answers, theirs] = await Promise.all([
        generate(arrivals, names, own!.target),
        httperf(arrivals, names, others!.target),
      ]);
      const { replied } = runOf(arrivals, names.length, answers, 0, 0);
      return { scenario: SCENARIOS[scenario]!.name, own: replied, httperf: theirs };
    });
  }

  async #play(job: Job, running: Performance): Promise<TestbedRun> {
    const { apps } = SCENARIOS[job.scenario]!;
    const arrivals = this.#arrivals(job);
    const names = apps.map(({ name }) => name);
    const answers = await generate(arrivals, names, running.target);
    return runOf(arrivals, apps.length, answers, this.#times.warmUp, running.died().length);
  }

  /** Something on as many lanes as there are jobs, from the first one on, each of which performs its own. */
  async #together<T>(
    jobs: readonly Job[],
    play: (running: readonly Performance[]) => Promise<T>,
    fixed: readonly number[] = [],
    first = 0,
  ): Promise<T> {
    const running: Performance[] = [];
    try {
      await allOf(jobs.map(async (job, lane) => (running[lane] = await this.#start(job, first + lane, fixed[lane]))));
      return await play(running);
    } finally {
      await Promise.all(Object.values(running).map((each) => each.stop()));
    }
  }

  #start({ scenario, policy, load }: Job, lane: number, fixed = this.#facts[scenario]!.fixed): Promise<Performance> {
    const { document } = this.#facts[scenario]!;
    const planned = placed(SCENARIOS[scenario]!, document, policy.placement, load, this.#optimizer);
    return this.#stages[lane]!.perform({
      scenario: SCENARIOS[scenario]!,
      cells: cellsOf(document, SCENARIOS[scenario]!, planned, policy, fixed),
      front: { dispatch: policy.dispatch, adaptive: policy.cap === 'adaptive', queue: policy.queue },
    });
  }

  #arrivals({ scenario, load, seed }: Job): Arrivals {
    const { columns } = this.#facts[scenario]!.document;
    const rates = columns.map(({ rate }) => rate);
    return requestsOf({ seed: mix(scenario + 1, seed), times: this.#times, load, rates });
  }
}

/** Waits for all, whatever becomes of them; then the first error. */
async function allOf(promises: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function probedOf(seconds: readonly number[]): Probed {
  const mean = average(seconds);
  const variance = seconds.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (seconds.length - 1);
  return { count: seconds.length, mean: 1000 * mean, error: 1000 * Math.sqrt(variance / seconds.length) };
}
