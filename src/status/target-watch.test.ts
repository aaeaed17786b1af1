import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { RowCounts } from '../model/counts.ts';
import { withShares } from '../model/shares.ts';
import type { Balance, Snapshot } from '../model/snapshot.ts';
import { TargetWatch } from './target-watch.ts';

const KEY = 'a/m';

/** One matrix, and a virtual server whose rule sends appc by it. */
const snapshot = (balance: Balance = 'RoundRobin') =>
  ({
    id: '1',
    pieces: [
      { kind: 'Matrix', key: KEY, columns: [] },
      {
        kind: 'VirtualServer',
        key: 'a/http',
        balance,
        scheduler: 'http',
        rules: [{ destinations: { kind: 'App', matrix: KEY, app: 'appc' }, match: { hashGroup: 0 } }],
      },
    ],
  }) as unknown as Snapshot;

/** `[weight, requests, as far as it is warm]` of web1, web2 … as one proxy counts them. */
const row = (...cells: readonly [weight: number, requests: number, scaled?: number][]): RowCounts => ({
  id: `matrix ${KEY} appc`,
  epoch: 1,
  cells: withShares(
    cells.map(([weight, epochRequests, scaled], at) => ({
      server: `a/web${at + 1}`,
      app: 'appc',
      weight,
      ...(scaled === undefined ? {} : { scaled }),
      available: true,
      epochRequests,
      requests: epochRequests,
      retries: 0,
      sticky: 0,
      failures: 0,
    })),
  ),
});

/** What two looks at the same counts have come to. */
function looks(rows: readonly RowCounts[], balance?: Balance) {
  const watch = new TargetWatch();
  watch.look(snapshot(balance), new Map([[KEY, rows]]));
  return watch.look(snapshot(balance), new Map([[KEY, rows]])).get(KEY);
}

test('every proxy is on target by what it asks itself: one whose endpoints are still cold asks for less of them', () => {
  assert.equal(looks([row([3, 750], [1, 250]), row([3, 75], [1, 25])])?.status, 'True');
  // The other proxy has known web2 for long: its share is the whole one there.
  assert.equal(looks([row([3, 900], [1, 100]), row([3, 75], [1, 25])])?.status, 'False');
  assert.equal(looks([row([3, 900, 27], [1, 100, 3]), row([3, 75], [1, 25])])?.status, 'True');
});

test('one proxy that is off is told of, by the cell that is furthest off, once two looks have seen it', () => {
  const watch = new TargetWatch();
  const counts = new Map([[KEY, [row([1, 50], [1, 50]), row([1, 52], [1, 48])]]]);
  assert.equal(watch.look(snapshot(), counts).get(KEY), undefined);
  assert.deepEqual(watch.look(snapshot(), counts).get(KEY), {
    status: 'False',
    message: 'appc at a/web1: asked 0.500, delivered 0.520',
  });
  const right = new Map([[KEY, [row([1, 51], [1, 51]), row([1, 52], [1, 51])]]]);
  assert.equal(watch.look(snapshot(), right).get(KEY)?.status, 'True');
});

test('without requests nothing is known, and what was known stays so', () => {
  const watch = new TargetWatch();
  const [none, right] = [new Map([[KEY, [row([1, 0], [1, 0])]]]), new Map([[KEY, [row([1, 1], [1, 1])]]])];
  assert.equal(watch.look(snapshot(), none).get(KEY)?.status, 'Unknown');
  assert.equal(watch.look(snapshot(), right).get(KEY)?.status, 'True');
  assert.equal(watch.look(snapshot(), none).get(KEY)?.status, 'True');
  assert.equal(watch.look({ id: '2', pieces: [] }, none).get(KEY), undefined);
});

test('what does not promise exact shares is off by a tenth at least, of a hundred requests', () => {
  assert.equal(looks([row([1, 58], [1, 42])], 'LeastConnections')?.status, 'True');
  assert.equal(looks([row([1, 62], [1, 38])], 'LeastConnections')?.status, 'False');
  assert.equal(looks([row([1, 30], [1, 9])], 'LeastConnections')?.status, 'True');
});
