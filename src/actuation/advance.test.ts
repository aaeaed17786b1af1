import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { instanceSeen as instance, workloadSeen as workload } from '../model/fixture/workloads.ts';
import type { Rows } from '../model/matrix-rows.ts';
import type { Seen, Served, WorkloadSeen } from '../model/workloads.ts';
import { advance } from './advance.ts';
import { MARK } from './costs.ts';
import { type Course, courseOf } from './course.ts';
import { abandonedCells, editRows } from './edit-rows.ts';

const NOW = Date.UTC(2026, 0, 1);

const seen = (workloads: WorkloadSeen[], now = NOW, memory = 2): Seen => ({
  now,
  hosts: new Map(['h1', 'h2', 'h3'].map((name) => [name, { node: `node-${name}`, memory, pods: 10, isReady: true }])),
  workloads: new Map(workloads.map((each) => [each.name, each])),
});

const served = (isQuiesced: boolean, inFlight: number | null = 0): Served => ({
  isQuiesced: () => isQuiesced,
  inFlight: () => inFlight,
});

const columns = new Map([
  ['a', ['a']],
  ['b', ['b']],
]);

/** `start a h1`: changes in words. */
function course(changes: readonly string[], of: Seen): Course {
  const planned = changes.map((each) => {
    const [op, name, host] = each.split(' ') as ['start' | 'stop', string, string];
    return { op, workload: name, host, reason: 'it is planned', shift: [{ host, column: name, rate: 10 }] };
  });
  return courseOf({ changes: planned, before: [{ host: 'h1', column: 'a', rate: 20 }] }, columns, of, 'for the test');
}

const scale = (from: number, to: number) => ({ kind: 'Scale', workload: 'a', from, to });
const reasons = ({ news }: { readonly news: readonly { readonly reason: string }[] }) =>
  news.map(({ reason }) => reason);
const why = ({ news }: { readonly news: readonly { readonly note: string }[] }) => news.at(-1)?.note ?? '';

describe('a start', () => {
  const before = seen([workload('a', [instance('a1', 'h1')])]);

  it('asks for one more, puts it on its host, and shifts the load when it is ready there', () => {
    const first = advance(course(['start a h2'], before), before, served(true));
    assert.deepEqual(first.writes, [scale(1, 2)]);
    assert.deepEqual(first.weights, [{ kind: 'Cell', host: 'h2', columns: ['a'], weight: 1 }]);
    assert.match(why(first), /^an instance of a is started for h2: it is planned; for the test$/);

    const gated = seen([workload('a', [instance('a1', 'h1'), instance('a2', null, { isGated: true })])]);
    const second = advance(first.course, gated, served(true));
    assert.deepEqual(second.writes, [
      { kind: 'Open', workload: 'a', pod: 'a2', host: 'h2', why: 'planned: it is planned' },
    ]);
    const there = seen([workload('a', [instance('a1', 'h1'), instance('a2', 'h2')])]);
    const last = advance(second.course, there, served(true));
    assert.equal(last.course, null);
    assert.deepEqual(reasons(last), ['Started']);
    assert.equal(last.weights[0]?.kind, 'Loads');
  });

  it('is not done where there is no memory, nor beyond the most, nor while a rollout runs', () => {
    const full = seen([workload('a', [instance('a1', 'h1')], { memory: 3 })]);
    assert.match(why(advance(course(['start a h2'], full), full, served(true))), /h2 has no memory left for a/);
    const most = seen([workload('a', [instance('a1', 'h1')], { most: 1 })]);
    assert.match(why(advance(course(['start a h2'], most), most, served(true))), /a may have 1 instances/);
    const rolling = seen([workload('a', [instance('a1', 'h1')], { isSettled: false })]);
    const planned = course(['start a h2'], rolling);
    assert.deepEqual(advance(planned, rolling, served(true)), { course: planned, writes: [], weights: [], news: [] });
    const stopped = advance(planned, { ...rolling, now: NOW + 121_000 }, served(true));
    assert.match(why(stopped), /a new version of a is being rolled out: start a on h2$/);
    assert.deepEqual(stopped.writes, []);
  });

  it('ends the plan where somebody else scales, and where the pod has landed elsewhere', () => {
    const begun = advance(course(['start a h2', 'stop a h1'], before), before, served(true)).course;
    const other = seen([workload('a', [instance('a1', 'h1')], { replicas: 5 })]);
    assert.match(why(advance(begun, other, served(true))), /somebody else asks for 5 instances of a, where 2 were/);
    const astray = seen([workload('a', [instance('a1', 'h1'), instance('a2', 'h3')])]);
    const ended = advance(begun, astray, served(true));
    assert.match(why(ended), /was not placed on h2, and the next plan begins where it is/);
    assert.deepEqual(ended.writes, []);
    assert.deepEqual(ended.weights, [{ kind: 'Cell', host: 'h2', columns: ['a'], weight: 'Mean' }]);
  });

  it('is taken back where the instance does not come up', () => {
    const begun = advance(course(['start a h2'], before), before, served(true)).course;
    const instances = [instance('a1', 'h1'), instance('a2', 'h2', { isReady: false })];
    const [waiting, late] = [200_000, 301_000].map((passed) => seen([workload('a', instances)], NOW + passed));
    assert.notEqual(advance(begun, waiting!, served(true)).course, null);
    const ended = advance(begun, late!, served(true));
    assert.deepEqual(ended.writes, [scale(2, 1)]);
    assert.match(why(ended), /an instance of a is not ready after 301 s/);
  });
});

