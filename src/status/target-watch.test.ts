import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CellWork, EndpointCounts, RowCounts } from '../model/counts.ts';
import { withShares } from '../model/shares.ts';
import type { Balance, Snapshot } from '../model/snapshot.ts';
import { groupCounts } from './known-conditions.ts';
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

const counts = (rows: readonly RowCounts[], endpoints: readonly EndpointCounts[] = []) =>
  groupCounts({ rows, endpoints });

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
  watch.look(snapshot(balance), counts(rows));
  return watch.look(snapshot(balance), counts(rows)).get(KEY);
}

test('every proxy is on target by what it asks itself: one whose endpoints are still cold asks for less of them', () => {
  assert.equal(looks([row([3, 750], [1, 250]), row([3, 75], [1, 25])])?.status, 'True');
  // The other proxy has known web2 for long: its share is the whole one there.
  assert.equal(looks([row([3, 900], [1, 100]), row([3, 75], [1, 25])])?.status, 'False');
  assert.equal(looks([row([3, 900, 27], [1, 100, 3]), row([3, 75], [1, 25])])?.status, 'True');
});

test('one proxy that is off is told of, by the cell that is furthest off, once two looks have seen it', () => {
  const watch = new TargetWatch();
  const wrong = counts([row([1, 50], [1, 50]), row([1, 52], [1, 48])]);
  assert.equal(watch.look(snapshot(), wrong).get(KEY), undefined);
  assert.deepEqual(watch.look(snapshot(), wrong).get(KEY), {
    status: 'False',
    reason: 'SharesDeviate',
    message: 'appc at a/web1: asked 0.500, delivered 0.520',
  });
  const right = counts([row([1, 51], [1, 51]), row([1, 52], [1, 51])]);
  assert.equal(watch.look(snapshot(), right).get(KEY)?.status, 'True');
});

const capped = (at: number, rows: RowCounts): RowCounts => ({
  ...rows,
  cells: rows.cells.map((cell, index) => (index === at ? { ...cell, cap: 3, inFlight: 3 } : cell)),
});

test('a cell that is held by its cap is not what the weights are blamed for', () => {
  const off = row([1, 30], [1, 70]);
  assert.deepEqual([looks([capped(0, off)])?.status, looks([capped(0, off)])?.reason], ['Unknown', 'LimitsBind']);
  assert.equal(looks([capped(1, off)])?.reason, 'SharesDeviate', 'the one with the cap has more than it asks for');
  assert.equal(looks([capped(0, row([1, 50], [1, 50]))])?.status, 'True', 'a cap that does not bind');
});

test('without requests nothing is known, and what was known stays so', () => {
  const watch = new TargetWatch();
  const [none, right] = [counts([row([1, 0], [1, 0])]), counts([row([1, 1], [1, 1])])];
  assert.equal(watch.look(snapshot(), none).get(KEY)?.status, 'Unknown');
  assert.equal(watch.look(snapshot(), right).get(KEY)?.status, 'True');
  assert.equal(watch.look(snapshot(), none).get(KEY)?.status, 'True');
  assert.equal(watch.look({ id: '2', pieces: [] }, none).get(KEY), undefined);
});

test('what promises nothing is off by a tenth at least, of a hundred requests', () => {
  assert.equal(looks([row([1, 58], [1, 42])], 'PeakEwma')?.status, 'True');
  assert.equal(looks([row([1, 62], [1, 38])], 'PeakEwma')?.status, 'False');
  assert.equal(looks([row([1, 30], [1, 9])], 'PeakEwma')?.status, 'True');
});

/** Since start, of web1 and web2: requests and seconds of each, and requests that neither could take. */
const worked = ([requests1, seconds1]: Worked, [requests2, seconds2]: Worked, shed = 0): RowCounts => {
  const { id, cells } = row([1, requests1], [1, requests2]);
  const work = [
    { answered: requests1, seconds: seconds1, timeouts: 0, shed },
    { answered: requests2, seconds: seconds2, timeouts: 0, shed: 0 },
  ] satisfies CellWork[];
  return { id, epoch: 1, cells: cells.map((cell, at) => ({ ...cell, work: work[at]! })) };
};
type Worked = readonly [requests: number, seconds: number];

/** How a row of the least loaded looks after each of these counts. */
function inTurn(rows: readonly (readonly RowCounts[])[], endpoints: readonly EndpointCounts[] = []) {
  const watch = new TargetWatch();
  const servers = [{ kind: 'RealServer', key: 'a/web2', isAdaptive: false, maxConnections: 8 }];
  const { id, pieces } = snapshot('LeastConnections');
  const with2 = { id, pieces: [...pieces, ...servers] } as unknown as Snapshot;
  return rows.map((each) => {
    const { status, reason } = watch.look(with2, counts(each, endpoints)).get(KEY)!;
    return `${status} ${reason}`;
  });
}

const RIGHT = 'True SharesDelivered';
const WRONG = 'False SharesDeviate';
const NOTHING = 'Unknown NoRequests';
const LIMITED = 'Unknown LimitsBind';

test('least connections share what is in flight: a server twice as fast has twice the requests', () => {
  const fast = [[worked([0, 0], [0, 0])], [worked([200, 20], [100, 20])], [worked([400, 40], [200, 40])]];
  assert.deepEqual(inTurn(fast), [NOTHING, RIGHT, RIGHT]);
  // On an idle row it is requests that are shared by weight.
  const idle = [[worked([0, 0], [0, 0])], [worked([100, 20], [100, 10])]];
  assert.deepEqual(inTurn(idle), [NOTHING, RIGHT]);
  const off = [[worked([0, 0], [0, 0])], [worked([200, 40], [100, 20])], [worked([400, 80], [200, 40])]];
  assert.deepEqual(inTurn(off), [NOTHING, NOTHING, WRONG]);
});

test('what came before the first look, or before a proxy came or went, says nothing', () => {
  assert.deepEqual(inTurn([[worked([900, 90], [0, 0])], [worked([950, 95], [50, 5])]]), [NOTHING, RIGHT]);
  const two = [worked([900, 90], [0, 0]), worked([0, 0], [900, 90])];
  assert.deepEqual(inTurn([two, [two[0]!], [worked([950, 95], [50, 5])]]), [NOTHING, NOTHING, RIGHT]);
});

test('fewer than a hundred requests are added to those of the next look', () => {
  const few = [0, 40, 80, 120].map((count) => [worked([count, count], [0, 0])]);
  assert.deepEqual(inTurn(few), [NOTHING, NOTHING, NOTHING, NOTHING]);
});

const busy = (active: number) => [
  { server: 'a/web2', address: '10.0.0.2', port: 80, active, available: true, down: [] },
];

test('where limits bind it is not known; where they do not matter it is', () => {
  const off = (shed: number) =>
    [0, 100, 200].map((count) => [worked([2 * count, count], [count / 2, count / 4], shed * count)]);
  assert.deepEqual(inTurn(off(0)), [NOTHING, NOTHING, WRONG]);
  assert.deepEqual(inTurn(off(1)), [NOTHING, LIMITED, LIMITED]);
  assert.deepEqual(inTurn(off(0), busy(8)), [NOTHING, LIMITED, LIMITED]);
  assert.deepEqual(inTurn(off(0), busy(7)), [NOTHING, NOTHING, WRONG]);
  const right = [[worked([0, 0], [0, 0])], [worked([100, 10], [100, 10], 5)]];
  assert.deepEqual(inTurn(right, busy(8)), [NOTHING, RIGHT]);
});
