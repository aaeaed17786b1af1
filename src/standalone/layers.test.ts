import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ApiObject } from '../admin/contract.ts';
import { type Layers, nextLayers, sameObjects } from './layers.ts';

const NOTHING: Layers = {
  base: new Map(),
  overlay: new Map(),
  identities: new Map(),
  given: new Map(),
  objects: new Map(),
};

const next = (before: Layers, object: ApiObject) => {
  const base = new Map([['RealServer shop/web1', { object, file: 'a.yaml', line: 1 }]]);
  return nextLayers(before, base, new Map(), '2026-01-01T00:00:00Z', () => 'uid');
};

const server = (metadata: object, address = '10.0.0.1'): ApiObject => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'RealServer',
  metadata: { name: 'web1', namespace: 'shop', ...metadata },
  spec: { address },
});

test('equal content is the same object as before, other content is not', () => {
  const before = next(NOTHING, server({}));
  assert.equal(sameObjects(before, next(before, server({}))), true);
  assert.equal(sameObjects(before, next(before, server({}, '10.0.0.2'))), false);
  assert.equal(sameObjects(before, next(before, server({ labels: { a: 'b' } }))), false);
});

test('of an object that is the same one, the content is not looked at again', () => {
  let looks = 0;
  const metadata = {
    get labels() {
      looks++;
      return {};
    },
  };
  const object = server({});
  const watched = { ...object, metadata: Object.defineProperties({ ...object.metadata }, descriptors(metadata)) };
  const before = next(NOTHING, watched);
  const [first] = [looks];
  assert.equal(sameObjects(before, next(before, watched)), true);
  assert.equal(looks, first);
  assert.notEqual(sameObjects(before, next(before, server({ labels: { a: 'b' } }))), true);
  assert.ok(looks > first, 'another object is compared by its content');
});

const descriptors = (of: object) => Object.getOwnPropertyDescriptors(of);
