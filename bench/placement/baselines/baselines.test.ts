/** Baselines must be worth comparing with: Tang-like stands to the density greedy as Tang et al. 2007 found it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check } from '../checker.ts';
import { instance } from '../instances.ts';
import { type Outcome, place } from '../policies.ts';

const SEEDS = [1, 2, 3, 4, 5, 6];

function answerOf({ satisfied, current, load }: Outcome) {
  const rates = new Map<string, number>();
  for (const { column, rate } of load) rates.set(column, (rates.get(column) ?? 0) + rate);
  return {
    satisfied,
    fairness: 0,
    served: [...rates].map(([column, rate]) => ({ column, rate })),
    instances: current.map(({ host, workload, instances }) => ({ host, workload, count: instances })),
    load: [],
    before: [],
    changes: [],
  };
}

test('Tang-like serves more than the density greedy, first fit less, and nobody overloads a host', () => {
  const sums = { tang: 0, greedy: 0, first: 0 };
  for (const seed of SEEDS) {
    const document = instance({ seed, hosts: 50, alpha: 0.95, beta: 0.8, demand: { exponent: 0.7 } });
    const [tang, greedy, first] = (['Tang-like', 'density greedy', 'first fit'] as const).map((policy) =>
      place(document, policy, seed, 60_000),
    );
    for (const outcome of [tang!, greedy!, first!]) {
      const answer = answerOf(outcome);
      const load = outcome.load.map((each) => ({ ...each, weight: 0, cap: null }));
      const faults = check(document, { ...answer, load }).filter((fault) => !fault.startsWith('weight'));
      assert.deepEqual(faults, []);
    }
    sums.tang += tang!.satisfied;
    sums.greedy += greedy!.satisfied;
    sums.first += first!.satisfied;
  }
  assert.ok(sums.tang > sums.greedy, `${sums.tang}, ${sums.greedy}`);
  assert.ok(sums.greedy > sums.first, `${sums.greedy}, ${sums.first}`);
});
