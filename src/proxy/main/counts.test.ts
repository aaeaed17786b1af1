import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { EndpointCounts, RowCounts } from '../../model/counts.ts';
import { ALL_UP } from '../plan/memory.ts';
import { Planner } from '../plan/planner.ts';
import { allocateShared, CELL, CELL_COUNTERS, DOWN } from '../shared.ts';
import { Counts } from './counts.ts';
import { matrix, realServer, rule, snapshotOf, virtualServer } from './fixture/support.ts';
import { MainMemory } from './memory.ts';
import { Schedules } from './schedules.ts';

const GRACE = 1000;
const APPS = ['a', 'b', 'c'];

const scene = () => {
  const memory = new MainMemory(allocateShared(2), 2);
  const planner = new Planner({ memory, schedule: new Schedules().of, grace: GRACE, maxConnections: 1024 });
  const failing = new Set<number>();
  const countsAnew = () => new Counts(planner, memory, (slot) => failing.has(slot));
  let now = 0;
  const plan = (weight: number, pods: number, after = 0) => {
    now += after;
    const snapshot = snapshotOf(
      virtualServer('d/v', { rules: APPS.map((app) => rule(app, { kind: 'App', matrix: 'd/m', app })) }),
      matrix('d/m', APPS, { h1: [1, 1, weight], h2: [1, 1, 1] }),
      realServer(
        'h1',
        Array.from({ length: pods }, (_, pod) => [`10.0.1.${pod}`, 80]),
      ),
      realServer('h2', [['10.0.0.2', 80]]),
    );
    planner.plan(snapshot, ALL_UP, now).retire(now);
  };
  plan(1, 1);
  const count = (worker: number, slot: number, counter: keyof typeof CELL) =>
    memory.counters[worker]!.cells[slot * CELL_COUNTERS + CELL[counter]]!++;
  const cellOf = (app: number) => planner.row(`matrix d/m ${APPS[app]!}`)!.counters[0]!;
  return { memory, planner, failing, countsAnew, plan, count, cellOf };
};

const act = fc.oneof(
  fc.record({ act: fc.constant('plan' as const), weight: fc.nat(2), pods: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    act: fc.constant('count' as const),
    app: fc.nat(2),
    worker: fc.nat(1),
    counter: fc.constantFrom(...(Object.keys(CELL) as (keyof typeof CELL)[])),
    late: fc.boolean(),
  }),
  fc.record({ act: fc.constant('endpoint' as const), which: fc.nat(3), bits: fc.nat(3), failing: fc.boolean() }),
  fc.record({ act: fc.constant('look' as const) }),
  fc.record({ act: fc.constant('later' as const), weight: fc.nat(2), pods: fc.integer({ min: 1, max: 3 }) }),
);

test('a look that keeps what it knows sees what one sees that knows nothing', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const { memory, planner, failing, countsAnew, plan, count, cellOf } = scene();
      const counts = countsAnew();
      // Requests that began under an epoch are counted in it, though it is over.
      const begun = APPS.map((_, app) => cellOf(app));
      for (const each of acts) {
        if (each.act === 'plan') plan(each.weight, each.pods);
        else if (each.act === 'later') {
          plan(each.weight, each.pods, 2 * GRACE);
          for (const app of APPS.keys()) begun[app] = cellOf(app);
        } else if (each.act === 'count') {
          count(each.worker, each.late ? begun[each.app]! : cellOf(each.app), each.counter);
        } else if (each.act === 'endpoint') {
          const endpoint = [...planner.endpoints()][each.which];
          if (endpoint === undefined) continue;
          memory.state.down[endpoint.slot] = each.bits & (DOWN.check | DOWN.ejected);
          memory.state.inflight[endpoint.slot] = each.bits;
          if (each.failing) failing.add(endpoint.slot);
          else failing.delete(endpoint.slot);
        }
        if (each.act === 'look') assert.deepEqual(counts.read(), countsAnew().read());
      }
      assert.deepEqual(counts.read(), countsAnew().read());
    }),
    { numRuns: 200 },
  );
});

test('what counts as before is the same object as before, and nothing else is', () => {
  const { memory, planner, countsAnew, plan, count, cellOf } = scene();
  const counts = countsAnew();
  let before = counts.read();
  const others = (): { readonly rows: string[]; readonly endpoints: string[] } => {
    const after = counts.read();
    const known: ReadonlySet<RowCounts | EndpointCounts> = new Set([...before.rows, ...before.endpoints]);
    before = after;
    return {
      rows: after.rows.filter((row) => !known.has(row)).map(({ id }) => id),
      endpoints: after.endpoints.filter((each) => !known.has(each)).map(({ address }) => address),
    };
  };
  assert.deepEqual(others(), { rows: [], endpoints: [] });
  assert.equal(counts.read(), before, 'where nothing is new, all of it');
  count(1, cellOf(1), 'first');
  assert.deepEqual(others(), { rows: ['matrix d/m b'], endpoints: [] });
  const old = cellOf(2);
  plan(2, 1);
  assert.deepEqual(others(), { rows: ['matrix d/m c'], endpoints: [] });
  assert.deepEqual(others(), { rows: [], endpoints: [] });
  count(0, old, 'first');
  assert.deepEqual(others(), { rows: ['matrix d/m c'], endpoints: [] });
  const [endpoint] = planner.endpoints();
  memory.state.inflight[endpoint!.slot] = 1;
  assert.deepEqual(others(), { rows: [], endpoints: [endpoint!.address] });
});
