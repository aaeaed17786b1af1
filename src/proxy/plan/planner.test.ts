import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WARM } from '../../model/plan.ts';
import { matrix, realServer, rule, snapshotOf, virtualServer } from '../main/fixture/support.ts';
import { GRACE, plannerWith, TestMemory } from './fixture/test-memory.ts';
import { ALL_UP, type Availability } from './memory.ts';
import type { PlanChange, Planner } from './planner.ts';
import { CapacityError } from './slots.ts';

const column = (app: string) => ({ kind: 'App', matrix: 'd/m', app }) as const;
const servers = ['h1', 'h2', 'h3', 'h4'].map((name, index) => realServer(name, [[`10.0.0.${index + 1}`, 80]]));
const twoApps = virtualServer('d/v', { rules: [rule('a', column('a')), rule('b', column('b'))] });
const weights = (rows: Record<string, number[]>) => matrix('d/m', ['a', 'b'], rows);
const ruleSlots = (change: PlanChange) => change.virtualServers[0]!.rules.map(({ slot }) => slot);
/** A rule by the matrix, and one with a real server of its own. */
const ownRule = (server: string, name: string) =>
  virtualServer('d/v', {
    rules: [rule('a', column('a')), rule(name, { kind: 'Servers', servers: [{ server, weight: 1 }] })],
  });
const redirected = (address: string) =>
  snapshotOf(virtualServer('d/v', { redirect: { address, port: 80, guard: null } }));
const rowsIn = (change: PlanChange) => [...change.early, ...change.rows];
const rowsOf = (planner: Planner) => planner.full().rows.map((row) => row.id);
const ids = (change: PlanChange) => rowsIn(change).map((row) => row.id);

const ejecting = (...slots: number[]): Availability => ({
  checkFailed: () => false,
  ejected: (slot) => slots.indexOf(slot) + 1,
  warmth: () => WARM,
});

test('a row per used column, rule with servers, virtual server with servers, and mirror', () => {
  const mirrored = rule('own', { kind: 'Servers', servers: [{ server: 'h3', weight: 1 }] });
  const vs = virtualServer('d/v', {
    rules: [
      rule('a', column('a')),
      { ...mirrored, filters: [{ type: 'Mirror', server: 'h4', percent: 10 }] },
      rule('none', column('missing')),
    ],
    servers: [{ server: 'h1', weight: 1 }],
  });
  const change = plannerWith().plan(snapshotOf(vs, weights({ h1: [1, 1], h2: [1, 1] }), ...servers), ALL_UP, 0);
  assert.deepEqual(ids(change).toSorted(), [
    'matrix d/m a',
    'matrix d/m missing',
    'mirror h4',
    'rule d/v own',
    'servers d/v',
  ]);
  const [plan] = change.virtualServers;
  assert.deepEqual(
    plan!.rules.map(({ row }) => row),
    ['matrix d/m a', 'rule d/v own', 'matrix d/m missing'],
  );
  assert.equal(plan!.fallback!.row, 'servers d/v');
  assert.deepEqual(plan!.mirrors, [{ server: 'h4', row: 'mirror h4' }]);
  assert.equal(new Set([...plan!.rules, plan!.fallback!].map(({ slot }) => slot)).size, 4);
});

test('an app has its own endpoints, or those that serve every app', () => {
  const own = realServer('h1', [['10.0.0.1', 80]], {
    endpoints: [
      { app: 'a', endpoints: [{ address: '10.0.0.9', port: 8080 }] },
      { app: null, endpoints: [{ address: '10.0.0.1', port: 80 }] },
    ],
  });
  const change = plannerWith().plan(snapshotOf(twoApps, weights({ h1: [1, 1] }), own), ALL_UP, 0);
  assert.deepEqual(
    rowsIn(change).map((row) => row.endpoints.map(({ address }) => address)),
    [['10.0.0.9'], ['10.0.0.1']],
  );
});

test('the same snapshot again changes nothing', () => {
  const planner = plannerWith();
  const snapshot = snapshotOf(twoApps, weights({ h1: [1, 1] }), ...servers);
  planner.plan(snapshot, ALL_UP, 0);
  const change = planner.plan(snapshot, ALL_UP, 0);
  assert.deepEqual([rowsIn(change), change.virtualServers, change.removedRows, change.endpoints], [[], [], [], []]);
});

