import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { TIMES } from '../model/answer-times.ts';
import type { CountsDocument } from '../model/counts.ts';
import { withShares } from '../model/shares.ts';
import { diffCounts, MergedCounts, NO_COUNTS, reportPause } from './reports.ts';
import { parseBody, reportRequestSchema } from './wire.ts';

const plain = { noNullPrototype: true };
const warm = fc.record(
  {
    server: fc.constantFrom('d/h1', 'd/h2', ''),
    app: fc.constantFrom(null, 'a'),
    weight: fc.nat(65_535),
    available: fc.boolean(),
    epochRequests: fc.nat(),
    requests: fc.nat(),
    retries: fc.nat(3),
    sticky: fc.nat(3),
    failures: fc.nat(3),
  },
  plain,
);
const counted = fc
  .record({ answered: fc.nat(), seconds: fc.nat().map((ms) => ms / 1000), timeouts: fc.nat(9), shed: fc.nat(9) }, plain)
  .chain((done) =>
    fc.option(fc.array(fc.nat(), { maxLength: TIMES })).map((times) => (times === null ? done : { ...done, times })),
  );
const capped = fc.record({ cap: fc.integer({ min: 1, max: 1_000_000 }), inFlight: fc.nat(9) }, plain);
const cell = fc
  .tuple(warm, fc.option(fc.nat(65_535)), fc.option(counted), fc.option(capped))
  .map(([each, scaled, done, limited]) => ({
    ...each,
    ...(scaled === null ? {} : { scaled }),
    ...(done === null ? {} : { work: done }),
    ...limited,
  }));
const row = fc.record(
  {
    id: fc.constantFrom('rule d/v a', 'matrix d/m a', 'servers d/v'),
    epoch: fc.nat(3),
    cells: fc.array(cell, { maxLength: 3 }).map(withShares),
  },
  plain,
);
const endpoint = fc.record(
  {
    server: fc.constantFrom('d/h1', 'd/h2'),
    address: fc.constantFrom('10.0.0.1', '::1'),
    port: fc.constantFrom(80, 81),
    active: fc.nat(3),
    available: fc.boolean(),
    down: fc.subarray(['check', 'ejected']),
  },
  plain,
);
const counts: fc.Arbitrary<CountsDocument> = fc.record(
  {
    rows: fc.uniqueArray(row, { selector: ({ id }) => id }),
    endpoints: fc.uniqueArray(endpoint, { selector: ({ server, address, port }) => `${server} ${address} ${port}` }),
  },
  plain,
);

const inOrder = ({ rows, endpoints }: CountsDocument) => ({
  rows: rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  endpoints: endpoints.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
});

test('what is merged from reports is what was counted, however small the parts; nothing new is nothing to report', () => {
  fc.assert(
    fc.property(fc.array(counts, { minLength: 1, maxLength: 4 }), fc.constantFrom(1, 200, 1e6), (documents, most) => {
      const merged = new MergedCounts();
      let before = NO_COUNTS;
      for (const document of documents) {
        for (const part of diffCounts(before, document, most)) {
          const body = Buffer.from(JSON.stringify({ sequence: 1, base: 0, ...part }));
          merged.merge(parseBody(reportRequestSchema, body));
        }
        before = document;
        assert.deepEqual(inOrder(merged.document), inOrder(document));
        const size = document.rows.reduce((sum, { cells }) => sum + cells.length, 0) + document.endpoints.length;
        assert.equal(merged.size, size);
        assert.deepEqual(diffCounts(document, structuredClone(document)), []);
      }
    }),
    { numRuns: 500 },
  );
});

const difference = (from: CountsDocument, to: CountsDocument) =>
  diffCounts(from, to).map(({ rows, rowsGone }) => [rows.map(([id]) => id).toSorted(), rowsGone.toSorted()]);

