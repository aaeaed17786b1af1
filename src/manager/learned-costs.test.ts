import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import type { AppProfile, Figure, MatrixProfile, WorkloadProfile } from '../model/profiles.ts';
import { compileModel } from '../placement/model.ts';
import { loadOptimizer } from '../placement/program/highs.ts';
import { resultOf } from '../placement/result.ts';
import { solve } from '../placement/solve.ts';
import { concurrencies, conflictsOfApps } from './added-costs.ts';
import { expectedOf } from './expected.ts';
import { figure, matrixOf, specOf } from './fixture.ts';
import { learnedCosts } from './learned-costs.ts';
import { problemOf } from './problem-of.ts';

const sure = (value: number): Figure => ({ ...figure(value), error: value / 100, upper: value });
const vague = (value: number): Figure => ({ ...figure(value), error: value, upper: 2 * value });

const learnedApp = (app: string, cost: number, alone: number, more: Partial<AppProfile> = {}): AppProfile => ({
  app,
  demand: figure(10),
  cost: { cpu: figure(cost) },
  alone: { cpu: figure(alone) },
  seconds: figure(0.2),
  failures: 0,
  concurrency: null,
  cells: [],
  ...more,
});

const workload = (name: string, growth: Figure, conflicts: WorkloadProfile['conflicts'] = []): WorkloadProfile => ({
  workload: name,
  idle: {},
  growth: { cpu: growth },
  conflicts,
  busiest: 4,
});

const beside = (neighbour: string, factor: Figure) => [{ with: neighbour, resource: 'cpu', factor }];
const itself = (app: string): string => app;
const near = (value: number | undefined, expected: number): void =>
  assert.ok(Math.abs(value! - expected) < 1e-9, `${value}, expected ${expected}`);

const profile = (more: Partial<MatrixProfile>): MatrixProfile => ({
  matrix: 'd/m',
  apps: [learnedApp('shop', 0.03, 0.02), learnedApp('batch', 0.1, 0.08)],
  ...more,
});

const planned = (name: string, owner: string, cost: object) => ({ name, workload: owner, rate: 1, cost: { ...cost } });

describe('learned costs', () => {
  it('are those beside the neighbours that there are, as long as nothing certain is known of what adds to them', () => {
    for (const workloads of [undefined, [workload('shop', vague(0.01), beside('batch', vague(0.5)))]]) {
      const { cost, conflicts, kappa } = learnedCosts(profile(workloads === undefined ? {} : { workloads }), itself, 5);
      near(cost.get('shop')!['cpu'], 0.03);
      assert.deepEqual([conflicts, kappa], [[], 0]);
    }
  });

  it('are those alone where a conflict is certain, which is felt in full where the neighbour is as busy as it was', () => {
    const workloads = [workload('shop', figure(0), beside('batch', sure(0.5))), workload('batch', figure(0))];
    const { cost, conflicts, pressureRate } = learnedCosts(profile({ workloads }), itself, 5);
    near(cost.get('shop')!['cpu'], 0.02);
    near(cost.get('batch')!['cpu'], 0.1);
    assert.deepEqual(conflicts, [{ workload: 'shop', with: 'batch', resource: 'cpu', factor: 0.5 }]);
    // Four in flight with 0.2 s each.
    near(pressureRate.get('batch'), 20);
  });

  it('with the mean growth and so many in flight are what their own growth makes of them', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.05, noNaN: true }),
        fc.double({ min: 0, max: 0.05, noNaN: true }),
        fc.double({ min: 1, max: 30, noNaN: true }),
        (shop, batch, inflight) => {
          const workloads = [workload('shop', sure(shop)), workload('batch', sure(batch))];
          const { cost, kappa } = learnedCosts(profile({ workloads }), itself, inflight);
          const grown = (app: string) => cost.get(app)!['cpu']! * (1 + kappa * (inflight - 1));
          if (inflight > 1 && shop > 0) near(grown('shop'), 0.02 * (1 + shop * (inflight - 1)));
          if (inflight > 1 && batch > 0) near(grown('batch'), 0.08 * (1 + batch * (inflight - 1)));
          assert.ok(kappa <= Math.max(shop, batch) + 1e-12 && kappa >= 0);
        },
      ),
    );
    const unknown = learnedCosts(profile({ workloads: [workload('shop', sure(0.02))] }), itself, 0);
    assert.equal(unknown.kappa, 0, 'how many are in flight is not known');
  });

  it('that the object gives count as they are', () => {
    const given: AppProfile = learnedApp('shop', 0.03, 0.02, { cost: { cpu: figure(0.5, 'given') } });
    const workloads = [workload('shop', sure(0.02), beside('batch', sure(0.5)))];
    const { cost, conflicts, kappa } = learnedCosts({ matrix: 'd/m', apps: [given], workloads }, itself, 5);
    near(cost.get('shop')!['cpu'], 0.5);
    assert.deepEqual([conflicts, kappa], [[], 0]);
  });
});

