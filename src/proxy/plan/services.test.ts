import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Column, ServiceEndpoint, ServicePiece } from '../../model/snapshot.ts';
import { matrix, realServer, rule, snapshotOf, virtualServer } from '../main/fixture/support.ts';
import { GRACE, plannerWith } from './fixture/test-memory.ts';
import { ALL_UP } from './memory.ts';
import type { PlanChange } from './planner.ts';

let versions = 0;

const at = (address: string, node: string | null = null, ready = true): ServiceEndpoint => ({
  address,
  port: 8080,
  node,
  ready,
});
const service = (key: string, ...endpoints: ServiceEndpoint[]): ServicePiece => ({
  kind: 'Service',
  key,
  hash: `version ${++versions}`,
  endpoints,
});
const nodeServer = (key: string, ...nodes: string[]) => realServer(key, [], { endpoints: [], nodes });
const serviceServer = (key: string, of: string) => realServer(key, [], { endpoints: [], service: of });
/** A matrix of one app, that is served by a Service, with all of the servers. */
const column = (key: string, of: string, ...servers: string[]) => {
  const piece = matrix(key, ['a'], Object.fromEntries(servers.map((server) => [server, [1]])));
  return { ...piece, columns: piece.columns.map((each): Column => ({ ...each, service: of })) };
};
const serving = (...matrices: string[]) =>
  virtualServer('d/v', { rules: matrices.map((key) => rule(key, { kind: 'App', matrix: key, app: 'a' })) });
const addresses = (change: PlanChange) =>
  Object.fromEntries(
    [...change.early, ...change.rows].map((row) => [
      row.id,
      row.cells.map(({ first, count }) =>
        row.endpoints.slice(first, first + count).map((endpoint) => endpoint.address.slice('10.0.0.'.length)),
      ),
    ]),
  );

const ONE = at('10.0.0.1', 'n1');
const TWO = at('10.0.0.2', 'n1');
const THREE = at('10.0.0.3', 'n2');

test('a node has the endpoints of the app’s Service that run there; a pool those of all its nodes', () => {
  const pieces = [nodeServer('h1', 'n1'), nodeServer('pool', 'n2', 'n3'), service('d/a:80', ONE, TWO, THREE)];
  const snapshot = snapshotOf(serving('d/m'), column('d/m', 'd/a:80', 'h1', 'pool'), ...pieces);
  assert.deepEqual(addresses(plannerWith().plan(snapshot, ALL_UP, 0)), { 'matrix d/m a': [['1', '2'], ['3']] });
});

test('an app of the same name in two matrices has the Service of its own matrix', () => {
  const pieces = [nodeServer('h1', 'n1'), service('d/a:80', ONE), service('d/b:80', TWO)];
  const matrices = [column('d/m', 'd/a:80', 'h1'), column('d/n', 'd/b:80', 'h1')];
  const change = plannerWith().plan(snapshotOf(serving('d/m', 'd/n'), ...matrices, ...pieces), ALL_UP, 0);
  assert.deepEqual(addresses(change), { 'matrix d/m a': [['1']], 'matrix d/n a': [['2']] });
});

test('a changed Service changes the rows that it serves, and no others', () => {
  const servers = [nodeServer('h1', 'n1'), serviceServer('s', 'd/c:80')];
  const rules = [rule('own', { kind: 'Servers', servers: [{ server: 's', weight: 1 }] })];
  const rest = [
    virtualServer('d/v', { rules: [...serving('d/m', 'd/n').rules, ...rules] }),
    column('d/m', 'd/a:80', 'h1'),
    column('d/n', 'd/b:80', 'h1', 's'),
    ...servers,
  ];
  const a = service('d/a:80', ONE);
  const b = service('d/b:80', TWO);
  const c = service('d/c:80', THREE);
  const planner = plannerWith();
  planner.plan(snapshotOf(...rest, a, b, c), ALL_UP, 0);
  const first = planner.plan(snapshotOf(...rest, service('d/a:80', ONE, TWO), b, c), ALL_UP, 0);
  assert.deepEqual(addresses(first), { 'matrix d/m a': [['1', '2']] });
  const second = planner.plan(snapshotOf(...rest, a, b, service('d/c:80', ONE)), ALL_UP, 0);
  assert.deepEqual(addresses(second), {
    'matrix d/m a': [['1']],
    'matrix d/n a': [['2'], ['1']],
    'rule d/v own': [['1']],
  });
  const gone = planner.plan(snapshotOf(...rest, a, b), ALL_UP, 2 * GRACE);
  assert.deepEqual(addresses(gone), { 'matrix d/n a': [['2'], []], 'rule d/v own': [[]] });
});

test('another Service of a server or column is followed, also where the endpoints are the same', () => {
  const planner = plannerWith();
  const a = service('d/a:80', ONE);
  const b = service('d/b:80', ONE);
  const rest = [serving('d/m'), nodeServer('h1', 'n1')];
  planner.plan(snapshotOf(...rest, column('d/m', 'd/a:80', 'h1'), a, b), ALL_UP, 0);
  const moved = planner.plan(snapshotOf(...rest, column('d/m', 'd/b:80', 'h1'), a, b), ALL_UP, 0);
  assert.deepEqual(addresses(moved), {});
  const now = column('d/m', 'd/b:80', 'h1');
  const other = planner.plan(snapshotOf(...rest, now, service('d/a:80', TWO), b), ALL_UP, 0);
  assert.deepEqual(addresses(other), {});
  const own = planner.plan(snapshotOf(...rest, now, a, service('d/b:80', TWO)), ALL_UP, 0);
  assert.deepEqual(addresses(own), { 'matrix d/m a': [['2']] });
});

test('what terminates serves only where no cell of the row has anything that is ready', () => {
  const rest = [serving('d/m'), column('d/m', 'd/a:80', 'h1', 'h2'), nodeServer('h1', 'n1'), nodeServer('h2', 'n2')];
  const leaving = at('10.0.0.1', 'n1', false);
  const planner = plannerWith();
  const both = planner.plan(snapshotOf(...rest, service('d/a:80', leaving, THREE)), ALL_UP, 0);
  assert.deepEqual(addresses(both), { 'matrix d/m a': [[], ['3']] });
  const alone = planner.plan(snapshotOf(...rest, service('d/a:80', leaving)), ALL_UP, 0);
  assert.deepEqual(addresses(alone), { 'matrix d/m a': [['1'], []] });
  const back = planner.plan(snapshotOf(...rest, service('d/a:80', leaving, TWO)), ALL_UP, 0);
  assert.deepEqual(addresses(back), { 'matrix d/m a': [['2'], []] });
});
