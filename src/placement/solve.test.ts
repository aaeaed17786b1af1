import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { DEMO, demoProblem, modelOf } from './fixture.ts';
import { loadOptimizer } from './program/highs.ts';
import type { Optimizer } from './program/linear-program.ts';
import { seededRandom } from './random.ts';
import { resultOf } from './result.ts';
import { solve, type SolveOptions } from './solve.ts';

let optimizer: Optimizer;
before(async () => (optimizer = await loadOptimizer()));

function answer(file: unknown, options: SolveOptions = {}) {
  const model = modelOf(file);
  return resultOf(model, solve(model, { rounds: 100, ...options }), 0);
}

/** A problem of a few hosts and apps, from a seed. */
function someProblem(seed: number, { apps = 8, alpha = 0.8, resources = ['cpu'] } = {}) {
  const random = seededRandom(seed);
  const hosts = Array.from({ length: 5 }, (_, at) => ({
    name: `h${at}`,
    capacity: Object.fromEntries(resources.map((each) => [each, 1 + 2 * random()])),
    memory: 2 + 2 * random(),
  }));
  const workloads = Array.from({ length: apps }, (_, at) => ({ name: `w${at}`, memory: 0.4 + random() }));
  const columns = workloads.map(({ name }) => ({
    name,
    workload: name,
    rate: 100 * random(),
    cost: Object.fromEntries(resources.map((each) => [each, 0.004 + 0.008 * random()])),
  }));
  const first = resources[0]!;
  const asked = columns.reduce((sum, { rate, cost }) => sum + rate * cost[first]!, 0);
  const has = hosts.reduce((sum, { capacity }) => sum + capacity[first]!, 0);
  for (const each of columns) each.rate *= (alpha * has) / asked;
  return { hosts, workloads, columns };
}

