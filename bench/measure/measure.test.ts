import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { summarise } from '../parts/syscalls.ts';
import { ratio, type Sample } from '../parts/throughput.ts';
import { table } from '../report/tables.ts';
import { Histogram } from './histogram.ts';
import { cpuTime, memory, tree } from './process.ts';
import { spellsOf } from './slow-spells.ts';
import { median, slope, slopeWithin } from './statistics.ts';

test('a percentile of the histogram is right to 1.6 %', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { minLength: 1 }),
      fc.constantFrom(0.5, 0.99, 0.999, 1),
      (values, share) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0;
        const answer = histogram.percentile(share);
        assert.ok(answer >= exact && answer <= exact * 1.016 + 1, `${answer} for ${exact}`);
      },
    ),
  );
});

test('the median of an even number is between the middle two', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([3, 1, 2]), 2);
});

test('the slope of a line with one outlier is the slope of the line', () => {
  const line = [0, 1, 2, 3, 4, 5].map((x) => ({ x, y: 3 * x + 7 }));
  assert.equal(slope(line), 3);
  assert.equal(slope([...line, { x: 6, y: -100 }]), 3);
  assert.equal(slope([]), 0);
});

test('the slope has bounds: close together on a line, none where points are few', () => {
  const line = [...Array(20).keys()].map((x) => ({ x, y: 3 * x + (x % 3) / 10 }));
  const { slope: middle, low, high } = slopeWithin(line);
  assert.ok(low > 2.98 && low <= middle && middle <= high && high < 3.02, `${low} ${middle} ${high}`);
  // Kendall's table: four points tell nothing with a confidence of 95 %.
  assert.deepEqual(slopeWithin(line.slice(0, 4)).low, Number.NEGATIVE_INFINITY);
  assert.deepEqual(slopeWithin([]), { slope: 0, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY });
});

test('processor time and memory of a process tree', { skip: process.platform !== 'linux' }, () => {
  const before = cpuTime(process.pid);
  const until = performance.now() + 100;
  while (performance.now() < until);
  const after = cpuTime(process.pid);
  assert.ok(after.user + after.system > before.user + before.system);
  assert.ok(memory(process.pid).pss > 1e6);
  assert.ok(tree(process.ppid).includes(process.pid));
});

const costing = (user: number): Sample => ({ requests: 1, errors: 0, rate: 1, user, system: 0 });

test('ratios are taken within a round', () => {
  const rounds = [
    { tcpvs: costing(10), nginx: costing(12) },
    { tcpvs: costing(20), nginx: costing(30) },
    { tcpvs: costing(10), nginx: costing(9) },
  ];
  assert.deepEqual(ratio(rounds, 'nginx'), { median: 1.2, least: 0.9, most: 1.5 });
  assert.equal(ratio(rounds, 'haproxy'), null);
});

test('the table of strace is summed per request', () => {
  const text = [
    '% time     seconds  usecs/call     calls    errors syscall',
    '------ ----------- ----------- --------- --------- ----------------',
    ' 60.00    0.060000           3       200           writev',
    ' 40.00    0.040000           2       210        10 recvfrom',
    '  0.00    0.000000           0         1           brk',
    '100.00    0.100000           2       411        10 total',
  ].join('\n');
  assert.deepEqual(summarise(text, 100), { perRequest: 4.11, calls: ['recvfrom 2.10', 'writev 2.00'] });
});

test('numbers stand to the right, words to the left', () => {
  assert.equal(
    table(
      ['name', 'n'],
      [
        ['a', '1'],
        ['bcdef', '22'],
      ],
    ),
    '| name  |   n |\n| ----- | --: |\n| a     |   1 |\n| bcdef |  22 |',
  );
});

test('slow spells: pieces of more than four times a good one, and how long they come in a row', () => {
  const took = [0.02, 0.02, 0.25, 0.5, 0.02, 0.5, 0.02, 0.02, 0.02, 0.07];
  const { share, longest, good, worst } = spellsOf(took.map((each, at) => ({ at, took: each })));
  assert.equal(share, 0.3);
  assert.equal(longest, 1.5);
  assert.ok(good >= 20 && good <= 21, `${good}`);
  assert.equal(worst, 500);
  assert.deepEqual(spellsOf([]), { share: 0, longest: 0, good: 0, worst: 0 });
});
