import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countedCell } from '../../learning/fixture.ts';
import type { CellCounts, CountsDocument } from '../../model/counts.ts';
import { WindowSums } from './window-sums.ts';

const cell = (requests: number, more: Partial<CellCounts> = {}): CellCounts =>
  countedCell('d/web1', 'shop', requests, {
    seconds: 0.01,
    sticky: 1,
    failures: requests / 10,
    work: { answered: requests, seconds: requests / 100, timeouts: 0, shed: 2 },
    ...more,
  });

const counts = (...cells: CellCounts[]): CountsDocument => ({
  rows: [
    { id: 'matrix d/m shop', epoch: 1, cells },
    { id: 'matrix d/static shop', epoch: 1, cells },
  ],
  endpoints: [],
});

const isWanted = (row: string) => row.startsWith('matrix d/m ');

function open() {
  const sums = new WindowSums();
  return {
    take: (documents: Record<string, CountsDocument>) => sums.take(new Map(Object.entries(documents)), isWanted),
    rows: () => sums.document().rows,
    cells: () => sums.document().rows[0]?.cells ?? [],
    sums,
  };
}

test('only what was counted since a proxy is known is summed', () => {
  const { take, cells } = open();
  take({ a: counts(cell(100)), b: counts(cell(1000)) });
  assert.equal(cells()[0]?.requests, 0);
  take({ a: counts(cell(130)), b: counts(cell(1050)) });
  const [sum] = cells();
  assert.deepEqual(
    [sum?.requests, sum?.failures, sum?.work],
    [80, 8, { answered: 80, seconds: 0.8, timeouts: 0, shed: 0 }],
  );
});

const timed = (requests: number, times: readonly number[]): CellCounts =>
  cell(requests, { work: { answered: requests, seconds: 1, timeouts: 0, shed: 0, times } });

test('answers are told apart by how long they took', () => {
  const { take, cells } = open();
  take({ a: counts(timed(10, [9, 1])), b: counts(timed(5, [0, 0, 5])) });
  take({ a: counts(timed(13, [9, 2, 2])), b: counts(timed(6, [0, 0, 5, 1])) });
  take({ a: counts(timed(13, [9, 2, 2])), b: counts(timed(2, [0, 2])) });
  assert.deepEqual(cells()[0]?.work?.times, [0, 1 + 2, 2, 1]);
});

test('a proxy that leaves, comes, or starts anew neither takes from the sum nor adds what was long ago', () => {
  const { take, cells } = open();
  take({ a: counts(cell(100)), b: counts(cell(1000)) });
  take({ a: counts(cell(110)) });
  assert.equal(cells()[0]?.requests, 10);
  take({ a: counts(cell(120)), c: counts(cell(5000)) });
  assert.equal(cells()[0]?.requests, 20);
  take({ a: counts(cell(5)), c: counts(cell(5001)) });
  assert.equal(cells()[0]?.requests, 20 + 5 + 1 + 1 + 2, 'a has begun anew, at 0, with what was sticky and shed');
});

test('a cell takes work where it does at any proxy, and none where no proxy has it', () => {
  const { take, cells } = open();
  take({ a: counts(cell(1, { available: false })), b: counts(cell(1)) });
  assert.equal(cells()[0]?.available, true);
  take({ a: counts(cell(1, { available: false })) });
  assert.equal(cells()[0]?.available, false);
});

test('a row that nobody asks for is not there', () => {
  const { take, rows, sums } = open();
  take({ a: counts(cell(1)) });
  assert.deepEqual(
    rows().map(({ id }) => id),
    ['matrix d/m shop'],
  );
  sums.take(new Map(), () => false);
  assert.deepEqual(rows(), []);
});
