import assert from 'node:assert/strict';
import test from 'node:test';

import type { CountsDocument } from '../model/counts.ts';
import { type CellSums, withShares } from '../model/shares.ts';
import { mergeCounts } from './merge-counts.ts';

const cell = (server: string, weight: number, requests: number, available = true): CellSums => ({
  server,
  app: 'appc',
  weight,
  available,
  epochRequests: requests,
  requests: requests + 10,
  retries: 1,
  sticky: 0,
  failures: 0,
});

const document = (cells: readonly CellSums[], active: number, down: readonly string[] = []): CountsDocument => ({
  rows: [{ id: 'matrix a/m appc', epoch: active, cells: withShares(cells) }],
  endpoints: [{ server: 'a/web2', address: '10.0.0.12', port: 80, active, available: down.length === 0, down }],
});

test('cells are summed, and shares are those of the sums', () => {
  const one = document([cell('a/web2', 87, 87), cell('a/web3', 13, 13)], 2);
  const two = document([cell('a/web2', 87, 43), cell('a/web3', 13, 7)], 3);
  const [row] = mergeCounts([one, two]).rows;
  assert.deepEqual(
    row?.cells.map(({ server, epochRequests, requests, retries }) => [server, epochRequests, requests, retries]),
    [
      ['a/web2', 130, 150, 2],
      ['a/web3', 20, 40, 2],
    ],
  );
  assert.deepEqual(
    row?.cells.map(({ asked, delivered }) => [asked, delivered]),
    [
      [0.87, 130 / 150],
      [0.13, 20 / 150],
    ],
  );
});

test('answers by how long they took are summed, where anybody told them apart', () => {
  const done = { answered: 3, seconds: 1, timeouts: 0, shed: 1 };
  const merged = (...times: (readonly number[] | null)[]) => {
    const documents = times.map((each) => {
      const work = each === null ? done : { ...done, times: each };
      return document([{ ...cell('a/web2', 1, 1), work }], 1);
    });
    return mergeCounts(documents).rows[0]!.cells[0]!.work;
  };
  assert.deepEqual(merged([1, 2], null, [0, 1, 4])?.times, [1, 3, 4]);
  assert.deepEqual(merged(null, null), { answered: 6, seconds: 2, timeouts: 0, shed: 2 });
});

test('what is in flight at a cell that has a cap is that of all proxies', () => {
  const documents = [3, 4].map((inFlight) =>
    document([{ ...cell('a/web2', 1, 1), cap: 12, inFlight }, cell('a/web3', 1, 1)], 1),
  );
  const [capped, free] = mergeCounts(documents).rows[0]!.cells;
  assert.deepEqual([capped?.cap, capped?.inFlight, free?.cap, free?.inFlight], [12, 7, undefined, undefined]);
});

test('a row that one proxy does not have yet, and weights that differ meanwhile', () => {
  const old = document([cell('a/web2', 100, 50)], 1);
  const now = document([cell('a/web2', 50, 4), cell('a/web3', 50, 4)], 1);
  const [row] = mergeCounts([old, { rows: [], endpoints: [] }, now]).rows;
  assert.deepEqual(
    row?.cells.map(({ server, weight, epochRequests }) => [server, weight, epochRequests]),
    [
      ['a/web2', 50, 54],
      ['a/web3', 50, 4],
    ],
  );
});

test('an endpoint is out where nobody gives it work, and what is in flight is summed', () => {
  const well = document([], 2);
  const ill = document([], 3, ['ejected']);
  assert.deepEqual(mergeCounts([well, ill]).endpoints[0], { ...well.endpoints[0], active: 5 });
  assert.deepEqual(mergeCounts([ill, ill]).endpoints[0]?.down, ['ejected']);
  assert.equal(mergeCounts([ill, ill]).endpoints[0]?.available, false);
});

test('what is the same object at all proxies as it was is merged once', () => {
  const [one, two] = [document([cell('a/web2', 87, 87)], 2), document([cell('a/web2', 87, 43)], 3)];
  const before = mergeCounts([one, two]);
  const again = mergeCounts([{ ...one }, { ...two }]);
  assert.equal(again.rows[0], before.rows[0]);
  assert.equal(again.endpoints[0], before.endpoints[0]);
  const other = mergeCounts([document([cell('a/web2', 87, 88)], 2), two]);
  assert.equal(other.rows[0]?.cells[0]?.epochRequests, 88 + 43);
});
