import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TIMES } from '../../model/answer-times.ts';
import { allocateShared, CELL, CELL_COUNTERS } from '../shared.ts';
import { MainMemory } from './memory.ts';

void test('an endpoint slot that is used again knows nothing of who had it before', () => {
  const { state, reset } = new MainMemory(allocateShared(1), 1);
  const { adaptive } = state;
  const numbers = [state.inflight, state.pending, state.down, state.latency, state.latencyAt];
  const { windowSum, ...measured } = adaptive;
  const all = [...numbers, ...Object.values(measured)];
  for (const array of all) array.fill(7, 2, 5);
  windowSum.fill(7n, 2, 5);
  reset('endpoints', 3);
  for (const array of all) assert.deepEqual([...array.subarray(2, 5)], [7, 0, 7]);
  assert.deepEqual([...windowSum.subarray(2, 5)], [7n, 0n, 7n]);
});

void test('answers by how long they took are summed over the workers, and forgotten with their slot', () => {
  const { counters, readCell, reset } = new MainMemory(allocateShared(2), 2);
  const [one, two] = counters;
  for (const { cells } of counters) cells[3 * CELL_COUNTERS + CELL.answered] = 4;
  one!.times.set([1, 2], 3 * TIMES);
  two!.times.set([0, 5, 0, 7], 3 * TIMES);
  two!.times[4 * TIMES] = 9;
  assert.deepEqual(readCell(3).times, [1, 7, 0, 7]);
  reset('cells', 3);
  assert.deepEqual(readCell(3).times, []);
  assert.deepEqual([one!.times[3 * TIMES], two!.times[4 * TIMES]], [0, 9]);
});

void test('rate limits of slots that are used again begin anew', () => {
  const { state, reset } = new MainMemory(allocateShared(1), 1);
  state.ruleDue.fill(7n, 2, 5);
  state.virtualServerDue.fill(7n, 2, 5);
  reset('rules', 3);
  reset('virtualServers', 4);
  assert.deepEqual([...state.ruleDue.subarray(2, 5)], [7n, 0n, 7n]);
  assert.deepEqual([...state.virtualServerDue.subarray(2, 5)], [7n, 7n, 0n]);
});

void test('what a lost worker had in flight, and had waiting, is taken off', () => {
  const memory = new MainMemory(allocateShared(2), 2);
  const { state } = memory;
  for (const [all, of] of [
    [state.inflight, state.inflightOf],
    [state.pending, state.pendingOf],
    [state.cellInflight, state.cellInflightOf],
  ] as const) {
    all[9] = 5;
    of(0)[9] = 2;
    of(1)[9] = 3;
  }
  memory.forgetWorker(1);
  assert.deepEqual([state.inflight[9], state.pending[9], state.cellInflight[9]], [2, 2, 2]);
});
