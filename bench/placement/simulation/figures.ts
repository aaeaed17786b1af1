/** What the page and the plots say, taken from the runs. */
import type { Run } from './compare.ts';
import type { Evaluation } from './evaluate.ts';
import type { Policy } from './policies.ts';
import { average, type Estimate, estimate } from './statistics.ts';

export type Figure = Exclude<keyof Run, never>;

/** Per scenario and seed. */
export type Table = readonly (readonly number[])[];

export class Figures {
  readonly #runs: Evaluation['runs'];
  readonly #policies: readonly string[];
  readonly #loads: readonly number[];
  readonly #chosen: readonly number[];

  constructor(
    { runs, policies, loads }: Pick<Evaluation, 'runs' | 'policies' | 'loads'>,
    scenarios: Evaluation['scenarios'],
    which: (scenario: Evaluation['scenarios'][number]) => boolean = () => true,
  ) {
    this.#runs = runs;
    this.#policies = policies;
    this.#loads = loads;
    this.#chosen = scenarios.flatMap((scenario, at) => (which(scenario) ? [at] : []));
  }

  of({ name }: Policy, load: number, figure: Figure): Table {
    const p = this.#policies.indexOf(name);
    const l = this.#loads.indexOf(load);
    if (p < 0 || l < 0) throw new RangeError(`no runs of ${name} at ${load}`);
    return this.#chosen.map((scenario) => this.#runs.map((seed) => seed[scenario]![p]![l]![figure]));
  }

  estimate(policy: Policy, load: number, figure: Figure): Estimate {
    return estimate(this.of(policy, load, figure));
  }

  /** One less another, run by run. */
  difference(one: Policy, other: Policy, load: number, figure: Figure): Estimate {
    const others = this.of(other, load, figure);
    return estimate(this.of(one, load, figure).map((row, s) => row.map((value, k) => value - others[s]![k]!)));
  }

  /** Means of one less another, per scenario. */
  perScenario(one: Policy, other: Policy, load: number, figure: Figure): number[] {
    const others = this.of(other, load, figure);
    return this.of(one, load, figure).map((row, s) => average(row) - average(others[s]!));
  }

  /** Of several, the one of which most is answered at a load. */
  best(policies: readonly Policy[], load: number): Policy {
    const mean = (policy: Policy): number => average(this.of(policy, load, 'replied').map((row) => average(row)));
    return policies.reduce((a, b) => (mean(b) > mean(a) ? b : a));
  }
}
