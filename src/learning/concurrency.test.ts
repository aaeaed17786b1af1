import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inflightAt, type LevelSums, noLevels } from '../model/levels.ts';
import { seededRandom } from '../placement/random.ts';
import { addLevels, fitConcurrency, newLevelBook, pooled } from './concurrency.ts';
import { EXPIRY } from './figure.ts';
import { observe, type Truth } from './fixture.ts';
import { throughputAt } from './throughput-curve.ts';

const NOW = 1e12;

function learnedOf(truth: Truth, arrivals: number, seed: number) {
  const book = newLevelBook();
  addLevels(book, observe(truth, arrivals, seededRandom(seed)), NOW);
  return { book, fit: fitConcurrency(book, NOW) };
}

/** Of which a request takes longer the more there are: a peak at sqrt(c0 / c2). */
const contended = (c0: number, c1: number, c2: number) => (n: number) => n / (c0 + c1 * n + c2 * n * n);

test('a peak is found where it is, and throughput at levels that were held out is within a tenth', () => {
  const c0 = 0.01;
  for (let seed = 0; seed < 40; seed++) {
    const random = seededRandom(seed);
    const peak = 8 + Math.floor(random() * 33);
    const throughput = contended(c0, c0 * random() * 0.05, c0 / peak ** 2);
    // As busy as it is just before it can do no more, and then some.
    const truth = { rate: 0.97 * throughput(peak), most: 2 * peak, throughput };
    const seen = observe(truth, 100_000, random);
    const heldOut = [3, 7, 11, 17, 22].filter((level) => seen.answers[level]! >= 100);
    for (const level of heldOut) seen.seconds[level] = seen.answers[level] = 0;
    const book = newLevelBook();
    addLevels(book, seen, NOW);
    const fit = fitConcurrency(book, NOW);
    assert.ok(fit !== null && fit.peaked, `peak ${peak}: ${JSON.stringify(fit)}`);
    assert.ok(Math.abs(fit.limit.value / peak - 1) < 0.15, `${fit.limit.value} for ${peak}`);
    for (const n of heldOut.map(inflightAt)) {
      if (n < fit.seen.lowest || n > fit.seen.highest) continue;
      const off: number = throughputAt(fit, n) / throughput(n) - 1;
      assert.ok(Math.abs(off) < 0.1, `seed ${seed}: X(${n}) is off by ${off}`);
    }
  }
});

test('a flat system has no peak, and is never limited below three times its load', () => {
  let unknown = 0;
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom(seed);
    const load = 0.3 * 200 ** random();
    const truth = { rate: load / 0.02, most: 4000, throughput: (n: number) => n / 0.02 };
    const { book, fit } = learnedOf(truth, 40_000, seed);
    if (fit === null) {
      unknown++;
      continue;
    }
    assert.equal(fit.peaked, false);
    // The load that it had, which by chance is not quite the one that it was to have.
    assert.ok(fit.limit.value >= (3 - 1e-9) * (book.area / book.busy), `${fit.limit.value} at a load of ${load}`);
    assert.ok(book.area / book.busy > 0.97 * load);
    assert.ok(Number.isFinite(fit.limit.value));
  }
  assert.ok(unknown <= 6, `of 60, nothing is said of ${unknown}`);
});

test('a peak is claimed no further than a fifth beyond what was seen', () => {
  const truth = { rate: 100, most: 1000, throughput: contended(0.01, 0, 0.01 / 40 ** 2) };
  const { fit } = learnedOf(truth, 100_000, 5);
  assert.ok(fit !== null);
  assert.ok(fit.seen.highest < 20, `${fit.seen.highest}`);
  assert.equal(fit.peaked, false);
});

