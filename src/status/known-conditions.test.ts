import assert from 'node:assert/strict';
import test from 'node:test';

import { withShares } from '../model/shares.ts';
import type { ObjectStatus } from '../model/status.ts';
import { groupCounts, knownConditions, type ReplicaFacts, type ServingFacts } from './known-conditions.ts';
import { completeStatuses } from './status-document.ts';

const VIRTUAL: ObjectStatus = {
  kind: 'TcpVirtualServer',
  key: 'shop/http',
  observedGeneration: 3,
  conditions: [
    { type: 'Accepted', status: 'True', reason: 'Accepted', message: '', observedGeneration: 3 },
    { type: 'Programmed', status: 'Unknown', reason: 'Pending', message: '', observedGeneration: 3 },
  ],
  details: {},
};

const serves = (number: number, error?: string): ReplicaFacts => ({ serves: number, listeners: [], error });

const facts = (replicas: readonly ReplicaFacts[], since = 5): ServingFacts => ({
  snapshot: { id: 'x', pieces: [] },
  replicas,
  since: () => since,
  counts: groupCounts({ rows: [], endpoints: [] }),
  onTarget: new Map(),
});

const programmed = (...args: Parameters<typeof facts>) => {
  const [condition] = knownConditions(VIRTUAL, facts(...args));
  return condition === undefined ? null : `${condition.status} ${condition.reason}: ${condition.message}`;
};

test('programmed is what every ready proxy has acknowledged', () => {
  assert.equal(programmed([]), 'False NoProxies: There is no ready proxy.');
  assert.equal(programmed([serves(-1), serves(4)]), null);
  assert.equal(programmed([serves(5), serves(4)]), 'Unknown Programming: 1 of 2 proxies serve it');
  assert.equal(programmed([serves(5), serves(6)]), 'True Programmed: All 2 proxies serve it');
});

test('what happens to others does not matter to an object that has not changed', () => {
  assert.equal(programmed([serves(7), serves(2)], 2), 'True Programmed: All 2 proxies serve it');
});

test('a proxy that cannot hold the newest snapshot', () => {
  assert.equal(programmed([serves(5), serves(4, 'no slots for rules')]), 'False CapacityExceeded: no slots for rules');
  // It serves this object as it is all the same.
  assert.equal(programmed([serves(5), serves(4, 'no slots')], 4), 'True Programmed: All 2 proxies serve it');
});

const cells = (weight: number) =>
  withShares([
    {
      server: 'shop/web2',
      app: 'appc',
      weight,
      available: false,
      epochRequests: 0,
      requests: 0,
      retries: 0,
      sticky: 0,
      failures: 0,
    },
  ]);

test('a real server that is to serve and has no endpoint is not healthy; one that nobody uses is', () => {
  const status: ObjectStatus = { ...VIRTUAL, kind: 'RealServer', key: 'shop/web2' };
  const health = (weight: number) => {
    const rows = [{ id: 'matrix shop/eapac appc', epoch: 1, cells: cells(weight) }];
    const counts = groupCounts({ rows, endpoints: [] });
    const [condition] = knownConditions(status, { ...facts([serves(5)]), counts });
    return `${condition?.status} ${condition?.reason}`;
  };
  assert.equal(health(87), 'False NoEndpointAvailable');
  assert.equal(health(0), 'True NotUsed');
});

test('a port that one proxy cannot open', () => {
  const listener = { address: '::', port: 80 };
  const broken = { serves: 5, listeners: [{ ...listener, error: 'in use' }] };
  const fine = { serves: 5, listeners: [{ ...listener, error: null }] };
  const piece = { kind: 'VirtualServer', key: 'shop/http', listeners: [{ name: 'web', ...listener }] };
  const both = { ...facts([broken, fine]), snapshot: { id: 'x', pieces: [piece] } } as unknown as ServingFacts;
  const [condition] = knownConditions(VIRTUAL, both);
  assert.deepEqual([condition?.status, condition?.message], ['False', 'web (:: port 80): in use']);
  const [complete] = completeStatuses([VIRTUAL], both);
  assert.deepEqual(complete?.details['replicas'], { programmed: 1, total: 2 });
});
