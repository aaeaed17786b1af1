/** What the testbed asks for, and what its page makes of what was seen. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { repliesOf } from './httperf.ts';
import { type Facts, FIELDS, pack, type Result, textOf, unpack } from './kept-runs.ts';
import { matchings } from './measure.ts';
import { pageOf } from './page.ts';
import { EVERYWHERE, POLICIES, WHOLE } from './policies.ts';
import { requestsOf } from './requests.ts';
import { roundsOf } from './rounds.ts';
import { LOADS } from './scenarios.ts';
import { byStudent } from './student.ts';

test('every pair of apps is measured once, and no app twice at the same time', () => {
  const all = matchings(['a', 'b', 'c', 'd', 'e', 'f']);
  for (const round of all) assert.equal(new Set(round.flat()).size, 6);
  const pairs = all.flat().map((pair) => pair.toSorted().join(''));
  assert.equal(new Set(pairs).size, 15);
  assert.equal(pairs.length, 15);
});

test('every seed has the same runs, in another order', () => {
  const runs = [1, 2, 3].map((seed) =>
    roundsOf(seed, [{}, { byHand: [] }], 5)
      .flat()
      .map(({ scenario, policy, load }) => `${scenario} ${policy.name} ${load}`),
  );
  const count = 2 * (LOADS.length * EVERYWHERE.length + POLICIES.length - EVERYWHERE.length) - 1;
  for (const each of runs) assert.equal(new Set(each).size, count);
  assert.deepEqual(runs[1], runs[0]!.toReversed());
  assert.notDeepEqual(runs[2], runs[0]);
  assert.deepEqual(runs[2]!.toSorted(), runs[0]!.toSorted());
});

describe('requests', () => {
  const times = { seconds: 40, warmUp: 10, measured: 1 };
  const rates = [60, 40];

  test('come at the rate that is asked for', () => {
    const { count, time, work } = requestsOf({ seed: 1, times, load: 0.5, rates });
    assert.equal(Math.abs(count - 2000) < 4 * Math.sqrt(2000), true, String(count));
    assert.equal(
      time.every((each, i) => i === 0 || each >= time[i - 1]!),
      true,
    );
    assert.equal(Math.abs(work.reduce((a, b) => a + b, 0) / count - 1) < 4 / Math.sqrt(count), true);
  });

  test('an overload has lasted for half a minute when the warm-up ends', () => {
    const { time } = requestsOf({ seed: 1, times, load: 1.2, rates });
    const before = time.filter((each) => each < 10).length;
    // 10 s of what can be served, and what 30 s of 120 % leave over.
    const expected = 100 * (10 + 0.2 * 30);
    assert.equal(Math.abs(before - expected) < 4 * Math.sqrt(expected), true, String(before));
    const after = time.length - before;
    assert.equal(Math.abs(after - 3600) < 4 * Math.sqrt(3600), true, String(after));
  });
});

describe('results', () => {
  const run = {
    offered: 400,
    refused: 0.1,
    timedOut: 0.05,
    broken: 0,
    mean: 500,
    p50: 300,
    p99: 3000,
    died: 0,
    late: 4,
  };
  const facts: Facts = {
    name: 'demo',
    text: 'made up',
    document: {
      hosts: [{ name: 'web1', capacity: { cpu: 0.1, io: 1000 }, memory: 2 }],
      workloads: [{ name: 'a', memory: 1 }],
      columns: [{ name: 'a', workload: 'a', rate: 10, cost: { cpu: 0.008, io: 2048 } }],
    },
    placement: [{ node: 'web1', app: 'a', weight: 10_000, rate: 10 }],
    fixed: 8,
    tried: { 4: 0.8, 8: 0.9 },
  };
  const gains = [0.02, 0.03, 0.04];
  const result: Result = {
    seconds: 24,
    warmUp: 7,
    seeds: gains.length,
    lanes: 5,
    groups: 2,
    scenarios: [facts],
    isolation: { busy: { count: 400, mean: 101, error: 1 }, idle: { count: 400, mean: 100, error: 1 } },
    witness: [],
    fields: FIELDS,
    runs: gains.flatMap((gain, at) =>
      roundsOf(at + 1, [{}], 5)
        .flat()
        .map((job) => {
          const replied = job.policy === WHOLE ? 0.8 + gain : job.policy.cap === 'best fixed' ? 0.9 : 0.8;
          return pack(job, { ...run, replied, worst: replied });
        }),
    ),
  };
  const circumstances = { version: '0', commit: 'none', date: '', machine: '', load: 0, versions: {} };
  const page = pageOf({ circumstances, minutes: 1, result });

  test('are kept as they were', () => {
    const kept = JSON.parse(textOf({ result })) as { result: Result };
    assert.deepEqual(kept.result, result);
    const [job] = roundsOf(1, [{}], 5).flat();
    const whole = { ...run, replied: 0.9, worst: 0.5, p99: Number.NaN };
    assert.deepEqual(unpack(pack(job!, whole)).run, whole);
  });

  test('the page claims gains with their intervals, and shows losses', () => {
    assert.match(page, /\| caps \(against none\) \| \+3\.0 \[\+0\.5, \+5\.5\] \| better \|/);
    assert.match(
      page,
      /- at 120 %: \*\*worse\*\*, -7\.0 \[-9\.5, -4\.5\] points \(-7\.8 %\) to multi-resource \/ WLC \/ best fixed/,
    );
    assert.match(page, /- 120 %, to \+ conflict \/ WLC \/ best fixed: -7\.0 \[-9\.5, -4\.5\], \*\*worse\*\*/);
    assert.match(page, /Reduced: 3 of 5 seeds/);
    assert.match(page, /below the 2 % that were set/);
    assert.doesNotMatch(page, /NaN|undefined/);
  });

  test('a stage whose nodes disturb each other lets nothing be claimed of conflicts', () => {
    const isolation = { ...result.isolation, busy: { count: 400, mean: 105, error: 1 } };
    assert.match(
      pageOf({ circumstances, minutes: 1, result: { ...result, isolation } }),
      /nothing is claimed of conflicts/,
    );
  });
});

test('what httperf prints', () => {
  const text = 'Total: connections 130 requests 130 replies 129\n\nReply status: 1xx=0 2xx=119 3xx=0 4xx=0 5xx=10\n';
  assert.equal(repliesOf(text), 119);
  assert.throws(() => repliesOf('httperf: connection failed'), /printed no reply status/);
});

test('an interval by t, wider than that of a bootstrap of few values', () => {
  const { mean, low, high } = byStudent([[1, 2, 3, Number.NaN]]);
  assert.equal(mean, 2);
  // 4.303 / sqrt(3)
  assert.equal(Math.abs(high - 2 - 2.4843) < 0.001, true);
  assert.equal(Math.abs(2 - low - 2.4843) < 0.001, true);
  assert.equal(Number.isNaN(byStudent([[1]]).low), true);
});
