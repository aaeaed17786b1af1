import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { RowPlan } from '../../model/plan.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { usable } from '../../scheduler/dispatch-row.ts';
import { AddressGuard } from '../address-guard.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import { plannerWith } from '../plan/fixture/test-memory.ts';
import { allocateShared, DOWN, SharedState } from '../shared.ts';
import { Credentials } from './credentials.ts';
import { quiet, realServer, rule, snapshotOf, until, virtualServer } from './fixture/support.ts';
import { Health } from './health.ts';
import { Priors } from './priors.ts';
import { Swaps } from './swaps.ts';

/** A worker that notes what it could choose by the plan it had, each time a new one comes. */
const swapsWith = (t: TestContext) => {
  const planner = plannerWith();
  const shared = new SharedState(allocateShared(1));
  const held = new Map<string, RowPlan>();
  const choosable: number[] = [];
  const count = () => {
    for (const row of held.values()) {
      choosable.push(row.endpoints.filter((_, index) => usable(row, shared, index)).length);
    }
  };
  const health = new Health({
    shared,
    log: quiet,
    // the first one is back soon, the second one is not
    probe: ({ address }) => Promise.resolve(address === '10.0.0.1' ? null : 'ECONNREFUSED'),
    random: () => 0.5,
    facts: (endpoint: EndpointState) => ({
      check: null,
      quiesced: [...endpoint.servers.keys()].every((key) => planner.server(key)?.quiesced === true),
      slowStart: 0,
    }),
    after: () => () => undefined,
    changed: (slot) => swaps.endpointChanged(slot),
  });
  const swaps: Swaps = new Swaps({
    planner,
    health,
    priors: new Priors(shared),
    credentials: new Credentials({ update: () => undefined }),
    guard: new AddressGuard(),
    log: quiet,
    pool: {
      configure: ({ rows }) => {
        count();
        for (const row of rows) held.set(row.id, row);
        count();
        return Promise.resolve();
      },
    },
  });
  t.after(() => {
    swaps.close();
    health.close();
  });
  const swap = (snapshot: Snapshot) => swaps.swap(snapshot, () => Promise.resolve());
  return { swap, health, shared, held, choosable };
};

const all = (quiesced: Record<'a' | 'b', boolean>) =>
  snapshotOf(
    virtualServer('v', {
      rules: [
        rule('all', {
          kind: 'Servers',
          servers: [
            { server: 'a', weight: 1 },
            { server: 'b', weight: 1 },
          ],
        }),
      ],
    }),
    realServer('a', [['10.0.0.1', 80]], { quiesced: quiesced.a }),
    realServer('b', [['10.0.0.2', 80]], { quiesced: quiesced.b }),
  );

test('who was spared is out only when a plan with another endpoint is in force', async (t) => {
  const { swap, health, shared, held, choosable } = swapsWith(t);
  await swap(all({ a: false, b: false }));
  const [row] = [...held.values()];
  const [a, b] = row!.endpoints.map(({ slot }) => slot) as [number, number];
  const available = () => [...held.values()][0]!.endpoints.map((endpoint) => endpoint.available);
  health.suspect(a, 'refused');
  health.suspect(b, 'refused');
  await until(() => health.isSpared(b));
  assert.deepEqual(available(), [false, true]);
  choosable.length = 0;
  // the probe lets the first one in again
  await until(() => health.ejected(a) === 0);
  await until(() => shared.down[b] === DOWN.ejected);
  assert.deepEqual(available(), [true, false]);
  assert.ok(choosable.length > 0 && choosable.every((endpoints) => endpoints > 0), choosable.join());
});

test('one server quiesced and another let in again by the same snapshot: there is always one', async (t) => {
  const { swap, shared, held, choosable } = swapsWith(t);
  await swap(all({ a: false, b: true }));
  choosable.length = 0;
  await swap(all({ a: true, b: false }));
  const [row] = [...held.values()];
  assert.deepEqual(
    row!.endpoints.map(({ slot }) => shared.down[slot]),
    [DOWN.quiesced, 0],
  );
  assert.ok(choosable.length > 0 && choosable.every((endpoints) => endpoints > 0), choosable.join());
});
