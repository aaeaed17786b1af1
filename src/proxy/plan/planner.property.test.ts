import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { matrix, realServer, rule, snapshotOf, virtualServer } from '../main/fixture/support.ts';
import { plannerWith } from './fixture/test-memory.ts';
import { ALL_UP } from './memory.ts';
import type { Planner } from './planner.ts';

test('whatever the steps, the plan is what a fresh planner makes of the last snapshot', () => {
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 6 }), (steps) => {
      const planner = plannerWith();
      const worker = { rows: new Map<string, unknown>(), virtualServers: new Map<string, unknown>() };
      for (const [index, step] of steps.entries()) {
        const change = planner.plan(build(step), ALL_UP, index * 20_000);
        change.retire(index * 20_000);
        // A worker that applies only the changes has what a new one would be given.
        for (const id of change.removedRows) worker.rows.delete(id);
        for (const key of change.removedVirtualServers) worker.virtualServers.delete(key);
        for (const row of [...change.early, ...change.rows]) worker.rows.set(row.id, row);
        for (const plan of change.virtualServers) worker.virtualServers.set(plan.piece.key, plan);
        const full = planner.full();
        assert.deepEqual(worker.rows, new Map(full.rows.map((row) => [row.id, row])));
        assert.deepEqual(worker.virtualServers, new Map(full.virtualServers.map((plan) => [plan.piece.key, plan])));
        // No two things share a slot.
        const cursors = full.rows.flatMap((row) => [row.cursor, row.retryCursor, ...row.cellCursors]);
        assert.equal(new Set(cursors).size, cursors.length);
        const counters = full.rows.flatMap((row) => row.counters);
        assert.equal(new Set(counters).size, counters.length);
        const fresh = plannerWith();
        fresh.plan(build(step), ALL_UP, 0);
        assert.deepEqual(shape(planner), shape(fresh));
      }
    }),
    { numRuns: 200 },
  );
});

const destination = fc.record({ server: fc.constantFrom('h1', 'h2', 'h3', 'hx'), weight: fc.nat(3) });
const target = fc.oneof(
  fc.constantFrom('a', 'b', 'c').map((app) => ({ kind: 'App' as const, matrix: 'd/m', app })),
  fc.array(destination, { maxLength: 3 }).map((list) => ({ kind: 'Servers' as const, servers: list })),
);
/** A snapshot's content, with names that collide often. */
const pieces = fc.record({
  virtualServers: fc.dictionary(
    fc.constantFrom('v1', 'v2'),
    fc.record({ rules: fc.array(target, { maxLength: 3 }), servers: fc.array(destination, { maxLength: 2 }) }),
    { noNullPrototype: true },
  ),
  weights: fc.option(fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 3, maxLength: 3 })),
  endpoints: fc.array(fc.array(fc.nat(3), { maxLength: 2 }), { minLength: 3, maxLength: 3 }),
  quiesced: fc.nat(3),
});
type Input = typeof pieces extends fc.Arbitrary<infer T> ? T : never;

const withHash = <P extends { hash: string }>(piece: P): P => ({
  ...piece,
  hash: JSON.stringify({ ...piece, hash: '' }),
});
const build = (input: Input) =>
  snapshotOf(
    ...Object.entries(input.virtualServers).map(([key, { rules, servers: own }]) =>
      withHash(virtualServer(key, { rules: rules.map((to, index) => rule(`r${index}`, to)), servers: own })),
    ),
    ...(input.weights === null
      ? []
      : [withHash(matrix('d/m', ['a', 'b'], { h1: input.weights[0]!, h2: input.weights[1]!, h3: input.weights[2]! }))]),
    ...input.endpoints.map((ports, index) =>
      withHash(
        realServer(
          `h${index + 1}`,
          ports.map((port): [string, number] => ['10.0.0.1', port + 1]),
          { quiesced: input.quiesced === index },
        ),
      ),
    ),
  );
/** Without slots and epochs, which depend on history. */
const shape = (planner: Planner) => {
  const { rows, virtualServers } = planner.full();
  const shapes = rows.map(({ id, app, cells, endpoints, schedule }) => ({
    id,
    app,
    schedule,
    cells: cells.map(({ server, weight, available, first, count }) => [server, weight, available, first, count]),
    endpoints: endpoints.map(({ cell, address, port, available }) => [cell, address, port, available]),
  }));
  return {
    rows: shapes.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    virtualServers: virtualServers
      .map(({ piece, rules, fallback }) => [piece.key, rules.map(({ row }) => row), fallback?.row])
      .toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
    endpoints: [...planner.endpoints()].map(({ identity }) => identity).toSorted(),
  };
};
