import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Piece } from '../../model/snapshot.ts';
import { matrix, realServer } from '../main/fixture/support.ts';
import { diffPieces, type Pieces } from './diff.ts';

/** By name and value, always the same object: as pieces are that did not change. */
const known = new Map<string, Piece>();
function piece(kind: string, name: string, value: number, copy: boolean): Piece {
  const id = `${kind} ${name} ${value}`;
  const made = kind === 'server' ? realServer(name, [['10.0.0.1', value]]) : matrix(name, ['a'], { h: [value] });
  const same = known.get(id) ?? { ...made, hash: id };
  known.set(id, same);
  return copy ? { ...same } : same;
}

const pieces = fc
  .uniqueArray(
    fc.tuple(fc.constantFrom('server', 'matrix'), fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(1), fc.boolean()),
    { selector: ([kind, name]) => `${kind} ${name}` },
  )
  .map((all) => all.map((each) => piece(...each)));

test('what changed and what is gone, whatever the order, and whether pieces are the same objects or equal ones', () => {
  fc.assert(
    fc.property(pieces, pieces, (before, after) => {
      const of = (kind: Piece['kind']) =>
        new Map(before.filter((each) => each.kind === kind).map((each) => [each.key, each]));
      const current = {
        servers: of('RealServer'),
        matrices: of('Matrix'),
        virtualServers: new Map(),
        services: new Map(),
      } as unknown as Pieces;
      const { servers, matrices } = diffPieces(current, before, after);
      for (const [diff, kind] of [
        [servers, 'RealServer'],
        [matrices, 'Matrix'],
      ] as const) {
        const old = of(kind);
        const now = new Map(after.filter((each) => each.kind === kind).map((each) => [each.key, each]));
        const changed = [...now.keys()].filter((key) => old.get(key)?.hash !== now.get(key)!.hash);
        assert.deepEqual([...diff.changed.keys()].toSorted(), changed.toSorted());
        assert.deepEqual([...diff.removed].toSorted(), [...old.keys()].filter((key) => !now.has(key)).toSorted());
        for (const key of ['a', 'b', 'c', 'd', 'e']) assert.equal(diff.get(key)?.hash, now.get(key)?.hash);
      }
    }),
    { numRuns: 1000 },
  );
});