test('of documents that share what has not changed, the difference is the same as of copies', () => {
  const many = fc.uniqueArray(
    row.chain((each) => fc.nat(60).map((number) => ({ ...each, id: `row ${number}` }))),
    {
      selector: ({ id }) => id,
      maxLength: 60,
    },
  );
  // What becomes of each: it stays, changes, goes, comes again at the end.
  const fates = fc.array(fc.constantFrom('stays', 'stays', 'changes', 'goes', 'moves'), {
    minLength: 60,
    maxLength: 60,
  });
  fc.assert(
    fc.property(many, many, fates, (before, others, fate) => {
      const stay = before.flatMap((each, index) =>
        fate[index] === 'goes' || fate[index] === 'moves'
          ? []
          : [fate[index] === 'changes' ? { ...each, epoch: each.epoch + 1 } : each],
      );
      const moved = before.filter((_, index) => fate[index] === 'moves');
      const known = new Set([...stay, ...moved].map(({ id }) => id));
      const after = [...stay, ...moved, ...others.filter(({ id }) => !known.has(id))];
      const [one, two] = [
        { rows: before, endpoints: [] },
        { rows: after, endpoints: [] },
      ];
      assert.deepEqual(difference(one, two), difference(structuredClone(one), two));
      const merged = new MergedCounts();
      for (const document of [one, two]) {
        for (const part of diffCounts(document === one ? NO_COUNTS : one, document)) merged.merge(part);
      }
      assert.deepEqual(inOrder(merged.document), inOrder(two));
    }),
    { numRuns: 500 },
  );
});

test('rows that are not reported anew stay the same objects', () => {
  const merged = new MergedCounts();
  const cells = withShares([
    {
      server: 'd/h',
      app: null,
      weight: 1,
      available: true,
      epochRequests: 1,
      requests: 1,
      retries: 0,
      sticky: 0,
      failures: 0,
    },
  ]);
  const one = {
    rows: [
      { id: 'a', epoch: 1, cells },
      { id: 'b', epoch: 1, cells },
    ],
    endpoints: [],
  };
  for (const part of diffCounts(NO_COUNTS, one)) merged.merge(part);
  const before = merged.document;
  assert.equal(merged.document, before);
  const two = { rows: [{ id: 'a', epoch: 2, cells }, one.rows[1]!], endpoints: [] };
  for (const part of diffCounts(one, two)) merged.merge(part);
  assert.notEqual(merged.document.rows[0], before.rows[0]);
  assert.equal(merged.document.rows[1], before.rows[1]);
  merged.clear();
  assert.deepEqual([merged.document, merged.size], [NO_COUNTS, 0]);
});

test('it is told apart whether the health of an endpoint is another, or numbers alone', () => {
  const merged = new MergedCounts();
  const none = { rows: [], rowsGone: [], endpoints: [], endpointsGone: [] };
  const well = ['d/h1', '10.0.0.1', 80, 0, 1, []] as const;
  const report = (...said: readonly unknown[]) =>
    merged.merge({ ...none, endpoints: [said] } as unknown as Parameters<MergedCounts['merge']>[0]);
  assert.equal(report(...well), 'Health', 'new');
  assert.equal(report('d/h1', '10.0.0.1', 80, 7, 1, []), 'Counts', 'another number of requests');
  assert.equal(report('d/h1', '10.0.0.1', 80, 7, 0, ['check']), 'Health', 'out');
  assert.equal(report('d/h1', '10.0.0.1', 80, 7, 0, ['ejected']), 'Health', 'out for another reason');
  assert.equal(report(...well), 'Health', 'back');
  assert.equal(merged.merge(none), 'Counts');
  assert.equal(merged.merge({ ...none, endpointsGone: [['d/h1', '10.0.0.1', 81]] }), 'Counts', 'none that was known');
  assert.equal(merged.merge({ ...none, endpointsGone: [['d/h1', '10.0.0.1', 80]] }), 'Health', 'gone');
});

test('proxies report every second, and more seldom where what they say together is too much', () => {
  assert.equal(reportPause(1000, 2), 1000);
  assert.equal(reportPause(1 << 20, 5), 5000);
  assert.equal(reportPause(1 << 20, 5000), 30_000);
});