describe('solve', () => {
  it('gives the demo matrix for demands that are the demo matrix', () => {
    const { load, satisfied } = answer(demoProblem());
    assert.ok(satisfied > 1 - 1e-9);
    const weights = Object.groupBy(load, ({ column }) => column);
    const percent = Object.entries(weights).map(([app, cells]) => [
      app,
      Object.fromEntries(cells!.map(({ host, weight }) => [host, weight / 100])),
    ]);
    assert.deepEqual(Object.fromEntries(percent), DEMO);
  });

  it('is the same for the same seed', () => {
    const file = someProblem(3, { apps: 14, alpha: 0.99 });
    assert.deepEqual(answer(file, { seed: 7 }), answer(file, { seed: 7 }));
    const small = someProblem(3, { apps: 6, alpha: 0.99, resources: ['cpu', 'io'] });
    assert.deepEqual(answer(small, { seed: 7, optimizer }), answer(small, { seed: 7, optimizer }));
  });

  it('needs no more than the time that it has', () => {
    let looks = 0;
    const file = someProblem(3, { apps: 14, alpha: 0.99 });
    const { satisfied } = answer(file, { rounds: 1e9, secondsLeft: () => (looks++ < 50 ? 1 : 0) });
    assert.ok(satisfied > 0.5);
  });

  it('has a plan when the search takes all the time that it may', () => {
    const file = someProblem(3, { apps: 16, alpha: 0.99 });
    const first = answer({ ...file, columns: file.columns.slice(0, 8) });
    const current = first.instances.map(({ host, workload, count }) => ({ host, workload, instances: count }));
    // A clock that goes on when somebody looks at it, until only the reserve is left.
    let left = 100;
    const { changes } = answer(
      { ...file, current },
      { rounds: 1e9, reserve: 10, secondsLeft: () => (left > 10 ? left-- : 10) },
    );
    assert.ok(left === 10 && changes.length > 0, `${left}, ${changes.length}`);
  });

  it('changes nothing but memory when a column is split into identical parts', () => {
    for (const resources of [['cpu'], ['cpu', 'io']]) {
      for (let seed = 1; seed <= 6; seed++) {
        const whole = { ...someProblem(seed, { apps: 5, alpha: 1.1, resources }), options: { fairness: false } };
        for (const host of whole.hosts) host.memory = 100;
        // Three request classes of one workload, and three workloads of which only one needs memory.
        const classes = structuredClone(whole);
        const [column] = classes.columns.splice(2, 1);
        const parts = ['a', 'b', 'c'].map((part) => ({ ...column!, name: `part-${part}`, rate: column!.rate / 3 }));
        classes.columns.push(...parts);
        const apart = structuredClone(classes);
        for (const part of apart.columns.slice(-2)) part.workload = part.name;
        apart.workloads.push(...apart.columns.slice(-2).map(({ name }) => ({ name, memory: 0 })));
        const [one, two, three] = [whole, classes, apart].map(
          (file) => answer(file, { optimizer, exact: true, rounds: 200 }).satisfied,
        );
        assert.ok(Math.abs(one! - two!) < 1e-4, `seed ${seed}: ${one}, in classes ${two}`);
        assert.ok(Math.abs(one! - three!) < 1e-4, `seed ${seed}: ${one}, in workloads ${three}`);
      }
    }
  });

  it('places workloads that need different resources side by side from the first', () => {
    // As much as nine tenths of both resources, so that none of them may be left over anywhere.
    const hosts = Array.from({ length: 20 }, (_, at) => ({ name: `h${at}`, capacity: { cpu: 1, io: 1 }, memory: 4 }));
    const workloads = Array.from({ length: 12 }, (_, at) => ({ name: `w${at}`, memory: at < 6 ? 0.9 : 1 }));
    const columns = workloads.map(({ name }, at) => ({
      name,
      workload: name,
      rate: 215,
      cost: at < 6 ? { cpu: 0.01, io: 0.004 } : { cpu: 0.004, io: 0.01 },
    }));
    const { satisfied } = answer({ hosts, workloads, columns }, { improve: false });
    assert.ok(satisfied > 0.93, `${satisfied}`);
  });

  it('has searched to the end when its time is over, however many rounds it might have had', () => {
    const file = {
      ...someProblem(3, { apps: 12, alpha: 1.1, resources: ['cpu', 'io'] }),
      options: { fairness: false },
    };
    let left = 2000;
    const parts: number[] = [];
    answer(file, {
      rounds: 1_000_000,
      secondsLeft: () => Math.max(0, left--),
      exact: false,
      onProgress: ({ step, part }) => void (step === 'search' && parts.push(part)),
    });
    assert.ok(parts.length > 5 && parts.at(-1)! > 0.8, `${parts.length}, the last of them ${parts.at(-1)}`);
  });

  it('proves small clusters, and is not far from it without the proof', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const problem = someProblem(seed, { apps: 9, alpha: 0.97, resources: ['cpu', 'io'] });
      const file = { ...problem, options: { fairness: false } };
      const [proven, searched] = [true, false].map((exact) => answer(file, { optimizer, exact, rounds: 200 }));
      assert.ok(proven!.provenOptimal);
      assert.ok(!searched!.provenOptimal);
      assert.ok(proven!.satisfied >= searched!.satisfied - 2e-4);
      assert.ok(searched!.satisfied >= proven!.satisfied - 0.04, `${seed}: ${searched!.satisfied}`);
    }
  });

  it('serves all alike where there is not enough', () => {
    const hosts = [{ name: 'h', capacity: { cpu: 1 } }];
    const columns = ['a', 'b', 'c'].map((name, at) => ({ name, rate: 100 * (at + 1), cost: { cpu: 0.01 } }));
    const { served, fairness, shortages } = answer({ hosts, columns });
    for (const [at, { rate }] of served.entries()) assert.ok(Math.abs(rate - (100 * (at + 1)) / 6) < 1e-2, `${rate}`);
    assert.ok(Math.abs(fairness - 1 / 6) < 1e-5);
    assert.match(shortages[0]!.reason, /its hosts are full \(cpu\)/);
    const greedy = answer({
      hosts,
      columns: columns.map((each, at) => ({ ...each, value: at + 1 })),
      options: { fairness: false },
    });
    assert.deepEqual(
      greedy.served.map(({ rate }) => Math.round(rate)),
      [0, 0, 100],
    );
  });

  it('keeps what runs where a change would not earn its price', () => {
    const file = someProblem(9, { alpha: 0.6 });
    const first = answer(file);
    const random = seededRandom(4);
    for (const column of file.columns) column.rate *= 0.9 + 0.2 * random();
    const current = first.instances.map(({ host, workload, count }) => ({ host, workload, instances: count }));
    const next = answer({ ...file, current, load: first.load });
    assert.deepEqual(next.changes, []);
    assert.ok(next.satisfied > 0.98);
    const free = answer({ ...file, current, load: first.load, options: { changeCost: 0 } });
    assert.ok(free.satisfied >= next.satisfied - 1e-9);
  });

  it('starts the first instance of a workload however little it is asked for', () => {
    const file = {
      hosts: [{ name: 'h', capacity: { cpu: 1 }, memory: 2 }],
      workloads: ['big', 'small'].map((name) => ({ name, memory: 1 })),
      columns: [
        { name: 'big', workload: 'big', rate: 50, cost: { cpu: 0.01 } },
        { name: 'small', workload: 'small', rate: 0.01, cost: { cpu: 0.01 } },
      ],
      current: [{ host: 'h', workload: 'big' }],
    };
    assert.deepEqual(
      answer(file).changes.map(({ op, workload }) => `${op} ${workload}`),
      ['start small'],
    );
    assert.deepEqual(answer({ ...file, options: { fairness: false } }).changes, []);
  });

  it('holds minimum and maximum, hosts, neighbours to be kept apart, and instances per host', () => {
    const names = ['h1', 'h2', 'h3'];
    const file = {
      hosts: names.map((name) => ({ name, capacity: { cpu: 1 }, memory: 4, pods: 3 })),
      workloads: [
        { name: 'two', memory: 1, minInstances: 2 },
        { name: 'one', memory: 1, maxInstances: 1 },
        { name: 'bound', memory: 1, hosts: ['h3'], apart: ['two'] },
        { name: 'thrice', memory: 0.5, minInstances: 3, maxPerHost: 1 },
      ],
      columns: [
        { name: 'two', workload: 'two', rate: 1, cost: { cpu: 0.01 } },
        { name: 'one', workload: 'one', rate: 150, cost: { cpu: 0.01 } },
        { name: 'bound', workload: 'bound', rate: 10, cost: { cpu: 0.01 } },
      ],
    };
    for (const exact of [true, false]) {
      const { instances } = answer(file, { optimizer, exact });
      const where = (name: string) => instances.filter(({ workload }) => workload === name).map(({ host }) => host);
      assert.deepEqual(where('bound'), ['h3']);
      assert.deepEqual(where('two'), ['h1', 'h2']);
      assert.equal(where('one').length, 1);
      assert.deepEqual(where('thrice'), names);
    }
  });

  it('puts workloads that disturb each other on different hosts', () => {
    const file = {
      hosts: ['h1', 'h2'].map((name) => ({ name, capacity: { cpu: 1 }, memory: 4 })),
      workloads: ['a', 'b', 'c', 'd'].map((name) => ({ name, memory: 1, maxInstances: 1 })),
      columns: ['a', 'b', 'c', 'd'].map((name) => ({ name, workload: name, rate: 40, cost: { cpu: 0.01 } })),
      conflicts: [
        ['a', 'b'],
        ['b', 'a'],
        ['c', 'd'],
        ['d', 'c'],
      ].map(([workload, other]) => ({ workload, with: other, resource: 'cpu', factor: 1 })),
    };
    for (const exact of [true, false]) {
      const { instances, satisfied } = answer(file, { optimizer, exact });
      const host = (name: string) => instances.find(({ workload }) => workload === name)?.host;
      assert.ok(satisfied > 1 - 1e-6);
      assert.notEqual(host('a'), host('b'));
      assert.notEqual(host('c'), host('d'));
    }
  });

  it('tells caps from profiles, within the host’s', () => {
    const file = {
      hosts: [{ name: 'h', capacity: { cpu: 2 }, concurrency: 30 }],
      kappa: { default: '0.01' },
      columns: [
        { name: 'a', rate: 100, cost: { cpu: 0.01 }, seconds: 0.1 },
        { name: 'b', rate: 20, cost: { cpu: 0.01 }, seconds: 1, concurrency: 12 },
        { name: 'c', rate: 20, cost: { cpu: 0.01 } },
      ],
    };
    const { load, utilization } = answer(file);
    assert.deepEqual(
      load.map(({ cap }) => cap),
      [21, 12, null],
    );
    assert.ok(Math.abs(utilization[0]!.used - (1.4 * 1.29) / 2) < 1e-9);
  });
});