describe('a stop', () => {
  const three = [instance('a1', 'h1'), instance('a2', 'h2'), instance('a3', 'h3')];
  const before = seen([workload('a', three)]);
  const begun = advance(course(['stop a h2'], before), before, served(false));

  it('shifts and quiesces first, waits until it is empty, marks the instance, and only then asks for one less', () => {
    assert.deepEqual(begun.writes, []);
    assert.deepEqual(begun.weights.at(-1), { kind: 'Cell', host: 'h2', columns: ['a'], weight: 0 });
    for (const still of [served(false), served(true, 1), served(true, null)]) {
      assert.deepEqual(advance(begun.course, before, still), { ...begun, weights: [], news: [] });
    }
    const empty = advance(begun.course, before, served(true));
    assert.deepEqual(empty.writes, [{ kind: 'Cost', workload: 'a', pod: 'a2', from: null, to: MARK }]);
    const marked = seen([workload('a', [three[0]!, instance('a2', 'h2', { cost: MARK }), three[2]!])]);
    const asked = advance(empty.course, marked, served(true));
    assert.deepEqual(asked.writes, [scale(3, 2)]);
    const gone = seen([workload('a', [three[0]!, instance('a2', 'h2', { cost: MARK, isGoing: true }), three[2]!])]);
    const last = advance(asked.course, gone, served(true));
    assert.equal(last.course, null);
    assert.deepEqual([reasons(last), last.writes], [['Stopped'], []]);
  });

  it('leaves what is in flight to the instance’s own end after a minute', () => {
    const later = advance(begun.course, { ...before, now: NOW + 61_000 }, served(true, 5));
    assert.equal(later.course?.stage, 'Stopping');
  });

  it('sees when Kubernetes took another one, and takes its mark off', () => {
    const marked = instance('a2', 'h2', { cost: MARK });
    const at = { ...course(['stop a h2'], before), stage: 'Scaling' as const, replicas: { a: 2 } };
    const other = advance(at, seen([workload('a', [three[0]!, marked])]), served(true));
    assert.match(why(other), /Kubernetes took another instance of a than the one on h2/);
    assert.deepEqual(other.writes, [{ kind: 'Cost', workload: 'a', pod: 'a2', from: MARK, to: null }]);
    assert.deepEqual(other.weights, [{ kind: 'Cell', host: 'h2', columns: ['a'], weight: 'Mean' }]);
  });

  it('is not done below the minimum, never to the last ready one, and before a start only where two others are ready', () => {
    const least = seen([workload('a', three, { least: 3 })]);
    assert.match(
      why(advance(course(['stop a h2'], least), least, served(true))),
      /2 other instances of a are ready, and 3/,
    );
    const last = seen([workload('a', [three[1]!, instance('a4', 'h1', { isReady: false })], { least: 0 })]);
    assert.match(
      why(advance(course(['stop a h2'], last), last, served(true))),
      /0 other instances of a are ready, and 1/,
    );
    const two = seen([workload('a', three.slice(0, 2), { least: 0 })]);
    const swap = advance(course(['stop a h2', 'start a h3'], two), two, served(true));
    assert.match(why(swap), /1 other instances of a are ready, and 2 must be/);
    assert.equal(
      advance(course(['stop a h2', 'start a h1'], before), before, served(false)).course?.stage,
      'Quiescing',
    );
  });

  it('does not quiesce the cell of two instances for one of them', () => {
    const twins = seen([workload('a', [instance('a1', 'h2'), instance('a2', 'h2'), instance('a3', 'h1')])]);
    const step = advance(course(['stop a h2'], twins), twins, served(false));
    assert.deepEqual(
      step.weights.map(({ kind }) => kind),
      ['Loads'],
    );
    assert.deepEqual(step.writes, [{ kind: 'Cost', workload: 'a', pod: 'a1', from: null, to: MARK }]);
  });
});

