import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { parseProblem } from './problem-file.ts';
import { parseQuantity } from './quantity.ts';

const GOOD = {
  hosts: [{ name: 'h1', capacity: { cpu: '2.4', io: '64Mi' }, memory: '8Gi', concurrency: 64 }],
  workloads: [{ name: 'shop', memory: '800Mi', idle: { cpu: '10m' }, minInstances: 1, maxInstances: 8, hosts: ['h1'] }],
  columns: [{ name: 'shop-search', workload: 'shop', rate: '120', cost: { cpu: '8m', io: '4Ki' }, value: '1' }],
  conflicts: [{ workload: 'shop', with: 'shop', resource: 'cpu', factor: '0.3' }],
  kappa: { default: '0.002' },
  current: [{ host: 'h1', workload: 'shop', instances: 1 }],
  options: { changeCost: '0.01', utilization: '0.8' },
};

function messages(change: (file: Record<string, any>) => void): string[] {
  const file = structuredClone(GOOD);
  change(file);
  const parsed = parseProblem(file);
  return parsed.ok ? [] : parsed.faults.map(({ message }) => message);
}

describe('parseProblem', () => {
  it('reads quantities and fills in what is left out', () => {
    const parsed = parseProblem(GOOD);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.problem.hosts[0]?.capacity, { cpu: 2.4, io: 64 * 2 ** 20 });
    assert.equal(parsed.problem.columns[0]?.cost['io'], 4096);
    assert.deepEqual(parsed.problem.options, {
      changeCost: 0.01,
      utilization: 0.8,
      fairness: true,
      maxChanges: 100_000,
    });
    assert.equal(parsed.problem.columns[0]?.seconds, null);
  });

  it('gives a column without a workload one of its own', () => {
    const parsed = parseProblem({ hosts: GOOD.hosts, columns: [{ name: 'a', rate: 1, cost: { cpu: 1 } }] });
    assert.ok(parsed.ok);
    assert.deepEqual(
      parsed.problem.workloads.map(({ name, memory }) => ({ name, memory })),
      [{ name: 'a', memory: 0 }],
    );
    assert.equal(parsed.problem.current, null);
  });

  for (const [what, change, expected] of [
    ['a quantity', (f) => (f.hosts[0].memory = '8 GB'), /hosts\[0\]\.memory: read "8 GB", expected a quantity that/],
    ['a negative rate', (f) => (f.columns[0].rate = -1), /columns\[0\]\.rate: read -1, expected a quantity/],
    ['an unknown field', (f) => (f.hosts[0].memoy = '1'), /hosts\[0\]\.memoy: read an unknown field.*"memory"/],
    ['no hosts', (f) => (f.hosts = []), /hosts: read a list of 0, expected at least 1 items/],
    ['a name twice', (f) => f.columns.push(f.columns[0]), /columns\[1\]\.name: .*each name once in columns/],
    ['an unknown workload', (f) => (f.columns[0].workload = 'shp'), /read "shp".*nearest is "shop"/],
    [
      'an unknown host',
      (f) => (f.current[0].host = 'h2'),
      /current\[0\]\.host: read "h2", expected the name of a host/,
    ],
    [
      'a resource nobody has',
      (f) => (f.columns[0].cost = { gpu: 1 }),
      /cost\.gpu: read "gpu", expected a resource that/,
    ],
    [
      'a host without a resource',
      (f) => f.hosts.push({ name: 'h2', capacity: { cpu: 1 } }),
      /hosts\[1\]\.capacity\.io/,
    ],
    ['a column that costs nothing', (f) => (f.columns[0].cost = { cpu: 0 }), /at least one resource/],
    ['a minimum above the maximum', (f) => (f.workloads[0].minInstances = 9), /at most maxInstances, 8/],
    ['no use of capacity', (f) => (f.options.utilization = 0), /options\.utilization: .*above 0, at most 1/],
  ] as [string, (file: Record<string, any>) => unknown, RegExp][]) {
    it(`refuses ${what}`, () => {
      const found = messages(change);
      assert.ok(
        found.some((message) => expected.test(message)),
        found.join('\n'),
      );
    });
  }

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (a, b) => {
        parseProblem(a);
        parseProblem({ ...GOOD, hosts: a, options: b });
      }),
    );
  });
});

describe('parseQuantity', () => {
  it('knows what Kubernetes knows', () => {
    for (const [text, value] of [
      ['0.5', 0.5],
      ['500m', 0.5],
      ['64Ki', 65_536],
      ['2G', 2e9],
      ['1e3', 1000],
      ['1.5Gi', 1.5 * 2 ** 30],
      [7, 7],
    ] as const) {
      assert.equal(parseQuantity(text), value, String(text));
    }
    for (const text of ['', '-1', '1 Gi', '1K', 'Gi', '1e', '0x10', '1e999', Number.NaN, -1]) {
      assert.equal(parseQuantity(text), null, String(text));
    }
  });
});
