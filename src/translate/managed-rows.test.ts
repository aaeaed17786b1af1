/** Rows of matrices whose instances are placed: traffic follows pods, wherever they are. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type AppWeightMatrixStatus, appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { AppWeightMatrix, RealServer } from '../api/parse.ts';
import { realServerSpec } from '../api/real-server.ts';
import type { Rows } from '../model/matrix-rows.ts';
import { checkPattern } from './check-pattern.ts';
import { emptyFacts } from './cluster-facts.ts';
import { emptyState } from './cluster-state.ts';
import { givenRows, rowsInForce } from './matrices.ts';
import { translate } from './translate.ts';

const parse = (more: object = {}) =>
  appWeightMatrixSpec.parse({
    mode: 'Auto',
    apps: ['a', 'b'].map((name) => ({
      name,
      workloadRef: { kind: 'Deployment', name },
      serviceRef: { name, port: 80 },
    })),
    rows: [
      { server: 'n1', weights: [{ app: 'a', weight: 40 }] },
      { server: 'n2', weights: [{ app: 'a', weight: 20 }] },
      { server: 'n3', weights: [{ app: 'a', weight: 0 }] },
      { server: 'fixed', weights: [{ app: 'b', weight: 7 }] },
    ],
    placement: { actuate: 'Manage' },
    ...more,
  });

const text = (rows: Rows) =>
  rows.map(({ server, weights }) => `${server} ${weights.map(({ app, weight }) => `${app}=${weight}`).join(' ')}`);

const computed = (weights: readonly (readonly [number, number])[]) =>
  ({
    rows: ['n1', 'n2', 'n3', 'fixed'].map((server, at) => ({
      server,
      weights: [
        { app: 'a', weight: weights[at]![0] },
        { app: 'b', weight: weights[at]![1] },
      ],
    })),
  }) as unknown as AppWeightMatrixStatus;

const meta = (name: string) => ({ name, namespace: 'd', generation: 1 }) as RealServer['metadata'];

describe('the rows of a matrix whose instances are placed', () => {
  it('have a cell for every app, as heavy as its others in the mean; where the object says 0, it stays so', () => {
    const dense = ['n1 a=40 b=7', 'n2 a=20 b=7', 'n3 a=0 b=7', 'fixed b=7 a=30'];
    assert.deepEqual(text(rowsInForce(parse(), undefined, 'Cluster')), dense);
    assert.deepEqual(text(givenRows(parse({ rows: [{ server: 'n1' }] }), 'Cluster')), ['n1 a=100 b=100']);
  });

  it('are the object’s own in every other mode, without a cluster, and where nothing is placed', () => {
    for (const [spec, mode] of [
      [parse({ mode: 'Static' }), 'Cluster'],
      [parse({ mode: 'Recommend' }), 'Cluster'],
      [parse(), 'Standalone'],
      [parse({ placement: {} }), 'Cluster'],
    ] as const) {
      assert.equal(rowsInForce(spec, undefined, mode), spec.rows);
    }
  });

  it('are what was computed, a cell that is quiesced for a while too; not where a person has said otherwise', () => {
    const status = computed([
      [9000, 1],
      [0, 1],
      [0, 1],
      [1, 1],
    ]);
    assert.deepEqual(text(rowsInForce(parse(), status, 'Cluster')), [
      'n1 a=9000 b=1',
      'n2 a=0 b=1',
      'n3 a=0 b=1',
      'fixed b=1 a=1',
    ]);
    const onThird = computed([
      [9000, 1],
      [1, 1],
      [500, 1],
      [1, 1],
    ]);
    assert.deepEqual(text(rowsInForce(parse(), onThird, 'Cluster')), [
      'n1 a=40 b=1',
      'n2 a=20 b=1',
      'n3 a=0 b=1',
      'fixed b=1 a=30',
    ]);
  });

  it('have computed caps only while they are asked for, and a person’s in any case', () => {
    const rows = [
      { server: 'n1', weights: [{ app: 'a', weight: 40 }] },
      { server: 'n2', weights: [{ app: 'a', weight: 20, cap: 2 }] },
    ];
    const status = {
      rows: rows.map(({ server }, at) => ({ server, weights: [{ app: 'a', weight: 7, cap: 11 + at }] })),
    } as unknown as AppWeightMatrixStatus;
    const capsWith = (placement: object) =>
      rowsInForce(parse({ apps: [{ name: 'a' }], rows, placement }), status, 'Cluster').map(
        ({ weights: [cell] }) => cell?.cap,
      );
    assert.deepEqual(capsWith({ caps: 'Computed' }), [11, 2]);
    assert.deepEqual(capsWith({}), [undefined, 2]);
  });

  it('send nothing to a server that is no node for an app that the object does not give it', () => {
    const realServer = (name: string, spec: object): [string, RealServer] => [
      `d/${name}`,
      { apiVersion: 'tcpvs.io/v1alpha1', kind: 'RealServer', metadata: meta(name), spec: realServerSpec.parse(spec) },
    ];
    const nodes = ['n1', 'n2', 'n3'].map((name) => realServer(name, { nodeName: name }));
    const matrix: AppWeightMatrix = {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'AppWeightMatrix',
      metadata: meta('m'),
      spec: parse(),
    };
    const { snapshot } = translate(
      {
        ...emptyState('Cluster', 'tcpvs'),
        realServers: new Map([...nodes, realServer('fixed', { address: '10.0.0.1', port: 80 })]),
        matrices: new Map([['d/m', matrix]]),
        cluster: emptyFacts,
      },
      { checkPattern },
    );
    const piece = snapshot.pieces.find((each) => each.kind === 'Matrix')!;
    const cells = (app: string) =>
      piece.columns
        .find((column) => column.app === app)!
        .cells.map(({ server }) => server)
        .toSorted();
    assert.deepEqual(cells('a'), ['d/n1', 'd/n2', 'd/n3']);
    assert.deepEqual(cells('b'), ['d/fixed', 'd/n1', 'd/n2', 'd/n3']);
  });
});
