import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Piece, Snapshot } from '../../model/snapshot.ts';
import { server, snapshotOf } from '../fixture/pieces.ts';
import { diffPieces, nameOf } from '../manifest.ts';
import { FORMAT, type Manifest, WireError } from '../wire.ts';
import { Assembly, PiecesGone } from './assembly.ts';

const none = (): Promise<readonly Piece[]> => Promise.reject(new Error('nothing was to be fetched'));

function manifest(after: Snapshot, before: Snapshot | null, inline: boolean): Manifest {
  const { changed, removed } =
    before === null ? { changed: after.pieces, removed: [] } : diffPieces(before.pieces, after.pieces);
  return {
    format: FORMAT,
    server: 's',
    id: after.id,
    versions: {},
    base: before?.id ?? null,
    pieces: changed.map(nameOf),
    removed,
    inline: inline ? changed : [],
    keys: { cookies: [], tickets: [] },
  };
}

const snapshot = fc
  .uniqueArray(fc.tuple(fc.constantFrom('d/a', 'd/b', 'd/c', 'd/d'), fc.nat(3)), { selector: ([key]) => key })
  .map((all) => snapshotOf(all.map(([key, port]) => server(key, port + 1))));

test('whatever follows whatever, whole or as a difference: what is made is what was meant, and damage is found', async () => {
  const step = fc.record({ next: snapshot, whole: fc.boolean(), damaged: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step), async (steps) => {
      const assembly = new Assembly();
      let base: Snapshot | null = null;
      for (const { next, whole, damaged } of steps) {
        const sent = manifest(next, whole ? null : base, true);
        if (damaged && base?.id !== next.id) {
          const wrong = { ...sent, id: '0123456789abcdef' };
          await assert.rejects(assembly.assemble(wrong, base, none), WireError);
        }
        const made = await assembly.assemble(sent, base, none);
        assert.deepEqual(made, next);
        assert.equal(await assembly.assemble(sent, base, none), made, 'made once');
        base = made;
      }
    }),
    { numRuns: 300 },
  );
});

test('what two replicas name is fetched from one of them', async () => {
  const assembly = new Assembly();
  const all = snapshotOf([server('d/a', 1), server('d/b', 1)]);
  const opened = Promise.withResolvers<readonly Piece[]>();
  const first = assembly.assemble(manifest(all, null, false), null, () => opened.promise);
  const second = assembly.assemble(manifest(all, null, false), null, none);
  opened.resolve(all.pieces);
  assert.equal(await first, await second);
});

test('where one fails to fetch, the other one fetches', async () => {
  const assembly = new Assembly();
  const all = snapshotOf([server('d/a', 1), server('d/b', 1)]);
  const opened = Promise.withResolvers<readonly Piece[]>();
  const first = assembly.assemble(manifest(all, null, false), null, () => opened.promise);
  const second = assembly.assemble(manifest(all, null, false), null, () => Promise.resolve(all.pieces));
  opened.reject(new Error('gone'));
  await assert.rejects(first, /gone/);
  assert.deepEqual(await second, all);
});

test('pieces that nobody has any more are told; what was fetched before is not fetched again', async () => {
  const assembly = new Assembly();
  const all = snapshotOf([server('d/a', 1), server('d/b', 1)]);
  const wanted: (readonly string[])[] = [];
  const fetch = (pieces: readonly Piece[]) => (hashes: readonly string[]) => {
    wanted.push(hashes);
    return Promise.resolve(pieces.filter(({ hash }) => hashes.includes(hash)));
  };
  await assert.rejects(assembly.assemble(manifest(all, null, false), null, fetch(all.pieces.slice(0, 1))), PiecesGone);
  assert.deepEqual(await assembly.assemble(manifest(all, null, false), null, fetch(all.pieces)), all);
  const [a, b] = all.pieces.map(({ hash }) => hash);
  assert.deepEqual(wanted, [[a, b], [b], [b]]);
});
