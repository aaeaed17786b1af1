import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseProblem } from '../placement/problem/problem-file.ts';
import type { Problem } from '../placement/problem/problem.ts';
import { simulatedProblem } from './of-problem.ts';
import { type Changes, changedProblem, type CellChange } from './what-if.ts';

function problemOf(more: object = {}): Problem {
  const parsed = parseProblem({
    hosts: [
      { name: 'h1', capacity: { cpu: 2, io: 100 }, class: 'old' },
      { name: 'h2', capacity: { cpu: 4, io: 50 } },
      { name: 'h3', capacity: { cpu: 1, io: 10 } },
    ],
    workloads: [
      { name: 'shop', idle: { cpu: 0.1 }, sensitivity: { cpu: 0.5 }, hosts: ['h1', 'h2'] },
      { name: 'batch', pressure: { cpu: 1, io: 1 } },
    ],
    columns: [
      { name: 'browse', workload: 'shop', rate: 10, cost: { cpu: 0.01 } },
      { name: 'pay', workload: 'shop', rate: 2, cost: { cpu: 0.02, io: 1 } },
      { name: 'batch', rate: 1, cost: { cpu: 0.5, io: 5 } },
    ],
    kappa: { default: 0.01, old: 0.02 },
    current: [
      { host: 'h1', workload: 'shop', instances: 2 },
      { host: 'h2', workload: 'shop' },
      { host: 'h2', workload: 'batch' },
    ],
    load: [
      { host: 'h1', column: 'browse', rate: 6, weight: 60 },
      { host: 'h2', column: 'browse', rate: 4, weight: 40 },
      { host: 'h1', column: 'pay', rate: 1.5 },
      { host: 'h2', column: 'pay', rate: 0.5 },
    ],
    options: { utilization: 0.5 },
    ...more,
  });
  assert.ok(parsed.ok);
  return parsed.problem;
}

const changed = (problem: Problem, changes: Partial<Changes>) =>
  changedProblem(problem, { lostHosts: [], demand: [], weights: [], caps: [], ...changes });

describe('a problem as a world', () => {
  it('has all capacity but what is used idle, growth by class, conflicts, and what instances accept', () => {
    const { world, hosts } = simulatedProblem(problemOf(), 32);
    assert.deepEqual(hosts, ['h1', 'h2', 'h3']);
    assert.deepEqual(
      [...world.capacity].map((each) => Math.round(1e6 * each) / 1e6),
      [1.8, 100, 3.9, 50, 1, 10],
    );
    assert.deepEqual([...world.kappa], [0.02, 0.01, 0.01]);
    assert.deepEqual([...world.most], [1, Infinity]);
    assert.deepEqual([...world.accepts], [64, 0, 32, 32, 0, 0]);
    // Only batch disturbs shop, and only its processor.
    assert.deepEqual([...world.chi!], [0, 0, 0.5, 0, 0, 0, 0, 0]);
  });

  it('has weights as they are in force, by loads where none are given, else equal ones per instance', () => {
    assert.deepEqual(shown(problemOf()), ['browse h1 60', 'browse h2 40', 'pay h1 7500', 'pay h2 2500', 'batch h2 1']);
    assert.deepEqual(shown(problemOf({ load: [] })), [
      'browse h1 2',
      'browse h2 1',
      'pay h1 2',
      'pay h2 1',
      'batch h2 1',
    ]);
  });
});

describe('a change', () => {
  it('of demand is of one column or of all, by a rate or a factor', () => {
    const after = changed(problemOf(), {
      demand: [
        { column: null, by: { factor: 2 } },
        { column: 'pay', by: { rate: 7 } },
        { column: 'batch', by: { factor: 3 } },
      ],
    });
    assert.ok(!('fault' in after));
    assert.deepEqual(
      after.columns.map(({ rate }) => rate),
      [20, 7, 6],
    );
  });

  it('of weights is of all of a column; a lost host is nowhere any more', () => {
    const after = changed(problemOf(), {
      lostHosts: ['h1'],
      weights: [
        {
          column: 'browse',
          cells: new Map([
            ['h1', 1],
            ['h2', 9],
          ]),
        },
      ],
    });
    assert.ok(!('fault' in after));
    const { cells, hosts, columns } = simulatedProblem(after, 1);
    assert.deepEqual(hosts, ['h2', 'h3']);
    assert.deepEqual(
      cells.map(({ host, column, weight }) => [hosts[host], columns[column], weight]),
      [
        ['h2', 'browse', 9],
        ['h2', 'pay', 10_000],
        ['h2', 'batch', 1],
      ],
    );
    assert.deepEqual(after.workloads[0]!.hosts, ['h2']);
  });

  it('of caps is of all of a column, whatever weights it has; a change of weights leaves them', () => {
    const capped = problemOf({
      load: [
        { host: 'h1', column: 'browse', rate: 6, weight: 60, cap: 3 },
        { host: 'h2', column: 'browse', rate: 4, weight: 40 },
      ],
    });
    const caps = (after: ReturnType<typeof changed>) => {
      assert.ok(!('fault' in after));
      const { cells, hosts, columns } = simulatedProblem(after, 1);
      return cells.map(({ host, column, weight, cap }) => `${columns[column]} ${hosts[host]} ${weight} ${cap}`);
    };
    const others = ['pay h1 2 Infinity', 'pay h2 1 Infinity', 'batch h2 1 Infinity'];
    assert.deepEqual(caps(changed(capped, {})), ['browse h1 60 3', 'browse h2 40 Infinity', ...others]);
    assert.deepEqual(caps(changed(capped, { caps: [oneCell('browse', 'h2', 7), oneCell('pay', 'h1', 2)] })), [
      'browse h1 60 Infinity',
      'browse h2 40 7',
      'pay h1 2 2',
      ...others.slice(1),
    ]);
    assert.deepEqual(caps(changed(capped, { weights: [oneCell('browse', 'h1', 5)] })), [
      'browse h1 5 3',
      'browse h2 0 Infinity',
      ...others,
    ]);
  });

  it('that names what is not there is a fault that says what is', () => {
    const faults = [
      changed(problemOf(), { lostHosts: ['h9'] }),
      changed(problemOf(), { lostHosts: ['h1', 'h2', 'h3'] }),
      changed(problemOf(), { demand: [{ column: 'no', by: { factor: 1 } }] }),
      changed(problemOf(), { weights: [oneCell('no', 'h1')] }),
      changed(problemOf(), { weights: [oneCell('pay', 'h3')] }),
      changed(problemOf(), { caps: [oneCell('pay', 'h3')] }),
    ];
    assert.deepEqual(
      faults.map((each) => ('fault' in each ? each.fault : null)),
      [
        'there is no host h9; there are h1, h2, h3',
        'no host would be left',
        'there is no column no; there are browse, pay, batch',
        'there is no column no; there are browse, pay, batch',
        'pay: no instance of shop runs on h3; they run on h1, h2',
        'pay: no instance of shop runs on h3; they run on h1, h2',
      ],
    );
  });
});

function shown(problem: Problem): string[] {
  const { cells, hosts, columns } = simulatedProblem(problem, 1);
  return cells.map(({ host, column, weight }) => `${columns[column]} ${hosts[host]} ${weight}`);
}

function oneCell(column: string, host: string, amount = 1): CellChange {
  return { column, cells: new Map([[host, amount]]) };
}
