import assert from 'node:assert/strict';
import { test } from 'node:test';

import { modelOf } from '../fixture.ts';
import { seededRandom } from '../random.ts';
import { State } from './state.ts';

const model = modelOf({
  hosts: ['a', 'b', 'c'].map((name) => ({ name, capacity: { cpu: 4, io: 4 }, memory: 4, concurrency: 11 })),
  kappa: { default: '0.01' },
  workloads: [
    { name: 'x', memory: 1, idle: { cpu: 0.1 }, sensitivity: { cpu: 0.5 }, pressure: { cpu: 0.4, io: 1 } },
    { name: 'y', memory: 1, sensitivity: { io: 0.3 }, pressure: { cpu: 1 } },
    { name: 'z', memory: 2 },
  ],
  columns: [
    { name: 'x1', workload: 'x', rate: 10, cost: { cpu: 0.1, io: 0.05 } },
    { name: 'x2', workload: 'x', rate: 5, cost: { cpu: 0.3 } },
    { name: 'y', workload: 'y', rate: 7, cost: { io: 0.2 } },
    { name: 'z', workload: 'z', rate: 9, cost: { cpu: 0.05, io: 0.1 } },
  ],
  current: [{ host: 'a', workload: 'x' }],
});

const round = (values: ArrayLike<number>) => Array.from(values, (each) => Number(each.toFixed(9)));

/** All that a state says of itself, rounded. */
function told(state: State): unknown {
  const instances = [];
  for (let host = 0; host < 3; host++) {
    for (let a = 0; a < 3; a++) {
      const i = state.pool.find(host, a);
      if (i < 0) continue;
      const loads = round(state.pool.load.subarray(i * model.classCount, (i + 1) * model.classCount));
      const factors = round(state.pool.factor.subarray(i * 2, i * 2 + 2));
      instances.push({ host, a, copies: state.pool.copies[i], loads, factors });
    }
  }
  const { changes, covered, residual, memoryLeft, podsLeft, served, value } = state;
  const sums = [residual, memoryLeft, podsLeft, served, [value]].map((each) => round(each));
  return { changes, covered, instances, sums };
}

function act(state: State, random: () => number): void {
  const host = Math.floor(random() * 3);
  const a = Math.floor(random() * 3);
  const i = state.pool.find(host, a);
  const what = random();
  if (what < 0.4 && state.mayStart(host, a)) state.start(host, a);
  else if (what < 0.6 && i >= 0) state.stop(i);
  else if (i >= 0)
    state.setLoad(i, Math.floor(random() * (model.firstColumn[a + 1]! - model.firstColumn[a]!)), 3 * random());
}

test('a trial that is taken back leaves nothing behind', () => {
  const random = seededRandom(5);
  const state = new State(model);
  for (let trial = 0; trial < 400; trial++) {
    for (let n = 0; n < 3; n++) act(state, random);
    const before = told(state);
    state.journal.begin();
    for (let n = 0; n < 12; n++) act(state, random);
    state.undo();
    assert.deepEqual(told(state), before);
  }
});

test('sums are those of the same state built anew', () => {
  const random = seededRandom(6);
  const state = new State(model);
  for (let n = 0; n < 500; n++) act(state, random);
  const anew = new State(model);
  for (let host = 2; host >= 0; host--) {
    for (let a = 0; a < 3; a++) {
      const i = state.pool.find(host, a);
      if (i < 0) continue;
      for (let copy = 0; copy < state.pool.copies[i]!; copy++) anew.start(host, a);
      for (let k = 0; k < model.classCount; k++) {
        if (model.firstColumn[a]! + k < model.firstColumn[a + 1]!) {
          anew.setLoad(anew.pool.find(host, a), k, state.pool.load[i * model.classCount + k]!);
        }
      }
    }
  }
  assert.deepEqual(told(anew), told(state));
});

test('changes count against what runs, and the first instance of a wanted workload is worth more than its price', () => {
  const state = new State(model);
  assert.equal(state.changes, 1);
  assert.ok(state.startPrice(0, 0) < 0 && state.startPrice(1, 1) < 0);
  state.start(0, 0);
  assert.equal(state.changes, 0);
  assert.equal(state.startPrice(1, 0), model.changePrice);
});
