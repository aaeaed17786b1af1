import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { RowPlan } from '../../model/plan.ts';
import { APART, INSTANTS, MOST_SAMPLED, WINDOW_EVERY } from '../../model/samples.ts';
import { chooseEndpoints } from './sampled-endpoints.ts';
import { Sampler } from './sampler.ts';

/** With one server of so many endpoints, at slots from `first` on. */
function rowOf(id: string, app: string | null, { first = 0, endpoints = 1 } = {}): RowPlan {
  return {
    id,
    app,
    cells: [{ server: 'shop/web1', weight: 1, scaled: 1, available: true, first: 0, count: endpoints }],
    endpoints: Array.from({ length: endpoints }, (_, at) => ({ slot: first + at, address: `10.0.0.${at}`, port: 80 })),
  } as unknown as RowPlan;
}

const START = 200 * WINDOW_EVERY;

/** A clock that stands until it is moved, and what is in flight and answered at slot 0. */
function scene(t: TestContext, rows = [rowOf('matrix shop/m shop', 'shop')]) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const state = { now: START - 100, inFlight: 0, answers: 1000 };
  const sampler = new Sampler({
    rows: () => rows,
    most: () => MOST_SAMPLED,
    inFlight: () => state.inFlight,
    answers: () => state.answers,
    now: () => state.now,
  });
  sampler.start();
  t.after(() => sampler.close());
  const pass = (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed++) {
      state.now++;
      t.mock.timers.tick(1);
    }
  };
  return { state, sampler, pass };
}

test('a window has what was in flight at each instant, and what was answered until the next', (t) => {
  const { state, sampler, pass } = scene(t);
  pass(100);
  // The first instant has been looked at, with nothing in flight.
  state.inFlight = 3;
  state.answers += 2;
  pass(APART);
  state.inFlight = 0;
  pass(APART);
  state.answers += 1;
  pass(WINDOW_EVERY - 100);
  assert.deepEqual(sampler.windows, [
    {
      number: 200,
      missed: [],
      endpoints: [
        {
          row: 'matrix shop/m shop',
          server: 'shop/web1',
          address: '10.0.0.0',
          port: 80,
          inFlight: [0, 3],
          answers: [2, 0, 1],
        },
      ],
    },
  ]);
  pass(20 * WINDOW_EVERY);
  assert.deepEqual(
    sampler.windows.map(({ number }) => number),
    [213, 214, 215, 216, 217, 218, 219, 220],
    'the last ones are kept',
  );
});

test('instants that it comes too late for are missed', (t) => {
  const { state, sampler, pass } = scene(t);
  pass(100 + APART);
  // It is held up for three instants, and comes to the fourth in time.
  state.now += 3 * APART + 1;
  pass(INSTANTS * APART);
  assert.deepEqual(sampler.windows[0]!.missed, [2, 3, 4]);
});

test('a clock that is put back ends the window that runs, and one that is put forward has missed what it passed over', (t) => {
  const { state, sampler, pass } = scene(t);
  pass(100 + 10 * APART);
  state.now -= 3 * WINDOW_EVERY;
  // It is noticed with the next instant.
  pass(4 * WINDOW_EVERY);
  assert.deepEqual(
    sampler.windows.map(({ number, missed }) => [number, missed.length]),
    [
      [198, 0],
      [199, 0],
      [200, 0],
    ],
  );
  state.now -= 2 * WINDOW_EVERY;
  pass(2 * WINDOW_EVERY);
  assert.deepEqual(
    sampler.windows.map(({ number }) => number),
    [198, 199, 200],
    'those of the time that it was put back by are none any more',
  );
  pass(10 * APART);
  state.now += 10 * WINDOW_EVERY;
  pass(2 * WINDOW_EVERY);
  assert.deepEqual(
    sampler.windows.slice(3).map(({ number, missed }) => [number, missed.length >= INSTANTS - 20]),
    [
      [201, true],
      [212, false],
    ],
  );
});

test('where there is no matrix nothing is looked at', (t) => {
  const { state, sampler, pass } = scene(t, [rowOf('rule shop/v r', null)]);
  const asked = t.mock.method(globalThis, 'setTimeout');
  pass(100 + WINDOW_EVERY);
  assert.deepEqual([sampler.windows, asked.mock.callCount()], [[], 2]);
  assert.ok(state.now > START);
});

test('where there are more endpoints than can be looked at, every window draws some, the same at each proxy', () => {
  const rows = Array.from({ length: 50 }, (_, at) => rowOf(`matrix shop/m a${at}`, `a${at}`, { endpoints: 2 }));
  const names = (window: number, from = rows, most = MOST_SAMPLED) =>
    chooseEndpoints(from, window, most).map(({ row, address }) => row + address);
  assert.equal(names(1).length, MOST_SAMPLED);
  assert.equal(new Set(names(1)).size, MOST_SAMPLED);
  assert.deepEqual(names(1), names(1, rows.toReversed()));
  assert.deepEqual(names(1).slice(0, 8), names(1, rows, 8), 'one that knows of more proxies looks at some of them');
  const drawn = new Set(Array.from({ length: 20 }, (_, window) => names(window)).flat());
  assert.equal(drawn.size, 100);
});

test('rows of rules, and endpoints that are not measured, are not looked at', () => {
  const rows = [rowOf('rule shop/v r', null), rowOf('matrix shop/m shop', 'shop', { first: 16_383, endpoints: 3 })];
  assert.deepEqual(
    chooseEndpoints(rows, 1, MOST_SAMPLED).map(({ slot }) => slot),
    [16_383],
  );
});
