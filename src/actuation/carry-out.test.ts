/** Plans of the solver, carried out in clusters that do as they are told and in others, by controllers that are killed at any time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import { compileModel } from '../placement/model.ts';
import { parseProblem } from '../placement/problem/problem-file.ts';
import type { Problem } from '../placement/problem/problem.ts';
import { seededRandom } from '../placement/random.ts';
import { resultOf } from '../placement/result.ts';
import { solve } from '../placement/solve.ts';
import { advance } from './advance.ts';
import { type Course, courseOf } from './course.ts';
import { abandonedCells, editRows } from './edit-rows.ts';
import { Cluster, type Faults, leftovers, NO_FAULTS } from './fixture.ts';

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);

/** A cluster in which what is asked for has moved from some apps to others. */
function randomProblem(random: () => number): Problem {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const hosts = names('h', 3 + Math.floor(4 * random())).map((name) => ({
    name,
    capacity: { cpu: String(pick([1, 2, 3])) },
    memory: String(pick([2, 3, 4])),
  }));
  const left = new Map(hosts.map(({ name, memory }) => [name, Number(memory)]));
  const current: { host: string; workload: string }[] = [];
  const workloads = names('a', 2 + Math.floor(4 * random())).map((name) => {
    const memory = pick([0.8, 1, 1.2]);
    const wanted = 1 + Math.floor(3 * random());
    const placed = hosts.filter((host) => left.get(host.name)! >= memory && random() < 0.7).slice(0, wanted);
    for (const { name: host } of placed) {
      left.set(host, left.get(host)! - memory);
      current.push({ host, workload: name });
    }
    return { name, memory: String(memory), minInstances: Math.min(placed.length, pick([0, 1, 2])), maxInstances: 9 };
  });
  const total = hosts.reduce((sum, { capacity }) => sum + Number(capacity.cpu), 0);
  const columns = workloads.map(({ name }) => ({
    name,
    workload: name,
    rate: String(1 + Math.floor(((40 + 160 * random()) * total) / workloads.length)),
    cost: { cpu: '0.008' },
  }));
  const options = { utilization: '0.8', changeCost: '0.005', maxChanges: pick([2, 4, 9]) };
  const parsed = parseProblem({ hosts, workloads, columns, current, options });
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.faults.map(({ message }) => message).join('\n'));
  return parsed.problem;
}

/** An app has a cell on every host. */
function denseRows(problem: Problem): Rows {
  return problem.hosts.map(({ name }) => ({
    server: name,
    weights: problem.columns.map((column) => ({ app: column.name, weight: 100 })),
  }));
}

/** Value served as the weights divide what is asked for among what is ready: a host that is full serves a part of everything. */
function servedValue(cluster: Cluster, rows: Rows, values: ReadonlyMap<string, number>): number {
  const columns = columnsOf(rows);
  const used = new Map<string, number>();
  const rates: [host: string, column: string, rate: number][] = [];
  for (const { name, workload, rate, cost } of cluster.problem.columns) {
    const live = [...new Set(cluster.live(workload).map(({ host }) => host!))];
    const weights = live.map((host) => columns.get(name)!.get(host)!);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [at, host] of live.entries()) {
      const part = sum === 0 ? 0 : (rate * weights[at]!) / sum;
      rates.push([host, name, part]);
      used.set(host, (used.get(host) ?? 0) + part * cost['cpu']!);
    }
  }
  const { utilization } = cluster.problem.options;
  return rates.reduce((sum, [host, column, rate]) => {
    const capacity = cluster.problem.hosts.find(({ name }) => name === host)!.capacity['cpu']! * utilization;
    return sum + values.get(column)! * rate * Math.min(1, capacity / used.get(host)!);
  }, 0);
}

interface Run {
  readonly seed: number;
  readonly faults: Faults;
  /** Ticks at which the controller dies, and what it knew with it. */
  readonly deaths: readonly number[];
  /** Ticks at which an instance dies. */
  readonly losses: readonly number[];
}

const TICKS = 400;

