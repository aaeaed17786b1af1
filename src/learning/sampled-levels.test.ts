import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inflightAt, LEVELS } from '../model/levels.ts';
import type { SampledWindow } from '../model/samples.ts';
import { seededRandom } from '../placement/random.ts';
import { addLevels, fitConcurrency, newLevelBook } from './concurrency.ts';
import { observeSamples, sampledEndpoint, type Samples, type Truth } from './fixture.ts';
import { sampledLevels } from './sampled-levels.ts';
import { throughputAt } from './throughput-curve.ts';

const NOW = 1e12;
const PROXIES = 3;

function bookOf(truth: Truth, samples: Samples, seed: number) {
  const book = newLevelBook();
  for (const windows of observeSamples(truth, samples, seededRandom(seed))) {
    for (const { levels } of sampledLevels(windows)) addLevels(book, levels, NOW);
  }
  return book;
}

const windowOf = (more: Partial<SampledWindow>): SampledWindow => ({ number: 7, missed: [], endpoints: [], ...more });

test('requests of all proxies are in flight together, and what is answered is taken from two intervals', () => {
  const one = windowOf({ endpoints: [sampledEndpoint({ inFlight: [1, 2], answers: [1, 0, 2] })] });
  const two = windowOf({ endpoints: [sampledEndpoint({ inFlight: [1, 0, 1], answers: [1, 4] })] });
  const [cell, ...others] = sampledLevels([one, two]);
  assert.deepEqual(others, []);
  assert.deepEqual([cell!.row, cell!.server], ['matrix shop/m shop', 'shop/web1']);
  // Two at the first two instants, one at the third.
  assert.deepEqual([...cell!.levels.seconds.subarray(0, 3)], [0.005, 0.01, 0]);
  assert.deepEqual([...cell!.levels.answers.subarray(0, 3)], [1.5 * 2, 1.5 * (2 + 4) - 0.5 * (4 + 2), 0]);
});

test('an instant that any proxy has missed, or one of whose two intervals, says nothing', () => {
  const sampled = [sampledEndpoint({ inFlight: [1, 1, 1, 1, 1], answers: [0, 0, 0, 0, 1] })];
  const [cell] = sampledLevels([windowOf({ endpoints: sampled, missed: [3] }), windowOf({ endpoints: sampled })]);
  // Of the five, the second, third and fourth are left out.
  assert.equal(cell!.levels.seconds[1], 0.01);
  assert.equal(cell!.levels.answers[1], 1.5 * 2);
});

test('an endpoint that not all have looked at is left out, and those of a cell are added up', () => {
  const known = sampledEndpoint({ inFlight: [3] });
  const other = sampledEndpoint({ inFlight: [1], address: '10.0.0.2' });
  const alone = sampledEndpoint({ inFlight: [1], address: '10.0.0.3' });
  const cells = sampledLevels([
    windowOf({ endpoints: [known, other, alone] }),
    windowOf({ endpoints: [other, known] }),
  ]);
  assert.equal(cells.length, 1);
  assert.equal(cells[0]!.levels.seconds[5], 0.005, 'six at one');
  assert.equal(cells[0]!.levels.seconds[1], 0.005, 'two at the other');
  assert.equal(cells[0]!.levels.seconds[0], 0);
  assert.deepEqual(sampledLevels([]), []);
});

test('through three proxies throughput is learned as it is, at levels that were held out too', () => {
  for (const seconds of [0.02, 0.1]) {
    const peak = 12;
    const throughput = (n: number) => n / (seconds * (1 + (n / peak) ** 2));
    const truth = { rate: 0.9 * throughput(peak), most: 2 * peak, throughput };
    const late = seededRandom(3);
    const book = bookOf(truth, { proxies: PROXIES, windows: 1200, late: () => late() }, 1);
    const held: number[] = [];
    for (let level = 1; level < LEVELS; level += 4) {
      if ((book.answers[level] ?? 0) < 300) continue;
      held.push(level);
      book.answers[level] = 0;
    }
    const fit = fitConcurrency(book, NOW)!;
    assert.ok(held.length >= 3, `${held.length} levels`);
    for (const n of held.map(inflightAt)) {
      const off: number = throughputAt(fit, n) / throughput(n) - 1;
      assert.ok(Math.abs(off) < 0.1, `${seconds} s: X(${n}) is off by ${off}`);
    }
    assert.ok(fit.peaked && Math.abs(fit.limit.value / peak - 1) < 0.2, `${seconds} s: ${fit.limit.value}`);
  }
});

test('a server that never becomes slower has no peak', () => {
  for (const load of [0.5, 3, 20]) {
    const truth = { rate: load / 0.02, most: 4000, throughput: (n: number) => n / 0.02 };
    const book = bookOf(truth, { proxies: PROXIES, windows: 600 }, 2);
    const fit = fitConcurrency(book, NOW);
    if (fit === null) continue;
    assert.equal(fit.peaked, false, `at a load of ${load}`);
    assert.ok(fit.limit.value >= (3 - 1e-9) * (book.area / book.busy));
  }
});