test('a changed weight gives its row alone a new epoch; slots of what stays are kept', () => {
  const planner = plannerWith();
  const first = planner.plan(snapshotOf(twoApps, weights({ h1: [87, 1], h2: [13, 1] }), ...servers), ALL_UP, 0);
  const second = planner.plan(snapshotOf(twoApps, weights({ h1: [50, 1], h2: [50, 1] }), ...servers), ALL_UP, 0);
  assert.deepEqual(ids(second), ['matrix d/m a']);
  assert.deepEqual(second.virtualServers, []);
  const [before, after] = [rowsIn(first)[0]!, rowsIn(second)[0]!];
  assert.equal(after.epoch, before.epoch + 1);
  assert.notEqual(after.cursor, before.cursor);
  assert.notEqual(after.counters[0]!, before.counters[0]!);
  assert.deepEqual(
    after.endpoints.map(({ slot }) => slot),
    before.endpoints.map(({ slot }) => slot),
  );
});

test('a virtual server that changes keeps the slots of its rules, and the epochs of its columns', () => {
  const planner = plannerWith();
  const first = planner.plan(snapshotOf(twoApps, weights({ h1: [1, 1] }), ...servers), ALL_UP, 0);
  const turned = virtualServer('d/v', { rules: [rule('b', column('b')), rule('a', column('a'))] });
  const second = planner.plan(snapshotOf(turned, weights({ h1: [1, 1] }), ...servers), ALL_UP, 0);
  assert.deepEqual(rowsIn(second), []);
  assert.deepEqual(ruleSlots(second), ruleSlots(first).toReversed());
  assert.equal(second.virtualServers[0]!.slot, first.virtualServers[0]!.slot);
});

test('a column goes when no virtual server uses it, and its endpoints with it', () => {
  const planner = plannerWith();
  planner.plan(snapshotOf(twoApps, weights({ h1: [1, 0], h2: [0, 1] }), ...servers), ALL_UP, 0);
  const less = virtualServer('d/v', { rules: [rule('a', column('a'))] });
  const second = planner.plan(snapshotOf(less, weights({ h1: [1, 0], h2: [0, 1] }), ...servers), ALL_UP, 0);
  assert.deepEqual(second.removedRows, ['matrix d/m b']);
  assert.deepEqual(second.removedEndpoints, []);
  const third = planner.plan(snapshotOf(), ALL_UP, 0);
  assert.deepEqual(third.removedVirtualServers, ['d/v']);
  assert.equal(third.removedEndpoints.length, 2);
  assert.deepEqual(planner.full(), { virtualServers: [], rows: [] });
});

test('weight 0 and quiesced real servers get no first choice, their share goes to the others', () => {
  const quiesced = realServer('h2', [['10.0.0.2', 80]], { quiesced: true });
  const change = plannerWith().plan(
    snapshotOf(
      twoApps,
      weights({ h1: [2, 1], h2: [5, 1], h3: [0, 1], h4: [1, 1] }),
      servers[0]!,
      quiesced,
      ...servers.slice(2),
    ),
    ALL_UP,
    0,
  );
  const row = rowsIn(change)[0]!;
  assert.deepEqual(
    row.cells.map((cell) => cell.available),
    [true, false, true, true],
  );
  assert.ok(row.schedule.kind === 'Table');
  assert.deepEqual(
    [...row.schedule.table].toSorted((a, b) => a - b),
    [0, 0, 3],
  );
});

test('rows may take effect early, unless a rule changes together with its own destinations', () => {
  const planner = plannerWith();
  const early = (...pieces: Parameters<typeof snapshotOf>) => {
    const change = planner.plan(snapshotOf(...pieces, ...servers), ALL_UP, 0);
    return [change.early.map(({ id }) => id), change.rows.map(({ id }) => id)];
  };
  const same = weights({ h1: [1, 1] });
  assert.deepEqual(early(ownRule('h1', 'r'), same), [['matrix d/m a', 'rule d/v r'], []], 'nobody uses them yet');
  assert.deepEqual(early(ownRule('h2', 'r'), weights({ h1: [2, 1], h2: [1, 1] })), [['matrix d/m a'], ['rule d/v r']]);
  assert.deepEqual(early(ownRule('h2', 'other'), weights({ h1: [2, 1], h2: [1, 1] })), [['rule d/v other'], []]);
});