test('levels with less than a hundred answers, the last one, and those of the day before say nothing', () => {
  const book = newLevelBook();
  const seen = noLevels();
  for (let level = 0; level < 3; level++) [seen.seconds[level], seen.answers[level]] = [1, 100];
  [seen.seconds[5], seen.answers[5]] = [1, 99];
  [seen.seconds[79], seen.answers[79]] = [1, 1e6];
  addLevels(book, seen, NOW);
  assert.equal(fitConcurrency(book, NOW)?.seen.highest, 3);
  assert.equal(fitConcurrency(book, NOW + EXPIRY + 1), null);
  const more = noLevels();
  [more.seconds[0], more.answers[0]] = [1, 50];
  addLevels(book, more, NOW + EXPIRY + 1);
  assert.equal(book.answers[0], 50, 'what has expired is not added to');
});

test('what was learned long ago is forgotten for what is seen now', () => {
  const book = newLevelBook();
  const before = { rate: 300, most: 100, throughput: (n: number) => n / 0.01 };
  addLevels(book, observe(before, 200_000, seededRandom(1)), NOW);
  const after = { rate: 150, most: 100, throughput: (n: number) => n / 0.02 };
  for (let window = 0; window < 20; window++)
    addLevels(book, longer(observe(after, 10_000, seededRandom(window))), NOW);
  const x = throughputAt(fitConcurrency(book, NOW)!, 3);
  assert.ok(Math.abs(x / 150 - 1) < 0.05, `${x}`);
});

/** Hours of the same. */
const longer = ({ seconds, answers }: LevelSums): LevelSums => ({
  seconds: seconds.map((each) => 50 * each),
  answers: answers.map((each) => 50 * each),
});

test('several books are as one', () => {
  const truth = { rate: 300, most: 100, throughput: contended(0.01, 0, 1e-5) };
  const [one, two, both] = [newLevelBook(), newLevelBook(), newLevelBook()];
  const [first, second] = [observe(truth, 5000, seededRandom(1)), observe(truth, 5000, seededRandom(2))];
  addLevels(one, first, NOW);
  addLevels(two, second, NOW);
  addLevels(both, first, NOW);
  addLevels(both, second, NOW);
  const [a, b] = [fitConcurrency(pooled([one, two]), NOW)!, fitConcurrency(both, NOW)!];
  // But for what is forgotten while the second one is added.
  for (const n of [1, 2, 4]) {
    const off = throughputAt(a, n) / throughputAt(b, n) - 1;
    assert.ok(Math.abs(off) < 0.01, `X(${n}): ${off}`);
  }
  assert.equal(a.limit.count, b.limit.count);
});

test('of a server with several processors the knee is found, and it is enough', () => {
  for (const [processors, slope] of [
    [4, 0],
    [8, 0],
    [8, 0.02],
    [12, 0.01],
  ] as const) {
    const throughput = (n: number) => Math.min(n, processors) / 0.01 / (1 + slope * Math.max(0, n - processors));
    const { fit } = learnedOf({ rate: 0.86 * throughput(processors), most: 40, throughput }, 300_000, processors);
    assert.ok(fit !== null && fit.peaked, `${processors}: ${JSON.stringify(fit)}`);
    assert.ok(Math.abs(fit.limit.value / processors - 1) <= 0.2, `${processors}: ${fit.limit.value}`);
    for (let n = fit.seen.lowest; n <= fit.seen.highest; n++) {
      const off: number = throughputAt(fit, n) / throughput(n) - 1;
      assert.ok(Math.abs(off) < 0.1, `${processors}: X(${n}) is off by ${off}`);
    }
  }
});

test('a knee is found at the lowest numbers, too, and between levels that were seen', () => {
  for (const [processors, hidden] of [
    [2, 1],
    [9, 8],
  ] as const) {
    const throughput = (n: number) => Math.min(n, processors) / 0.01;
    const seen = observe({ rate: 0.85 * throughput(99), most: 120, throughput }, 100_000, seededRandom(processors));
    seen.seconds[hidden] = seen.answers[hidden] = 0;
    const book = newLevelBook();
    addLevels(book, seen, NOW);
    const off = throughputAt(fitConcurrency(book, NOW)!, processors) / throughput(processors) - 1;
    assert.ok(Math.abs(off) < 0.05, `X(${processors}) is off by ${off}`);
  }
});
