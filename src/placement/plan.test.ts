import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { modelOf } from './fixture.ts';
import type { Model } from './model.ts';
import { planChanges, STRICT } from './plan.ts';

/** `{host: workload}` per wanted instance → the plan in words. */
function planned(model: Model, wanted: readonly (readonly [host: string, workload: string])[]) {
  const key = (host: string, workload: string) =>
    model.workloadNames.indexOf(workload) * model.hostCount + model.hostNames.indexOf(host);
  const plan = planChanges(model, new Map(wanted.map(([host, workload]) => [key(host, workload), 1])), STRICT);
  const words = ({ op, host, workload }: { op: string; host: number; workload: number }) =>
    `${op} ${model.workloadNames[workload]} on ${model.hostNames[host]}`;
  return {
    steps: plan.steps.map(words),
    dropped: plan.dropped.map((each) => `${words(each)}: ${each.reason}`),
    forced: plan.forced.map(words),
    plan,
  };
}

const hosts = (...memory: number[]) =>
  memory.map((each, at) => ({ name: `h${at + 1}`, capacity: { cpu: 1 }, memory: each }));
const workload = (name: string, more: object = {}) => ({ name, memory: 1, ...more });
const column = (name: string, rate: number) => ({ name, workload: name, rate, cost: { cpu: 0.01 } });

describe('planChanges', () => {
  it('starts the new one before it stops the old one, and moves the load in between', () => {
    const model = modelOf({
      hosts: hosts(1, 1),
      workloads: [workload('a')],
      columns: [column('a', 80)],
      current: [{ host: 'h1', workload: 'a' }],
    });
    const { steps, dropped, plan } = planned(model, [['h2', 'a']]);
    assert.deepEqual(steps, ['start a on h2', 'stop a on h1']);
    assert.deepEqual(dropped, []);
    assert.deepEqual(
      plan.steps[1]?.shift.toSorted((x, y) => x.host - y.host).map(({ rate }) => Math.round(rate)),
      [0, 80],
    );
  });

  it('drops a swap for which there is no room, and says why', () => {
    const model = modelOf({
      hosts: hosts(1, 1),
      workloads: [workload('a'), workload('b')],
      columns: [column('a', 50), column('b', 50)],
      current: [
        { host: 'h1', workload: 'a' },
        { host: 'h2', workload: 'b' },
      ],
    });
    const { steps, dropped } = planned(model, [
      ['h2', 'a'],
      ['h1', 'b'],
    ]);
    assert.deepEqual(steps, []);
    assert.equal(dropped.length, 4);
    assert.match(dropped[0]!, /^start a on h2: h2 has no room for a before/);
    assert.match(dropped[2]!, /^stop a on h1: fewer than two other instances of a are ready/);
  });

  it('stops first where two others are ready and carry the load', () => {
    const model = modelOf({
      hosts: hosts(1, 1, 1, 1),
      workloads: [workload('a'), workload('b')],
      columns: [column('a', 100), column('b', 50)],
      current: [
        { host: 'h1', workload: 'a' },
        { host: 'h2', workload: 'a' },
        { host: 'h3', workload: 'a' },
        { host: 'h4', workload: 'b' },
      ],
    });
    const { steps } = planned(model, [
      ['h1', 'a'],
      ['h2', 'a'],
      ['h4', 'a'],
      ['h3', 'b'],
    ]);
    assert.deepEqual(steps, ['stop a on h3', 'start b on h3', 'stop b on h4', 'start a on h4']);
  });

  it('never goes below the minimum nor below what is served', () => {
    const model = modelOf({
      hosts: hosts(1, 1),
      workloads: [workload('a', { minInstances: 2 })],
      columns: [column('a', 150)],
      current: [
        { host: 'h1', workload: 'a' },
        { host: 'h2', workload: 'a' },
      ],
    });
    assert.match(planned(model, [['h1', 'a']]).dropped[0]!, /fewer than its minimum of 2/);
    const free = { ...model, minInstances: Float64Array.of(0) };
    assert.match(planned(free, [['h1', 'a']]).dropped[0]!, /less of a would be served than now/);
  });

  it('puts what may not stay first, and keeps to the most changes', () => {
    const model = modelOf({
      hosts: hosts(2, 2),
      workloads: [workload('a', { hosts: ['h2'] }), workload('b')],
      columns: [column('a', 10), column('b', 10)],
      current: [
        { host: 'h1', workload: 'a' },
        { host: 'h1', workload: 'b' },
      ],
      options: { maxChanges: 1 },
    });
    const { forced, steps, dropped } = planned(model, [
      ['h2', 'a'],
      ['h2', 'b'],
    ]);
    assert.deepEqual(forced, ['stop a on h1']);
    assert.deepEqual(steps, ['start a on h2']);
    assert.match(dropped[0]!, /1 changes are the most in one plan/);
  });
});