test('the address of a redirect is a row of its own', () => {
  const planner = plannerWith();
  const first = planner.plan(redirected('10.0.0.1'), ALL_UP, 0);
  assert.deepEqual(ids(first), [first.virtualServers[0]!.redirect]);
  const second = planner.plan(redirected('10.0.0.2'), ALL_UP, 0);
  assert.equal(rowsIn(second)[0]!.endpoints[0]!.address, '10.0.0.2');
  assert.deepEqual(second.removedEndpoints, [rowsIn(first)[0]!.endpoints[0]!.slot]);
});

test('slots rest for the grace period after the acknowledgement, and are reset before reuse', () => {
  const memory = new TestMemory();
  const planner = plannerWith(memory);
  let weight = 1;
  const swap = (now: number) =>
    planner.plan(snapshotOf(twoApps, weights({ h1: [++weight, 1] }), servers[0]!), ALL_UP, now);
  const first = rowsIn(swap(0))[0]!;
  const second = swap(100);
  assert.notEqual(rowsIn(swap(50_000))[0]!.cursor, first.cursor, 'not acknowledged: not free, however late it is');
  second.retire(60_000);
  assert.notEqual(rowsIn(swap(69_999))[0]!.cursor, first.cursor);
  assert.equal(memory.resets.length, 0);
  const later = rowsIn(swap(70_000))[0]!;
  assert.ok(new Set([first.cursor, first.retryCursor, first.cellCursors[0]!]).has(later.cursor));
  assert.equal(later.counters[0]!, first.counters[0]!);
  assert.ok(memory.resets.includes(`cells ${first.counters[0]!}`));
});

test('rows that are alike share what their cells and endpoints are; those that differ do not', () => {
  const planner = plannerWith();
  const alike = rowsIn(planner.plan(snapshotOf(twoApps, weights({ h1: [2, 2], h2: [1, 1] }), ...servers), ALL_UP, 0));
  assert.equal(alike.length, 2);
  assert.equal(alike[0]!.cells, alike[1]!.cells);
  assert.equal(alike[0]!.endpoints, alike[1]!.endpoints);
  assert.notDeepEqual(alike[0]!.counters, alike[1]!.counters);
  const apart = plannerWith();
  const rows = rowsIn(apart.plan(snapshotOf(twoApps, weights({ h1: [2, 1], h2: [1, 1] }), ...servers), ALL_UP, 0));
  assert.deepEqual(
    rows.map(({ app, cells }) => [app, ...cells.map(({ weight }) => weight)]),
    [
      ['a', 2, 1],
      ['b', 1, 1],
    ],
  );
});

test('the slot of an endpoint rests until nothing is in flight to it', () => {
  const memory = new TestMemory({ endpoints: 1 });
  const planner = plannerWith(memory);
  const one = virtualServer('d/v', { servers: [{ server: 'h', weight: 1 }] });
  const at = (address: string, now: number) =>
    planner.plan(snapshotOf(one, realServer('h', [[address, 80]])), ALL_UP, now);
  at('10.0.0.1', 0);
  memory.busy.add(0);
  planner.plan(snapshotOf(), ALL_UP, 0).retire(0);
  assert.throws(() => at('10.0.0.2', GRACE), /too many endpoints: 2 are needed, 1 are possible/);
  memory.busy.clear();
  assert.equal(rowsIn(at('10.0.0.2', 3 * GRACE))[0]!.endpoints[0]!.slot, 0);
});

test('exhausted capacity: a named error, and the plan before stays', () => {
  const planner = plannerWith(new TestMemory({ cells: 5 }));
  const small = snapshotOf(twoApps, weights({ h1: [1, 1] }), ...servers);
  planner.plan(small, ALL_UP, 0);
  const before = JSON.stringify(planner.full());
  const large = snapshotOf(twoApps, weights({ h1: [2, 2], h2: [2, 2] }), ...servers);
  assert.throws(
    () => planner.plan(large, ALL_UP, 0),
    (error) => error instanceof CapacityError && error.what === 'cells',
  );
  assert.equal(JSON.stringify(planner.full()), before);
  assert.deepEqual(rowsIn(planner.plan(small, ALL_UP, 0)), []);
});

