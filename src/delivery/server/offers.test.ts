import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Piece } from '../../model/snapshot.ts';
import { emptySync } from '../fixture/caller.ts';
import { server, snapshotOf } from '../fixture/pieces.ts';
import { keysId } from '../keys.ts';
import { INLINE_BYTES, type Manifest, PIECES_BYTES } from '../wire.ts';
import { Offers } from './offers.ts';

const keys = { cookies: [], tickets: [] };
const read = (buffer: Buffer | null): Manifest => JSON.parse(String(buffer)) as Manifest;
const has = (id: string, versions = {}) => ({ ...emptySync, have: id, keys: keysId(keys), versions });

test('bytes are made once for all that lack the same; unchanged pieces are not written again', () => {
  const offers = new Offers();
  const written: string[] = [];
  const watched = (key: string, port: number): Piece => {
    const piece = server(key, port);
    return Object.defineProperty({ ...piece }, 'toJSON', {
      value() {
        written.push(`${key} ${port}`);
        return piece;
      },
    });
  };
  const one = snapshotOf(['a', 'b', 'c'].map((name) => watched(`d/${name}`, 1)));
  const two = snapshotOf([one.pieces[0]!, watched('d/b', 2), one.pieces[2]!]);
  assert.equal(offers.publish({ snapshot: one, versions: { a: '1' }, keys }), true);
  assert.deepEqual(written, [], 'nobody has asked');
  const first = offers.newer(emptySync);
  assert.equal(offers.newer(emptySync), first);
  assert.deepEqual(written, ['d/a 1', 'd/b 1', 'd/c 1']);
  offers.publish({ snapshot: two, versions: { a: '2' }, keys });
  const delta = offers.newer(has(one.id));
  assert.equal(offers.newer(has(one.id)), delta);
  assert.equal(read(offers.newer(emptySync)).inline.length, 3);
  assert.deepEqual(written.slice(3), ['d/b 2']);
});

test('a snapshot of long ago, and one that came back, are known as what they were', () => {
  const offers = new Offers();
  const all = Array.from({ length: 70 }, (_, port) => snapshotOf([server('d/a', port + 1), server('d/b', 1)]));
  for (const snapshot of all) offers.publish({ snapshot, versions: {}, keys });
  assert.equal(read(offers.newer(has(all[69 - 63]!.id))).base, all[69 - 63]!.id);
  assert.equal(read(offers.newer(has(all[69 - 64]!.id))).base, null, 'too long ago');
  offers.publish({ snapshot: all[0]!, versions: {}, keys });
  const back = read(offers.newer(has(all[69]!.id)));
  assert.deepEqual([back.id, back.base, back.inline], [all[0]!.id, all[69]!.id, [all[0]!.pieces[0]]]);
});

test('versions that rose wake nobody, but are told at the end of a hold', () => {
  const offers = new Offers();
  const snapshot = snapshotOf([server('d/a', 1)]);
  assert.equal(offers.versions(emptySync), null);
  offers.publish({ snapshot, versions: { a: '1' }, keys });
  assert.equal(offers.publish({ snapshot, versions: { a: '2', b: '1' }, keys }), false);
  assert.equal(offers.newer(has(snapshot.id, { a: '1' })), null);
  const told = read(offers.versions(has(snapshot.id, { a: '1' })));
  assert.deepEqual([told.base, told.pieces, told.versions], [snapshot.id, [], { a: '2', b: '1' }]);
  assert.equal(offers.versions(has(snapshot.id, { a: '2', b: '1' })), null);
  assert.equal(offers.versions(has(snapshot.id, { a: '3' })), null);
  assert.equal(offers.versions(has('0123456789abcdef', {})), null);
});

test('replicas that know the same serve each other’s proxies, whoever has listed later; one that is behind does not', () => {
  const one = snapshotOf([server('d/a', 1)]);
  const two = snapshotOf([server('d/a', 2)]);
  const old = new Offers();
  // has run for hours: the last change of type b was at 7
  old.publish({ snapshot: one, versions: { a: '100', b: '7' }, keys }, { a: '100', b: '7' });
  const fresh = new Offers();
  // has just listed; it does not know of what was deleted before
  fresh.publish({ snapshot: one, versions: { a: '90', b: '5' }, keys }, { a: '200', b: '200' });
  const proxy = (versions: Record<string, string>) => ({ ...has('0123456789abcdef', versions), keys: keysId(keys) });
  assert.deepEqual(read(fresh.newer(proxy({ a: '100', b: '7' }))).versions, { a: '100', b: '7' });
  assert.deepEqual(read(fresh.newer(emptySync)).versions, { a: '100', b: '7' });
  assert.deepEqual(read(old.newer(proxy({ a: '100', b: '7' }))).versions, { a: '100', b: '7' });
  // a change that only the fresh one has seen yet
  fresh.publish({ snapshot: two, versions: { a: '201', b: '5' }, keys }, { a: '201', b: '200' });
  const after = read(fresh.newer(has(one.id, { a: '100', b: '7' }))).versions;
  assert.deepEqual(after, { a: '201', b: '7' });
  assert.equal(old.newer(has(two.id, after)), null);
  assert.equal(old.versions(has(one.id, after)), null);
  // … and whoever was refused is told when the other one has seen it too, although its snapshot is the same
  assert.equal(old.publish({ snapshot: one, versions: { a: '100', b: '7' }, keys }, { a: '201', b: '7' }), true);
  assert.equal(old.publish({ snapshot: one, versions: { a: '100', b: '7' }, keys }, { a: '202', b: '7' }), false);
  assert.deepEqual(read(old.newer(has(two.id, after))).versions, after);
});

test('what is much travels by hash, in answers of bounded size', () => {
  const offers = new Offers();
  const big = Array.from({ length: 100 }, (_, i) => server(`d/${'x'.repeat(100_000)}${String(i).padStart(3, '0')}`, 1));
  const snapshot = snapshotOf(big);
  offers.publish({ snapshot, versions: {}, keys });
  const manifest = offers.newer(emptySync)!;
  assert.equal(read(manifest).pieces.length, 100);
  assert.equal(read(manifest).inline.length, 2);
  assert.ok(read(manifest).inline.reduce((sum, piece) => sum + JSON.stringify(piece).length, 0) <= INLINE_BYTES);
  const answer = JSON.parse(String(offers.pieces(big.map(({ hash }) => hash)))) as { pieces: Piece[] };
  assert.deepEqual(answer.pieces, big.slice(0, answer.pieces.length));
  const bytes = answer.pieces.map((piece) => JSON.stringify(piece).length);
  assert.ok(bytes.reduce((a, b) => a + b) > PIECES_BYTES && bytes.slice(1).reduce((a, b) => a + b) <= PIECES_BYTES);
  assert.deepEqual(JSON.parse(String(offers.pieces(['0123456789abcdef']))), { pieces: [] });
});

test('pieces out of order are refused before anybody is offered them', () => {
  const offers = new Offers();
  const { id, pieces } = snapshotOf([server('d/a', 1), server('d/b', 1)]);
  assert.throws(
    () => offers.publish({ snapshot: { id, pieces: pieces.toReversed() }, versions: {}, keys }),
    /RealServer d\/a does not stand in order/,
  );
  assert.equal(offers.newer(emptySync), null);
});
