/** What queueing theory knows exactly, within intervals of confidence from independent seeds. The seeds are fixed: nothing is left to chance. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { setting, world } from './fixture.ts';
import { simulate } from './simulate.ts';

const SEEDS = Array.from({ length: 20 }, (_, at) => at + 1);

/** The theoretical value lies within 99.9 % of the means over seeds (t of 19 degrees), and the interval is narrow enough to mean something. */
function assertMean(samples: readonly number[], expected: number, what: string): void {
  const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
  const variance = samples.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (samples.length - 1);
  const reach = 3.883 * Math.sqrt(variance / samples.length);
  assert.ok(Math.abs(mean - expected) <= reach, `${what}: ${mean} ± ${reach}, theory ${expected}`);
  assert.ok(reach < 0.06 * expected, `${what}: an interval of ± ${reach} around ${mean} says nothing`);
}

describe('mean response times under processor sharing', () => {
  for (const sizes of ['exponential', 'fixed', 'mixed'] as const) {
    for (const load of [0.5, 0.8]) {
      it(`are d / (1 - rho) whatever the sizes are: ${sizes}, load ${load}`, () => {
        const samples = SEEDS.map(
          (seed) =>
            simulate(
              setting(world([1], 1), { seed, seconds: 6000, rate: [load / 0.1], cost: [0.1], sizes }, { warmUp: 100 }),
            ).mean,
        );
        assertMean(samples, 0.1 / (1 - load), `M/G/1-PS, ${sizes}`);
      });
    }
  }

  it('with three cores are those of Erlang’s formula', () => {
    const [servers, load] = [3, 0.8];
    const offered = servers * load;
    const factorial = [1, 1, 2, 6];
    const last = offered ** servers / factorial[servers]! / (1 - load);
    const waits = last / ([0, 1, 2].reduce((sum, k) => sum + offered ** k / factorial[k]!, 0) + last);
    const samples = SEEDS.map(
      (seed) =>
        simulate(
          setting(world([servers], 1), { seed, seconds: 3000, rate: [offered / 0.1], cost: [0.1] }, { warmUp: 100 }),
        ).mean,
    );
    assertMean(samples, 0.1 + (waits * 0.1) / (servers * (1 - load)), 'M/M/3');
  });

  it('add up over the resources, one after the other', () => {
    const two = world([1], 1, {
      resourceCount: 2,
      capacity: Float64Array.of(1, 1000),
      most: Float64Array.of(1, Infinity),
    });
    const samples = SEEDS.map(
      (seed) => simulate(setting(two, { seed, seconds: 4000, rate: [7], cost: [0.1, 80] }, { warmUp: 100 })).mean,
    );
    assertMean(samples, 0.1 / (1 - 0.7) + 0.08 / (1 - 0.56), 'two stations of Jackson’s');
  });
});

describe('conservation', () => {
  const run = simulate(setting(world([1, 2], 3), { seed: 4, seconds: 500, rate: [4, 5, 6], cost: [0.1, 0.15, 0.1] }));

  it('of work: hosts give exactly what was asked for', () => {
    const { arrivals } = setting(world([1, 2], 3), {
      seed: 4,
      seconds: 500,
      rate: [4, 5, 6],
      cost: [0.1, 0.15, 0.1],
    });
    const asked = arrivals.work.reduce((a, b) => a + b, 0);
    const given = run.given.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(given - asked) < 1e-6 * asked, `${given} of ${asked}`);
    assert.equal(run.replied, arrivals.count);
  });

  it('of requests: Little’s law', () => {
    const held = run.held.reduce((a, b) => a + b, 0);
    const law = run.replied * run.mean;
    assert.ok(Math.abs(held - law) < 1e-9 * law, `${held} request-seconds, by the law ${law}`);
  });
});