test('sums of ended epochs are carried over: nothing lost, nothing counted twice', () => {
  const memory = new TestMemory();
  const planner = plannerWith(memory);
  let weight = 0;
  let now = 0;
  const swap = () => planner.plan(snapshotOf(twoApps, weights({ h1: [++weight, 1] }), servers[0]!), ALL_UP, now);
  const total = () => {
    const row = [...planner.rows()].find(({ plan }) => plan.id === 'matrix d/m a')!;
    return memory.readCell(row.plan.counters[0]!).first + planner.ended(row)[0]!.first;
  };
  let written = 0;
  for (let epoch = 0; epoch < 50; epoch++, now += 3000) {
    const old = planner.row('matrix d/m a')?.counters[0];
    const change = swap();
    memory.count(rowsIn(change)[0]!.counters[0]!, 10);
    written += 10;
    assert.equal(total(), written);
    if (old !== undefined) {
      // A worker that has not switched yet.
      memory.count(old, 1);
      written += 1;
    }
    assert.equal(total(), written);
    change.retire(now);
  }
});

test('failed checks may take out a whole row, ejections half of it, in the order in which they happened', () => {
  const planner = plannerWith();
  const all = weights({ h1: [1, 1], h2: [1, 1], h3: [1, 1], h4: [1, 0] });
  planner.plan(snapshotOf(twoApps, all, ...servers), ALL_UP, 0);
  const available = (id: string) => planner.row(id)!.cells.map((cell) => cell.available);
  const change = planner.replan(rowsOf(planner), ejecting(2, 1), 0);
  assert.deepEqual(ids(change).toSorted(), ['matrix d/m a', 'matrix d/m b']);
  assert.deepEqual(available('matrix d/m a'), [true, false, false, true]);
  // Three have a weight there: one may go, the one that was ejected first.
  assert.deepEqual(available('matrix d/m b'), [true, true, false, true]);
  assert.deepEqual([...planner.endpoint(1)!.sparedIn], ['matrix d/m b']);
  assert.deepEqual([...planner.endpoint(2)!.sparedIn], []);
  planner.replan(rowsOf(planner), { ...ALL_UP, checkFailed: () => true }, 0);
  assert.deepEqual(available('matrix d/m a'), [false, false, false, false]);
  const { schedule } = planner.row('matrix d/m a')!;
  assert.ok(schedule.kind === 'Table' && schedule.table.length === 0);
});

test('the only endpoint of a row is never ejected', () => {
  const planner = plannerWith();
  planner.plan(snapshotOf(twoApps, weights({ h1: [1, 1] }), ...servers), ALL_UP, 0);
  assert.deepEqual(rowsIn(planner.replan(rowsOf(planner), ejecting(0), 0)), []);
  assert.equal(planner.endpoint(0)!.sparedIn.size, 2);
});

test('planning is cut into steps, several for each row that changes', () => {
  const apps = Array.from({ length: 300 }, (_, index) => `a${index}`);
  const vs = virtualServer('d/v', { rules: apps.map((app) => rule(app, column(app))) });
  const all = matrix('d/m', apps, { h1: apps.map(() => 1), h2: apps.map(() => 2) });
  const planner = plannerWith();
  planner.plan(snapshotOf(vs, all, ...servers), ALL_UP, 0).retire(0);
  const before = planner.rows()[Symbol.iterator]().next().value!.plan;
  const quiesced = realServer('h1', [['10.0.0.1', 80]], { quiesced: true });
  planner.plan(snapshotOf(vs, all, quiesced, ...servers.slice(1)), ALL_UP, 1).retire(1);
  const back = realServer('h1', [['10.0.0.1', 80]]);
  const steps = planner.steps(snapshotOf(vs, all, back, ...servers.slice(1)), ALL_UP, GRACE + 2);
  let count = 0;
  let step = steps.next();
  while (step.done !== true) {
    count++;
    // Nothing is in force before the last step.
    assert.equal(planner.row(before.id)!.epoch, before.epoch + 1);
    step = steps.next();
  }
  // Freed: 300 epochs that ended; then drafted, and written: 300 rows each.
  assert.ok(count >= 900, `${count}`);
  assert.equal(planner.row(before.id)!.epoch, before.epoch + 2);
});

