import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ApiObject } from '../admin/contract.ts';
import type { Command } from './commands.ts';
import { after, demoObjects, refusal, specOf } from './test-objects.ts';

const ident = { namespace: 'default', name: 'http' };
const web = (n: number) => ({ kind: 'Address', host: `web${n}`, port: 8080 }) as const;
const rule = (kind: 'AddRule' | 'DeleteRule', app: string, n: number, weight?: number): Command => ({
  kind,
  ident,
  pattern: `/${app}/.*`,
  server: web(n),
  ...(weight === undefined ? {} : { weight }),
});

const others = (list: ApiObject[]) => list.filter(({ kind }) => kind !== 'AppWeightMatrix');

/** `server: weight` of a column. */
function column(objects: readonly ApiObject[], app: string): Record<string, number> {
  const { rows } = specOf(objects, 'AppWeightMatrix', 'eapac') as {
    rows: { server: string; weights: { app: string; weight: number }[] }[];
  };
  return Object.fromEntries(
    rows.flatMap(({ server, weights }) =>
      weights.filter((cell) => cell.app === app).map(({ weight }) => [server, weight]),
    ),
  );
}

test('--add-rule of an app’s pattern sets the cell, and nothing but the matrix changes', () => {
  const objects = after(demoObjects(), rule('AddRule', 'appc', 2, 50), rule('AddRule', 'appc', 3, 50));
  assert.deepEqual(column(objects, 'appc'), { web2: 50, web3: 50 });
  assert.deepEqual(others(objects), others(demoObjects()));
});

test('the command of the README, as it stands, on the demo', () => {
  assert.deepEqual(after(demoObjects(), rule('AddRule', 'appc', 2, 87)), demoObjects());
});

test('a new cell, in a row that is there; without a weight it is 1', () => {
  assert.deepEqual(column(after(demoObjects(), rule('AddRule', 'appa', 5)), 'appa'), { web1: 100, web5: 1 });
});

test('--del-rule takes the cell away; the last cell takes the rule along', () => {
  const one = after(demoObjects(), rule('DeleteRule', 'appc', 2));
  assert.deepEqual(column(one, 'appc'), { web3: 13 });
  const none = after(one, rule('DeleteRule', 'appc', 3));
  const rules = specOf(none, 'TcpVirtualServer', 'http')['rules'] as { name: string }[];
  assert.ok(!rules.some(({ name }) => name === 'appc'));
});

test('a server of which the matrix has a cell is busy', () => {
  assert.match(
    refusal(demoObjects(), { kind: 'DeleteServer', ident, server: web(4) }),
    /busy: rules \/appd\/\.\*, \/appe\/\.\* name it/,
  );
});

test('a matrix that computes its weights is not set by hand', () => {
  const objects = demoObjects().map((each) =>
    each.kind === 'AppWeightMatrix' ? { ...each, spec: { ...(each.spec as object), mode: 'Auto' } } : each,
  );
  assert.match(refusal(objects, rule('AddRule', 'appc', 2, 1)), /computed \(matrix eapac is in mode Auto\)/);
});

test('an app that no matrix has', () => {
  const objects = demoObjects().map((each) =>
    each.kind === 'TcpVirtualServer' ? { ...each, spec: { ...(each.spec as object), matrixRefs: [] } } : each,
  );
  const added = after(objects, { kind: 'AddServer', ident, server: web(2) });
  assert.match(refusal(added, rule('AddRule', 'appc', 2, 1)), /rule appc names app appc, which no matrix of/);
});