function carryOut({ seed, faults, deaths, losses }: Run) {
  const random = seededRandom(seed);
  const problem = randomProblem(random);
  const model = compileModel(problem);
  const result = resultOf(model, solve(model, { rounds: 20, seed, exact: false }), 0);
  const values = new Map(model.columnNames.map((name, j) => [name, model.value[j]!]));
  const cluster = new Cluster(problem, random, faults);
  const columns = new Map(problem.workloads.map(({ name }) => [name, [name]]));
  const given = denseRows(problem);
  const begin = new Map(problem.columns.map(({ name }) => [name, new Map<string, number>()]));
  for (const { host, column, rate } of result.before) begin.get(column)!.set(host, rate);
  let rows = editRows(given, [{ kind: 'Loads', loads: begin }]);
  cluster.served = rows;
  let course: Course | null = courseOf(result, columns, cluster.seen(), '');
  const before = servedValue(cluster, rows, values);
  const least = new Map(problem.workloads.map(({ name }) => [name, cluster.live(name).length]));
  const news: string[] = [];
  const seenValues: number[] = [];
  let isHarmed = false;
  for (let tick = 0; tick < TICKS; tick++) {
    if (deaths.includes(tick)) course = null;
    const seen = cluster.seen();
    const step = advance(course, seen, cluster.proxies());
    ({ course } = step);
    news.push(...step.news.map(({ note }) => note));
    // What is written may be lost, with the controller that wrote it.
    for (const write of step.writes) if (random() < 0.9) cluster.write(write);
    const edits = course === null ? abandonedCells(rows, given, seen, workloadOf(problem)) : [];
    const next = editRows(editRows(rows, step.weights), edits);
    cluster.served = rows;
    rows = next;
    for (const { host, memory } of problem.hosts.map((each) => ({ host: each.name, memory: each.memory }))) {
      assert.ok(cluster.usedMemory(host) <= memory + 1e-9, `${host} has more than its memory`);
    }
    seenValues.push(servedValue(cluster, cluster.served, values));
    if (losses.includes(tick) && cluster.pods.length > 0) {
      cluster.kill(cluster.pods[Math.floor(random() * cluster.pods.length)]!);
      isHarmed = true;
    }
    cluster.tick();
    if (isHarmed) continue;
    for (const { name, minInstances } of problem.workloads) {
      const floor = Math.min(least.get(name)!, Math.max(1, minInstances));
      assert.ok(
        cluster.live(name).length >= floor,
        `${name} has ${cluster.live(name).length} ready, at least ${floor}`,
      );
    }
  }
  return { cluster, result, news, rows, before, course, seenValues, values, given };
}

const workloadOf = (problem: Problem) => new Map(problem.columns.map(({ name, workload }) => [name, workload]));

const runs = { numRuns: 150 };
const seeds = fc.integer({ min: 1, max: 1_000_000 });
const times = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6 });

describe('a plan that is carried out', () => {
  it('comes to what was planned, and serves no less on the way than the lesser of before and after', () => {
    let changes = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const run = carryOut({ seed, faults: NO_FAULTS, deaths: [], losses: [] });
        const { cluster, result, news, before, course, seenValues } = run;
        assert.equal(course, null);
        assert.deepEqual(leftovers(cluster), []);
        assert.ok(!news.some((note) => note.includes('dropped')), news.join('\n'));
        const running = cluster.pods.map(({ host, workload }) => `${workload} on ${host}`).toSorted();
        const planned = result.instances.flatMap(({ host, workload, count }) =>
          Array.from({ length: count }, () => `${workload} on ${host}`),
        );
        assert.deepEqual(running, planned.toSorted());
        changes += result.changes.length;
        const floor = Math.min(before, seenValues.at(-1)!);
        const lowest = Math.min(...seenValues);
        assert.ok(
          lowest >= 0.995 * floor,
          `${lowest} is served where it is ${before} before and ${seenValues.at(-1)} after`,
        );
      }),
      runs,
    );
    assert.ok(changes > 100, `${changes} changes were tried`);
  });

  it('leaves nothing behind and holds minimum and memory, whoever dies, wherever pods land and whichever go', () => {
    fc.assert(
      fc.property(seeds, times, times, fc.boolean(), (seed, deaths, losses, isFaulty) => {
        const faults = isFaulty ? { astray: 0.3, unmarked: 0.3 } : NO_FAULTS;
        const { cluster, course, rows, given } = carryOut({ seed, faults, deaths, losses });
        assert.equal(course, null);
        // A pod that no host has room for waits, as it would without us.
        assert.deepEqual(
          leftovers(cluster).filter((each) => !each.includes('instances of')),
          [],
        );
        for (const { server, weights } of rows) {
          for (const { app, weight } of weights) {
            const isLive = cluster.live(app).some(({ host }) => host === server);
            assert.ok(weight > 0, `${app} on ${server} is quiesced and nobody knows why`);
            assert.ok(isLive || columnsOf(given).get(app)!.get(server)! > 0);
          }
        }
      }),
      runs,
    );
  });

  it('may be killed at every step of one plan', () => {
    const news = carryOut({ seed: 7, faults: NO_FAULTS, deaths: [], losses: [] }).news.length;
    assert.ok(news > 0);
    for (let tick = 0; tick < 60; tick++) {
      const { cluster } = carryOut({ seed: 7, faults: NO_FAULTS, deaths: [tick], losses: [] });
      assert.deepEqual(leftovers(cluster), []);
    }
  });
});
