import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Piece, Snapshot } from '../model/snapshot.ts';
import { matrix, server, snapshotOf } from './fixture/pieces.ts';
import { applyManifest, diffPieces, missingPieces, nameOf, outOfOrder } from './manifest.ts';
import { FORMAT, type Manifest, WireError } from './wire.ts';

const piece = fc
  .tuple(fc.constantFrom('server', 'matrix'), fc.constantFrom('a/a', 'a/b', 'a/b-c', 'b/a', 'b/ä', 'c/x'), fc.nat(2))
  .map(([kind, key, value]) => (kind === 'server' ? server(key, value) : matrix(key, 'app', { s: value })));
const snapshot = fc
  .uniqueArray(piece, { selector: ({ kind, key }) => `${kind} ${key}` })
  .map((pieces) => snapshotOf(pieces));

const manifest = (after: Snapshot, more: Partial<Manifest>): Manifest => ({
  format: FORMAT,
  server: 's',
  id: after.id,
  versions: {},
  base: null,
  pieces: [],
  removed: [],
  inline: [],
  keys: { cookies: [], tickets: [] },
  ...more,
});

const asSent = (each: Manifest): Manifest => JSON.parse(JSON.stringify(each)) as Manifest;

/** As a client does it: what is missing is fetched by hash. `inline`: how many pieces travel in the manifest. */
function receive(sent: Manifest, base: Snapshot | null, all: readonly Piece[]): Snapshot {
  const store = new Map(all.map((each) => [each.hash, each]));
  const fetched = new Map(missingPieces(sent, base).map(([, , hash]) => [hash, store.get(hash)!]));
  return applyManifest(sent, base, fetched);
}

test('the difference, applied to what was before, is what is after; the same pieces stay the same objects', () => {
  fc.assert(
    fc.property(snapshot, snapshot, fc.nat(12), (before, after, inline) => {
      const { changed, removed } = diffPieces(before.pieces, after.pieces);
      const names = new Map(before.pieces.map((each) => [`${each.kind} ${each.key}`, each]));
      for (const each of changed) assert.notEqual(names.get(`${each.kind} ${each.key}`)?.hash, each.hash);
      const delta = manifest(after, {
        base: before.id,
        pieces: changed.map(nameOf),
        removed,
        inline: changed.slice(0, inline),
      });
      const received = receive(asSent(delta), before, after.pieces);
      assert.deepEqual(received, after);
      for (const each of received.pieces) {
        const old = names.get(`${each.kind} ${each.key}`);
        if (old?.hash === each.hash) assert.equal(each, old);
      }
    }),
    { numRuns: 500 },
  );
});

test('a full manifest needs only the pieces that are neither there nor inline', () => {
  fc.assert(
    fc.property(fc.option(snapshot), snapshot, fc.nat(12), (before, after, inline) => {
      const full = manifest(after, { pieces: after.pieces.map(nameOf), inline: after.pieces.slice(0, inline) });
      const missing = missingPieces(full, before);
      const known = new Set([...(before?.pieces ?? []), ...full.inline].map(({ hash }) => hash));
      assert.ok(missing.every(([, , hash]) => !known.has(hash)));
      assert.deepEqual(receive(asSent(full), before, after.pieces), after);
    }),
    { numRuns: 500 },
  );
});

test('equal snapshots have no difference, whether the pieces are the same objects or not', () => {
  fc.assert(
    fc.property(snapshot, (one) => {
      const copy = JSON.parse(JSON.stringify(one.pieces)) as Piece[];
      assert.deepEqual(diffPieces(one.pieces, one.pieces), { changed: [], removed: [] });
      assert.deepEqual(diffPieces(one.pieces, copy), { changed: [], removed: [] });
    }),
  );
});

test('what does not make the snapshot that the manifest names is refused', () => {
  const [before, after] = [snapshotOf([server('a/a', 1)]), snapshotOf([server('a/a', 2), server('a/b', 3)])];
  const { changed } = diffPieces(before.pieces, after.pieces);
  const delta = manifest(after, { base: before.id, pieces: changed.map(nameOf), inline: changed });
  const none = new Map<string, Piece>();
  const refused = (sent: Manifest, base: Snapshot | null, message: RegExp) =>
    assert.throws(
      () => applyManifest(sent, base, none),
      (error) => error instanceof WireError && message.test(error.message),
    );
  assert.deepEqual(applyManifest(delta, before, none), after);
  refused(delta, null, /the difference is to .*, not to nothing/);
  refused(delta, after, /the difference is to/);
  refused({ ...delta, inline: changed.slice(1) }, before, /piece .* of RealServer a\/a is not there/);
  refused({ ...delta, pieces: delta.pieces.slice(1) }, before, /the pieces make snapshot .*, expected/);
  const [first] = changed;
  const forged = { ...first!, quiesced: true } as Piece;
  refused({ ...delta, inline: [forged, changed[1]!] }, before, /is not what its hash says/);
  const other = { ...delta, pieces: [['RealServer', 'a/other', first!.hash], delta.pieces[1]!] as Manifest['pieces'] };
  refused(other, before, /is RealServer a\/a, expected RealServer a\/other/);
});

test('pieces that do not stand in order are found, also where only some were changed', () => {
  const { pieces } = snapshotOf([server('a/a', 1), server('a/b', 1), matrix('b/a', 'x', {})]);
  assert.equal(outOfOrder(pieces), null);
  assert.equal(outOfOrder([pieces[1]!, pieces[0]!]), pieces[0]);
  assert.equal(outOfOrder([pieces[0]!, pieces[0]!]), pieces[0]);
  fc.assert(
    fc.property(snapshot, fc.array(fc.tuple(fc.nat(5), piece)), (before, changes) => {
      const after = [...before.pieces];
      for (const [at, next] of changes) if (at < after.length) after[at] = next;
      assert.equal(outOfOrder(after, before.pieces), outOfOrder(after));
    }),
  );
});
