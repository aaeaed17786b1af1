/** Which runs there are, and which of them at the same time. Pure. */
import { seededRandom } from '../../../src/placement/random.ts';
import { ABLATIONS, BY_HAND, EVERYWHERE, type Policy } from './policies.ts';
import { ABLATED_AT, LOADS, type Scenario } from './scenarios.ts';

export interface Job {
  /** Index of the scenario. */
  readonly scenario: number;
  readonly policy: Policy;
  readonly load: number;
  readonly seed: number;
}

/**
 * All runs of a seed in rounds of at most `lanes`. Those with the same requests lie side by side, so that most of them run at the
 * same time and what disturbs one disturbs the others; the order changes from seed to seed, and every second seed has it reversed.
 */
export function roundsOf(seed: number, scenarios: readonly Pick<Scenario, 'byHand'>[], lanes: number): Job[][] {
  const random = seededRandom(7919 * Math.ceil(seed / 2));
  const shuffled = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, key: random() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ item }) => item);
  const same = scenarios.flatMap((_, scenario) => LOADS.map((load) => ({ scenario, load })));
  const jobs = shuffled(same).flatMap(({ scenario, load }) => {
    const { byHand } = scenarios[scenario]!;
    const ablations = ABLATIONS.filter((policy) => policy !== BY_HAND || byHand !== undefined);
    const policies = load === ABLATED_AT ? [...EVERYWHERE, ...ablations] : EVERYWHERE;
    return shuffled(policies).map((policy) => ({ scenario, policy, load, seed }));
  });
  return chunks(seed % 2 === 0 ? jobs.toReversed() : jobs, lanes);
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