test('an endpoint that starts slowly: an epoch for each step in the rows that it is in, none in the others', () => {
  const planner = plannerWith();
  const warmths = new Map<number, number>();
  const known: Availability = { ...ALL_UP, warmth: (slot) => warmths.get(slot) ?? (slot < 0 ? 1 : WARM) };
  const slow = realServer('h2', [['10.0.0.2', 80]], { slowStart: 1000 });
  const before = weights({ h1: [3, 1], h3: [0, 1] });
  const after = weights({ h1: [3, 1], h2: [2, 0], h3: [0, 1] });
  planner.plan(snapshotOf(twoApps, before, servers[0]!, servers[2]!), ALL_UP, 0);
  planner.plan(snapshotOf(twoApps, after, servers[0]!, slow, servers[2]!), known, 0);
  const cells = () => planner.row('matrix d/m a')!.cells.map(({ server, weight, scaled }) => [server, weight, scaled]);
  // 3 and a tenth of 2, in integers
  assert.deepEqual(cells(), [
    ['h1', 3, 15],
    ['h2', 2, 1],
    ['h3', 0, 0],
  ]);
  const { slot } = planner.row('matrix d/m a')!.endpoints[1]!;
  const epochs = () => ['a', 'b'].map((app) => planner.row(`matrix d/m ${app}`)!.epoch);
  const began = epochs();
  warmths.set(slot, 5);
  planner.replan(rowsOf(planner), known, 0);
  assert.deepEqual(
    cells().map(([, , scaled]) => scaled),
    [3, 1, 0],
  );
  assert.deepEqual(epochs(), [began[0]! + 1, began[1]]);
  warmths.set(slot, WARM);
  planner.replan(rowsOf(planner), known, 0);
  assert.deepEqual(
    cells().map(([, , scaled]) => scaled),
    [3, 2, 0],
  );
  planner.replan(rowsOf(planner), known, 0);
  assert.deepEqual(epochs(), [began[0]! + 2, began[1]]);
});

/** h2's cell of the app has the cap. */
const capped = (cap: number | null, weight: number, app = 'a') => {
  const plain = matrix('d/m', ['a', 'b'], { h1: [weight, 1], h2: [1, 1] });
  const columns = plain.columns.map((each) => ({
    ...each,
    cells: each.cells.map((cell) =>
      each.app === app && cell.server === 'h2' && cap !== null ? { ...cell, cap } : cell,
    ),
  }));
  return snapshotOf(twoApps, { ...plain, columns }, ...servers);
};

test('a cell with a cap keeps its slot over epochs; one that goes rests until nothing is in flight there', () => {
  const memory = new TestMemory();
  const planner = plannerWith(memory);
  const slotsOf = (app: string) => planner.row(`matrix d/m ${app}`)!.capSlots;
  let now = 0;
  const put = (snapshot: ReturnType<typeof capped>) => {
    const change = planner.plan(snapshot, ALL_UP, now);
    change.retire(now);
    now += GRACE + 1;
    return change;
  };
  put(capped(5, 1));
  const [none, slot] = slotsOf('a')!;
  assert.deepEqual([none, slot], [-1, 0]);
  assert.equal(slotsOf('b'), undefined);
  put(capped(5, 2));
  assert.deepEqual(slotsOf('a'), [-1, slot], 'another epoch');
  put(capped(7, 2));
  assert.deepEqual([slotsOf('a'), planner.row('matrix d/m a')!.cells[1]!.cap], [[-1, slot], 7], 'another cap');

  memory.busyCells.add(slot!);
  put(capped(null, 2));
  assert.equal(slotsOf('a'), undefined);
  put(capped(3, 2, 'b'));
  put(capped(3, 3, 'b'));
  assert.deepEqual(slotsOf('b'), [-1, 1], 'its slot is still in use');
  memory.busyCells.clear();
  put(capped(3, 2, 'b'));
  put(capped(3, 3, 'b'));
  put(capped(4, 3));
  assert.deepEqual(slotsOf('a'), [-1, slot], 'it is free again');
  assert.ok(memory.resets.includes(`caps ${slot}`));
});
