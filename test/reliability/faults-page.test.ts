import assert from 'node:assert/strict';
import { test } from 'node:test';

import { faultsSection, told } from './faults-page.ts';

const FAULTS = {
  date: '2030-01-01T00:00:00Z',
  figures: [
    { fault: 7, what: 'stale', mode: 'reduced', gets: 1000, getStatuses: { 200: 1000 }, same: true },
    { fault: 2, what: 'refused', mode: 'full', milliseconds: { p50: 1.984, max: 13 } },
  ],
};
const SOAK = {
  circumstances: { date: '' },
  result: {
    minutes: 120.1,
    rate: 200,
    changes: 9,
    clients: { a: { done: 1000, failed: 0 }, b: { done: 500, failed: 2 } },
    verdict: { faults: ['2 x b'] },
  },
};
const AUDIT = {
  circumstances: { date: '2030-01-01' },
  result: [{ examiner: 'testssl|sh', version: '3', findings: [], figures: { checks: 134, 'left out': 3 } }],
};

test('figures are told in words, rows in their order; reduced counts and faults are not passed over', () => {
  const lines = faultsSection(FAULTS, SOAK, AUDIT);
  const rows = lines.filter((line) => /^\| \S+/.test(line) && !/^\| (?:row|---|examiner)/.test(line));
  assert.deepEqual(rows, [
    '| 2 | refused | milliseconds (p50: 1.98, max: 13) |',
    '| 7 | stale (reduced) | gets 1,000; get statuses (200: 1,000); same yes |',
    '| 31 | soak (`make soak`) | minutes 120; rate 200; requests 1,500; failed 2; changes of weights 9; 2 x b |',
    '| testssl\\|sh 3 | nothing | checks 134; left out 3 |',
  ]);
});

test('of a soak at half load it is told half of what', () => {
  const soak = { ...SOAK, result: { ...SOAK.result, rate: 700, capacity: { rate: 1400 }, notSent: 3 } };
  assert.ok(
    faultsSection(FAULTS, soak, null).includes(
      '| 31 | soak (`make soak`) | minutes 120; rate 700 of 1,400 that were carried; requests 1,500; failed 2; not sent 3; changes of weights 9; 2 x b |',
    ),
  );
});

test('what was not measured has no part', () => {
  assert.deepEqual(faultsSection(null, SOAK, null), []);
});

test('texts do not break the table', () => {
  assert.equal(told({ slowest: 'a|b', times: [1, 2] }), 'slowest a\\|b; times 1, 2');
});
