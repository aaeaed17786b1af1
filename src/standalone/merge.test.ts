import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mergeFiles } from './merge.ts';

const object = {
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'RealServer',
  metadata: { name: 'web1', namespace: 'default', uid: 'of a cluster' },
  spec: { address: '10.0.0.1' },
} as const;

const merged = (line: number) =>
  mergeFiles(new Map([['a.yaml', [{ object, line }]]]), new Map(), (file) => file).base.get('RealServer default/web1');

test('what has moved to another line is the same object as before: nothing is made of it anew', () => {
  const [before, after] = [merged(1), merged(7)];
  assert.deepEqual([before?.line, after?.line], [1, 7]);
  assert.equal(after?.object, before?.object);
  assert.equal('uid' in after!.object.metadata, false);
});
