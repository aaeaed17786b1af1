import assert from 'node:assert/strict';
import { test } from 'node:test';

import { REDACTED, redactSnapshot } from './redact.ts';
import type { Snapshot } from './snapshot.ts';

const snapshot: Snapshot = {
  id: 'i',
  pieces: [
    { kind: 'Authority', key: 'a/ca', hash: '1', certificates: 'public' },
    { kind: 'Certificate', key: 'a/tls', hash: '2', certificate: 'public', privateKey: 'canary' },
    { kind: 'Matrix', key: 'a/m', hash: '3', columns: [] },
  ],
};

void test('a redacted snapshot has all but the private keys', () => {
  const redacted = redactSnapshot(snapshot);
  assert.ok(!JSON.stringify(redacted).includes('canary'));
  const [authority, certificate, matrix] = redacted.pieces;
  assert.deepEqual([authority, matrix], [snapshot.pieces[0], snapshot.pieces[2]]);
  assert.deepEqual(certificate, { ...snapshot.pieces[1], privateKey: REDACTED });
  assert.equal(redacted.id, 'i');
});
