/** What the page and the plots say, taken from the runs. */
import type { Run } from './compare.ts';
import type { Evaluation } from './evaluate.ts';
import { average, type Estimate, estimate } from './statistics.ts';

export type Figure = Exclude<keyof Run, never>;

/** All that figures need to know of a policy. */
export interface Named {
  readonly name: string;
}

/** Per scenario and seed. */
export type Table = readonly (readonly number[])[];

export class Figures<Scenario = Evaluation['scenarios'][number]> {
  readonly #runs: Evaluation['runs'];
  readonly #policies: readonly string[];
  readonly #loads: readonly number[];
  readonly #chosen: readonly number[];
  readonly #estimate: (values: Table) => Estimate;

  /** @param by how a mean and its interval are found; default: bootstrap over scenarios, then seeds */
  constructor(
    { runs, policies, loads }: Pick<Evaluation, 'runs' | 'policies' | 'loads'>,
    scenarios: readonly Scenario[],
    which: (scenario: Scenario) => boolean = () => true,
    by: (values: Table) => Estimate = (values) => estimate(values),
  ) {
    this.#estimate = by;
    this.#runs = runs;
    this.#policies = policies;
    this.#loads = loads;
    this.#chosen = scenarios.flatMap((scenario, at) => (which(scenario) ? [at] : []));
  }

  of({ name }: Named, load: number, figure: Figure): Table {
    const p = this.#policies.indexOf(name);
    const l = this.#loads.indexOf(load);
    if (p < 0 || l < 0) throw new RangeError(`no runs of ${name} at ${load}`);
    return this.#chosen.map((scenario) => this.#runs.map((seed) => seed[scenario]![p]![l]![figure]));
  }

  estimate(policy: Named, load: number, figure: Figure): Estimate {
    return this.#estimate(this.of(policy, load, figure));
  }

  /** One less another, run by run. */
  difference(one: Named, other: Named, load: number, figure: Figure): Estimate {
    const others = this.of(other, load, figure);
    return this.#estimate(this.of(one, load, figure).map((row, s) => row.map((value, k) => value - others[s]![k]!)));
  }

  /** Means of one less another, per scenario. */
  perScenario(one: Named, other: Named, load: number, figure: Figure): number[] {
    const others = this.of(other, load, figure);
    return this.of(one, load, figure).map((row, s) => average(row) - average(others[s]!));
  }

  /** Of several, the one of which most is answered at a load. */
  best<P extends Named>(policies: readonly P[], load: number): P {
    const mean = (policy: P): number => average(this.of(policy, load, 'replied').map((row) => average(row)));
    return policies.reduce((a, b) => (mean(b) > mean(a) ? b : a));
  }
}
