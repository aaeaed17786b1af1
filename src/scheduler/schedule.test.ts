import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { assertQuota, count, sum } from './conformance.ts';
import { longestRun } from './quota-table.ts';
import { buildSchedule, cellAt, periodOf } from './schedule.ts';

const weightList = (max: number, cells: number) =>
  fc.array(fc.integer({ min: 0, max }), { minLength: 1, maxLength: cells }).filter((weights) => sum(weights) > 0);

/** One period of the schedule. */
function choicesOf(weights: readonly number[]): number[] {
  const schedule = buildSchedule(weights);
  return Array.from({ length: periodOf(schedule) }, (_, position) => cellAt(schedule, position));
}

/** The longest deviation from a share after any choice. */
function deviation(choices: readonly number[], weights: readonly number[]): number {
  const period = sum(weights);
  const counts = weights.map(() => 0);
  let most = 0;
  for (const [i, cell] of choices.entries()) {
    counts[cell]!++;
    for (const [other, weight] of weights.entries()) {
      most = Math.max(most, Math.abs(counts[other]! - ((i + 1) * weight) / period));
    }
  }
  return most;
}

/** The longest runs, by cell, in a schedule that goes round. */
function runs(choices: readonly number[], cells: number): number[] {
  const longest = Array.from({ length: cells }, () => 0);
  let run = 0;
  for (let i = 0; i < 2 * choices.length; i++) {
    const cell = choices[i % choices.length]!;
    run = i > 0 && cell === choices[(i - 1) % choices.length] ? run + 1 : 1;
    longest[cell] = Math.max(longest[cell]!, run);
  }
  return longest;
}

/** nginx's smooth weighted round robin: every turn adds each weight to its score, the highest score pays the sum. */
function smoothWeightedRoundRobin(weights: readonly number[]): number[] {
  const total = sum(weights);
  const scores = weights.map(() => 0);
  return Array.from({ length: total }, () => {
    for (const [cell, weight] of weights.entries()) scores[cell]! += weight;
    const chosen = scores.indexOf(Math.max(...scores));
    scores[chosen]! -= total;
    return chosen;
  });
}

function assertInvariants(weights: readonly number[]): void {
  const choices = choicesOf(weights);
  assertQuota(choices, weights);
  const total = sum(weights);
  assert.deepEqual(
    count(choices, weights.length),
    weights.map((weight) => (weight * choices.length) / total),
  );
  for (const [cell, run] of runs(choices, weights.length).entries()) {
    const weight = weights[cell]!;
    if (weight < total) assert.ok(run <= longestRun(weight, total), `${run} times ${cell} of ${weights.join()}`);
  }
}

function shared(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes);
}

function assertTree(rest: readonly number[]): void {
  const weights = [65_535, 65_533, ...rest];
  if (buildSchedule(weights).kind !== 'Tree') return;
  const choices = choicesOf(weights);
  assert.deepEqual(
    count(choices, weights.length),
    weights.map((weight) => (weight * choices.length) / sum(weights)),
  );
  assertQuota(choices, weights, 2);
}

function* partitions(total: number, most = total): Generator<number[]> {
  if (total === 0) yield [];
  for (let first = Math.min(total, most); first >= 1; first--) {
    for (const rest of partitions(total - first, first)) yield [first, ...rest];
  }
}

describe('buildSchedule', () => {
  it('keeps the quota after every choice, is right over a period, and bounds runs: random weights', () => {
    fc.assert(fc.property(weightList(60, 12), assertInvariants), { numRuns: 400 });
    fc.assert(fc.property(weightList(2000, 6), assertInvariants), { numRuns: 50 });
  });

  it('does so where one cell outweighs the others', () => {
    const heavy = fc
      .tuple(fc.integer({ min: 50, max: 3000 }), weightList(40, 6))
      .map(([first, rest]) => [...rest, first]);
    fc.assert(fc.property(heavy, assertInvariants), { numRuns: 200 });
  });

  it('does so for all weights that sum to 20 or less', () => {
    for (let total = 1; total <= 20; total++) for (const weights of partitions(total)) assertInvariants(weights);
  });

  it('stands closer than smooth weighted round robin', () => {
    const weights = [92, 89, 1, 1, 1, 95, 1, 44, 1, 1];
    assert.equal(deviation(smoothWeightedRoundRobin(weights), weights).toFixed(2), '1.24');
    assert.ok(deviation(choicesOf(weights), weights) < 1);
  });

  it('writes out what one expects', () => {
    assert.deepEqual(choicesOf([1, 1, 1]), [0, 1, 2]);
    assert.deepEqual(choicesOf([4, 2]), [0, 0, 1]);
    assert.deepEqual(choicesOf([1, 1, 2]), [2, 0, 2, 1]);
    assert.deepEqual(choicesOf([5, 1, 1]), [0, 0, 0, 1, 0, 0, 2]);
    assert.deepEqual(choicesOf([0, 9, 0]), [1]);
    assert.deepEqual(choicesOf([0, 0]), []);
    assert.deepEqual(choicesOf([]), []);
  });

  it('has a table up to 65,536 entries and a tree above', () => {
    assert.equal(buildSchedule([65_535, 1]).kind, 'Table');
    assert.equal(buildSchedule([65_535, 2]).kind, 'Tree');
    assert.equal(buildSchedule([65_534, 32_768 * 2 - 2, 32_766]).kind, 'Tree');
    assert.equal(buildSchedule(Array.from({ length: 512 }, () => 65_535)).kind, 'Table');
    assert.equal(periodOf(buildSchedule([65_535, 2])), 65_537);
  });

  it('keeps the longest table within the quota', () => {
    const weights = Array.from({ length: 100 }, (_, cell) => 600 + cell);
    weights[0] = 65_536 - sum(weights.slice(1));
    const choices = choicesOf(weights);
    assert.equal(choices.length, 65_536);
    assertQuota(choices, weights);
  });

  it('the tree is right over a period, never off by two, and loses no cell', () => {
    const sample = fc.array(fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 3 })), {
      minLength: 3,
      maxLength: 9,
    });
    fc.assert(fc.property(sample, assertTree), { numRuns: 8 });
  });

  it('the tree serves 512 cells of the largest weights', () => {
    const weights = Array.from({ length: 512 }, (_, cell) => 65_535 - cell);
    const schedule = buildSchedule(weights);
    const period = periodOf(schedule);
    assert.equal(period, sum(weights));
    // Positions are computed, not stored: the last ones are as good as the first.
    const cells = Array.from({ length: 2000 }, (_, i) => cellAt(schedule, period - 2000 + i));
    for (const times of count(cells, 512)) assert.ok(times > 0 && times < 8);
  });

  it('lies in the memory that it is given', () => {
    const table = buildSchedule([2, 1], shared);
    const tree = buildSchedule([65_535, 65_533, 1], shared);
    assert.ok(table.kind === 'Table' && table.table.buffer instanceof SharedArrayBuffer);
    assert.ok(tree.kind === 'Tree' && tree.nodes.buffer instanceof SharedArrayBuffer);
  });

  it('refuses what is no weight', () => {
    assert.throws(() => buildSchedule([1, -1]), /weight -1 of cell 1: expected an integer from 0 to 65535/);
    assert.throws(() => buildSchedule([1.5]), RangeError);
    assert.throws(() => buildSchedule([65_536]), RangeError);
    assert.throws(() => buildSchedule(Array.from({ length: 65_537 }, () => 1)), /65537 cells; at most 65536/);
  });
});