describe('what is not ours', () => {
  it('ends the plan and says why', () => {
    const foreign = seen([
      workload('a', [instance('a1', 'h1')], {
        whyNot: { reason: 'ScaledByOthers', message: 'HorizontalPodAutoscaler d/a scales it' },
      }),
    ]);
    const step = advance(course(['start a h2'], foreign), foreign, served(true));
    assert.match(why(step), /since HorizontalPodAutoscaler d\/a scales it: start a on h2$/);
    assert.deepEqual(step.writes, []);
  });
});

/** Weights of an app on h1, h2, … */
const rows = (weights: readonly number[]): Rows =>
  weights.map((weight, at) => ({ server: `h${at + 1}`, weights: [{ app: 'a', weight }] }));

describe('without a course', () => {
  it('gates are opened and marks are taken off', () => {
    const left = seen([
      workload('a', [instance('a1', 'h1', { cost: MARK }), instance('a2', null, { isGated: true })]),
      workload('b', [instance('b1', 'h1', { cost: 5 })]),
    ]);
    assert.deepEqual(advance(null, left, served(false)).writes, [
      {
        kind: 'Open',
        workload: 'a',
        pod: 'a2',
        host: 'h2',
        why: 'no place is planned for it; none of its kind is there, and most memory is left',
      },
      { kind: 'Cost', workload: 'a', pod: 'a1', from: MARK, to: null },
    ]);
  });

  it('instances of several workloads that come at once are not all sent to one host', () => {
    const both = seen(['a', 'b'].map((name) => workload(name, [instance(`${name}1`, null, { isGated: true })])));
    assert.deepEqual(
      advance(null, both, served(false)).writes.map((each) => each.kind === 'Open' && each.host),
      ['h1', 'h2'],
    );
  });

  it('a rollout keeps the placement', () => {
    const rolled = seen([
      workload('a', [
        instance('a1', 'h1'),
        instance('a2', 'h3'),
        instance('b1', 'h1', { version: 'v2' }),
        instance('b2', null, { version: 'v2', isGated: true }),
        instance('b3', null, { version: 'v2', isGated: true }),
      ]),
    ]);
    const { writes } = advance(null, rolled, served(false));
    assert.deepEqual(
      writes.map((each) => each.kind === 'Open' && each.host),
      ['h3', 'h2'],
    );
    const everywhere = seen([
      workload('a', [
        ...['h1', 'h2', 'h3'].map((host) => instance(host, host)),
        instance('a4', null, { isGated: true }),
      ]),
    ]);
    assert.deepEqual(
      advance(null, everywhere, served(false)).writes.map((each) => each.kind === 'Open' && each.host),
      [null],
    );
  });

  it('what a course has left at 0, or held back, gets a weight again; what the object has at 0 does not', () => {
    const given = rows([1, 1, 1, 1, 0]);
    const now = seen([workload('a', [instance('a1', 'h1'), instance('a2', 'h4')])]);
    const left = rows([300, 0, 1, 1, 0]);
    const edits = abandonedCells(left, given, now, new Map([['a', 'a']]));
    // The one on h4 is live: with how little is for the next cycle to say.
    assert.deepEqual(editRows(left, edits), rows([300, 300, 300, 1, 0]));
  });
});
