import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ApiObject } from '../admin/contract.ts';
import { parseManifests } from './manifests-parse.ts';
import { rehearsalText } from './rehearsal.ts';

const object = (kind: ApiObject['kind'], name: string, spec: object): ApiObject => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind,
  metadata: { name, namespace: 'shop' },
  spec,
});

const matrix = (weight: number, more: object = {}) =>
  object('AppWeightMatrix', 'm', {
    ...more,
    apps: [{ name: 'a' }],
    rows: [
      { server: 'web1', weights: [{ app: 'a', weight }] },
      { server: 'web2', weights: [{ app: 'a', weight: 3 }] },
    ],
  });

const rehearsed = (...objects: ApiObject[]) => {
  const text = rehearsalText(new Map(objects.map((each) => [`${each.kind} shop/${each.metadata.name}`, each])));
  const { objects: parsed, faults } = parseManifests('rehearsal', text ?? '');
  assert.deepEqual(faults, []);
  return parsed.map(({ raw }) => raw);
};

test('one object of each kind as it is, with another weight in the matrix', () => {
  const [web1, web2] = ['web1', 'web2'].map((name) => object('RealServer', name, { address: '10.0.0.1', port: 80 }));
  for (const [weight, other] of [
    [87, 1],
    [1, 2],
  ] as const) {
    const given = matrix(weight);
    assert.deepEqual(rehearsed(web1!, web2!, given), [web1, matrix(other)]);
    assert.deepEqual(given, matrix(weight));
  }
});

test('a matrix that is computed has no weights to change', () => {
  const computed = object('AppWeightMatrix', 'm', { apps: [{ name: 'a' }], rows: [{ server: 'web1' }] });
  assert.deepEqual(rehearsed(computed), [computed]);
});

test('where there is nothing, or nothing but large objects, there is nothing to rehearse', () => {
  assert.equal(rehearsalText(new Map()), null);
  const large = matrix(1, { note: 'x'.repeat(70_000) });
  assert.equal(rehearsalText(new Map([['AppWeightMatrix shop/m', large]])), null);
});