describe('what is added to costs', () => {
  it('is between all classes of two workloads, where they need the resource', () => {
    const apps = [
      planned('browse', 'shop', { cpu: 1 }),
      planned('pay', 'shop', { io: 1 }),
      planned('batch', 'batch', { cpu: 1 }),
    ];
    assert.deepEqual(
      conflictsOfApps(
        [
          { workload: 'shop', with: 'batch', resource: 'cpu', factor: 0.3 },
          { workload: 'batch', with: 'shop', resource: 'cpu', factor: 0.2 },
          { workload: 'shop', with: 'gone', resource: 'cpu', factor: 0.9 },
        ],
        apps,
      ),
      [
        { workload: 'browse', with: 'batch', resource: 'cpu', factor: 0.3 },
        { workload: 'batch', with: 'browse', resource: 'cpu', factor: 0.2 },
        { workload: 'batch', with: 'pay', resource: 'cpu', factor: 0.2 },
      ],
    );
  });

  it('grows with so many in flight as hosts can do of the scarcest resource', () => {
    const hosts = [
      { name: 'h1', capacity: { cpu: 1, io: 9 } },
      { name: 'h2', capacity: { cpu: 3, io: 1 } },
    ];
    const apps = [{ name: 'a', workload: 'a', rate: 10, cost: { cpu: 0.2, io: 0.1 } }];
    assert.deepEqual(
      [...concurrencies(hosts, apps, 8)],
      [
        ['h1', 2],
        ['h2', 6],
      ],
    );
    assert.deepEqual(
      [...concurrencies(hosts, apps, 1)].map(([, n]) => n),
      [1, 1],
    );
  });

  it('is planned with, and expected', () => {
    const spec = matrixOf({ shop: { web1: 1, web2: 1 }, batch: { web1: 1 } });
    const apps = [
      learnedApp('shop', 0.03, 0.02, { demand: figure(100) }),
      learnedApp('batch', 0.1, 0.08, { demand: figure(10) }),
    ];
    const workloads = [workload('shop', sure(0.01), beside('batch', sure(0.5))), workload('batch', sure(0.01))];
    const servers = new Map(
      ['web1', 'web2'].map((name) => [name, { capacity: { cpu: 4 }, requests: null, quiesced: false }]),
    );
    const posed = problemOf({
      spec,
      rows: spec.rows,
      servers,
      profile: { matrix: 'd/m', apps, workloads },
      isOut: () => false,
      usedByOthers: new Map(),
    });
    assert.ok(posed.ok);
    const { problem } = posed.planned;
    near(problem.kappa['default'], 0.01);
    // 100 / s of 0.2 s and 10 of them: 22 in flight, on two hosts alike.
    assert.deepEqual(
      problem.hosts.map(({ concurrency }) => concurrency),
      [11, 11],
    );
    near(problem.columns[0]!.cost['cpu'], 0.02);
    assert.deepEqual(problem.conflicts, [{ workload: 'shop', with: 'batch', resource: 'cpu', factor: 0.5 }]);
    assert.deepEqual(
      problem.workloads.map(({ pressureRate }) => pressureRate),
      [20, 20],
    );
    // Half as busy as it was, batch adds a quarter; ten others in flight a tenth.
    const { utilization, fullest } = expectedOf(posed.planned, spec.rows);
    assert.equal(fullest, 'web1');
    near(utilization, (1.1 * (50 * 0.02 * 1.25 + 10 * 0.08)) / 4);
  });

  it('sends requests where less disturbs them', async () => {
    const optimizer = await loadOptimizer();
    const spec = matrixOf({ shop: { web1: 50, web2: 50 }, batch: { web1: 1 } });
    const apps = [
      learnedApp('shop', 0.03, 0.02, { demand: figure(100) }),
      learnedApp('batch', 0.03, 0.02, { demand: figure(20) }),
    ];
    const servers = new Map(
      ['web1', 'web2'].map((name) => [name, { capacity: { cpu: 4 }, requests: null, quiesced: false }]),
    );
    const shareOfWeb2 = (factor: Figure): number => {
      const workloads = [workload('shop', figure(0), beside('batch', factor)), workload('batch', figure(0))];
      const posed = problemOf({
        spec,
        rows: spec.rows,
        servers,
        profile: { matrix: 'd/m', apps, workloads },
        isOut: () => false,
        usedByOthers: new Map(),
      });
      assert.ok(posed.ok);
      const model = compileModel(posed.planned.problem);
      const { load } = resultOf(model, solve(model, { rounds: 0, exact: false, optimizer }), 0);
      return load.find(({ host, column }) => host === 'web2' && column === 'shop')!.rate / 100;
    };
    // Evenly used would be 0.6 = 0.03 (100 - x) - 0.03 x, and 0.6 = 0.02 (100 - x) - 0.038 x: 0.6 and 0.76. The price of use
    // has steps.
    const shares = [shareOfWeb2(vague(0.9)), shareOfWeb2(sure(0.9))];
    assert.ok(Math.abs(shares[0]! - 0.6) < 0.05 && Math.abs(shares[1]! - 0.76) < 0.05, shares.join(' '));
  });

  it('is not between the classes of one workload', () => {
    const spec = specOf({
      mode: 'Auto',
      apps: ['browse', 'pay'].map((name) => ({ name, workloadRef: { kind: 'Deployment', name: 'shop' } })),
      rows: [
        {
          server: 'web1',
          weights: [
            { app: 'browse', weight: 1 },
            { app: 'pay', weight: 1 },
          ],
        },
      ],
    });
    const posed = problemOf({
      spec,
      rows: spec.rows,
      servers: new Map([['web1', { capacity: { cpu: 4 }, requests: null, quiesced: false }]]),
      profile: {
        matrix: 'd/m',
        apps: [learnedApp('browse', 0.03, 0.02), learnedApp('pay', 0.03, 0.02)],
        workloads: [workload('shop', figure(0), beside('batch', sure(0.5)))],
      },
      isOut: () => false,
      usedByOthers: new Map(),
    });
    assert.ok(posed.ok);
    assert.deepEqual(posed.planned.problem.conflicts, []);
  });
});
