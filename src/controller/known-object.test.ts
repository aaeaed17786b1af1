import assert from 'node:assert/strict';
import { test } from 'node:test';

import { know } from './known-object.ts';

const server = (more: { generation?: number; uid?: string; spec?: object; status?: object } = {}) => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'RealServer',
  metadata: {
    namespace: 'shop',
    name: 'web1',
    uid: more.uid ?? 'u1',
    resourceVersion: String(Math.random()),
    generation: more.generation ?? 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { big: 'x'.repeat(50) },
  },
  spec: more.spec ?? { address: '10.0.0.1', port: 80 },
  ...(more.status === undefined ? {} : { status: more.status }),
});

const matrix = (weight: number, status: object, generation = 1) => ({
  ...server({ generation, status }),
  kind: 'AppWeightMatrix',
  spec: { mode: 'Auto', apps: [{ name: 'a' }], rows: [{ server: 'web1', weights: [{ app: 'a', weight }] }] },
});

const rows = (weight: number) => ({ rows: [{ server: 'web1', weights: [{ app: 'a', weight }] }] });

test('a status that changes does not make another object of it; a spec does, and so does one made anew', () => {
  const first = know(server(), 'tcpvs', undefined);
  assert.ok(first.read?.ok);
  assert.equal('spec' in first.object, false);
  assert.equal('labels' in first.object.metadata, false);
  const touched = know(server({ status: { conditions: [] } }), 'tcpvs', first);
  assert.equal(touched.read, first.read);
  assert.notEqual(touched.object, first.object);
  assert.deepEqual(touched.object['status'], { conditions: [] });
  assert.notEqual(know(server({ generation: 2 }), 'tcpvs', first).read, first.read);
  assert.notEqual(know(server({ uid: 'u2' }), 'tcpvs', first).read, first.read);
});

test('of a matrix the rows in its status count, its spec is the same object still', () => {
  const first = know(matrix(1, rows(1)), 'tcpvs', undefined);
  assert.ok(first.read?.ok);
  const same = know(matrix(1, { ...rows(1), observedGeneration: 1 }), 'tcpvs', first);
  assert.equal(same.read, first.read);
  const other = know(matrix(1, rows(2)), 'tcpvs', first);
  assert.ok(other.read?.ok);
  assert.notEqual(other.read, first.read);
  assert.equal(other.read.object.spec, first.read.object.spec);
});

test('one of another class is not read; one that does not parse says why', () => {
  assert.equal(know(server({ spec: { className: 'other', nonsense: 1 } }), 'tcpvs', undefined).read, null);
  const { read } = know(server({ generation: 7, spec: { port: 'x' } }), 'tcpvs', undefined);
  assert.ok(read !== null && !read.ok);
  assert.deepEqual([read.invalid.kind, read.invalid.key, read.invalid.generation], ['RealServer', 'shop/web1', 7]);
  assert.match(read.invalid.faults.join(), /spec\.port/);
});
