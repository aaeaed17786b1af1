import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seededRandom } from '../placement/random.ts';
import { addLevels, fitConcurrency, newLevelBook } from './concurrency.ts';
import { holdOut, observe } from './fixture.ts';
import { knownLevels } from './known-levels.ts';
import { curveOf, throughputAt } from './throughput-curve.ts';

const NOW = 1e12;

/** Points of a law that takes (1 + n / 10) of 10 ms, with so many answers each, and with others where they are said. */
function learned(of: readonly [n: number, answers: number, part?: number][]) {
  const points = of.map(([n, answers, part = 1]) => ({
    n,
    perRequest: 0.01 * (1 + n / 10) * part,
    precision: answers,
    at: NOW,
  }));
  return knownLevels(curveOf(points)!, points);
}

const levels = (from: number, to: number, answers: number) =>
  Array.from({ length: to - from + 1 }, (_, at): [number, number] => [from + at, answers]);

test('what was seen often is known, what was seen a hundred times is not, however well it lies on a law', () => {
  assert.deepEqual(learned(levels(2, 9, 5000)), { lowest: 2, highest: 9 });
  assert.equal(learned(levels(1, 3, 100)), null);
});

test('where between two groups of levels nothing is known, that of which most was seen is', () => {
  assert.deepEqual(learned([...levels(1, 5, 120), [83.5, 3000], [91.5, 9000], [99.5, 9000]]), {
    lowest: 83.5,
    highest: 99.5,
  });
});

test('an end that was seen to be elsewhere is not known', () => {
  const off: [number, number, number] = [12, 200, 1.5];
  assert.deepEqual(learned([...levels(2, 11, 5000), off]), { lowest: 2, highest: 11 });
});

test('where it is known it is within a tenth, at levels that were held out, too', () => {
  let [known, seen] = [0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom(seed);
    const processors = 2 + Math.floor(15 * random());
    const slope = seed % 2 === 0 ? 0 : 0.01 + 0.02 * random();
    const throughput = (n: number) => Math.min(n, processors) / 0.01 / (1 + slope * Math.max(0, n - processors));
    const rate = throughput(processors) * (0.5 + 0.45 * random());
    const counted = observe({ rate, most: 120, throughput }, 100_000, random);
    const held = holdOut(counted, seed % 4);
    const book = newLevelBook();
    addLevels(book, counted, NOW);
    const fit = fitConcurrency(book, NOW);
    if (fit === null) continue;
    for (const n of held) {
      if (n < fit.seen.lowest || n > fit.seen.highest) continue;
      seen++;
      if (fit.known === null || n < fit.known.lowest || n > fit.known.highest) continue;
      known++;
      const off: number = throughputAt(fit, n) / throughput(n) - 1;
      assert.ok(Math.abs(off) < 0.1, `seed ${seed}: X(${n}) is off by ${off}`);
    }
  }
  assert.ok(known > 0.85 * seen, `${known} of ${seen}`);
});
