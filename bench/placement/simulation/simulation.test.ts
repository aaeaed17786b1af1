/** The evaluation with small counts: what it is made of holds, and a page comes out that says what the runs say. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { loadOptimizer } from '../../../src/placement/program/highs.ts';
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { check } from '../checker.ts';
import type { Document } from '../instances.ts';
import { FIXED_CAPS, fixedCaps, plannedCaps, sharedCaps, uncapped } from './caps.ts';
import { prepare } from './compare.ts';
import { evaluateLearning, type Learning } from './evaluate-learning.ts';
import { evaluateMore, joined } from './evaluate-more.ts';
import { evaluate, type Evaluation } from './evaluate.ts';
import { Figures } from './figures.ts';
import { pack, packMore, textOfRuns, unpack, unpackMore } from './kept-runs.ts';
import { learnedOver } from './learn.ts';
import { learningSection } from './page-learning.ts';
import { pageOf } from './page.ts';
import { KNOWLEDGE, type Placement, solved } from './placements.ts';
import { latencyPlot, repliesPlot, scenariosPlot } from './plots.ts';
import { BY_SHARE, LEARNED, POLICIES, QUEUES, STRONGEST, WHOLE } from './policies.ts';
import { referenceOf } from './reference.ts';
import { DEVELOPMENT, LOADS, scenario } from './scenarios.ts';
import { solveDocument } from './solve-document.ts';
import { autoscaled, equalReplicas } from './today.ts';
import { pngOf } from './write-page.ts';

/** Small ones, the second and the fourth plain. */
const NUMBERS = [DEVELOPMENT + 24, DEVELOPMENT + 35, DEVELOPMENT + 37];
const FIRST = DEVELOPMENT + 46;

let optimizer: Optimizer;
let references: Document[];

before(async () => {
  optimizer = await loadOptimizer();
  references = NUMBERS.map((number) => referenceOf(scenario(number), optimizer)!);
});

describe('scenarios', () => {
  it('are the same for the same number, a quarter of them plain', () => {
    for (let number = 1; number <= 100; number++) {
      const one = scenario(number);
      assert.deepEqual(scenario(number), one);
      assert.equal(one.plain, number % 4 === 0);
      assert.equal(one.plain, one.kappa === 0);
      assert.ok(one.document.workloads.every(({ sensitivity }) => (sensitivity === undefined) === one.plain));
    }
  });

  it('at 100 % are served, and the independent checker finds no fault', () => {
    for (const reference of references) {
      const results = [1, 2, 3].map((seed) => solveDocument(reference, seed, optimizer, 30));
      for (const result of results) assert.deepEqual(check(reference, result), []);
      const served = results.map((result) =>
        Math.min(...result.served.map(({ rate }, j) => rate / reference.columns[j]!.rate)),
      );
      assert.ok(Math.max(...served) >= 0.998, served.join(' '));
    }
  });
});

describe('placements', () => {
  it('fit into memory and have every workload, whoever made them', () => {
    for (const reference of references) {
      for (const knowledge of KNOWLEDGE) within(solved(reference, knowledge, optimizer), reference);
      within(equalReplicas(reference), reference);
      for (const load of [0.5, 1, 1.5]) within(autoscaled(reference, load), reference);
    }
  });

  it('of an autoscaler follow the load', () => {
    const roomy = references[0]!.hosts.map((host) => ({ ...host, memory: 10 * host.memory }));
    const sizes = [0.2, 1].map((load) =>
      autoscaled({ ...references[0]!, hosts: roomy }, load).instances.reduce((n, { count }) => n + count, 0),
    );
    assert.ok(sizes[0]! < sizes[1]!, sizes.join(' '));
  });
});

describe('caps', () => {
  it('are of hosts and cells, each with a queue whose reserve leaves time to wait', () => {
    const reference = references[0]!;
    const placement = solved(reference, '+ concurrency', optimizer);
    const shared = sharedCaps(reference, placement);
    const all = [
      plannedCaps(reference, placement),
      shared,
      ...FIXED_CAPS.map((cap) => fixedCaps(reference, placement, cap)),
    ];
    for (const { cells, hostCaps, reserve } of all) {
      assert.ok(cells.every(({ cap }) => cap >= 1));
      assert.ok(hostCaps === null || hostCaps.every((cap) => cap >= 1));
      assert.ok(reserve !== null && reserve !== 'followed' && reserve.every((each) => each > 0 && each <= 4));
    }
    assert.equal(uncapped(placement).reserve, null);
    // Shares of the host, rounded up.
    for (const [host, cap] of shared.hostCaps!.entries()) {
      const own = shared.cells.filter((cell) => cell.host === host).map((cell) => cell.cap);
      const sum = own.reduce((a, b) => a + b, 0);
      assert.ok(own.length === 0 || (sum >= cap && sum < cap + own.length), `${sum} of ${cap}`);
    }
  });
});

describe('an evaluation', () => {
  let evaluation: Evaluation;
  before(() => {
    const options = { scenarios: 2, seeds: 2, seconds: 30, first: FIRST };
    const kept: Evaluation[] = [];
    evaluate(
      options,
      optimizer,
      (each) => kept.push(structuredClone(each)) > 0,
      () => {},
    );
    assert.deepEqual(
      kept.map(({ runs }) => runs.length),
      [1, 2],
    );
    evaluation = kept[1]!;
  });

  it('has every run, and the same ones again', () => {
    const { runs, policies, loads, scenarios } = evaluation;
    assert.deepEqual([policies.length, scenarios.length], [POLICIES.length, 2]);
    const parts = runs.flat(3);
    assert.equal(parts.length, 2 * 2 * POLICIES.length * loads.length);
    for (const { replied, worst } of parts) assert.ok(worst >= 0 && worst <= replied && replied <= 1);
    const again = prepare(scenario(FIRST), optimizer)!.runs(2, { policies: POLICIES, loads, seconds: 30 });
    assert.deepEqual(again, runs[1]![0]);
  });

  it('goes on after the seeds that are there', () => {
    const { runs, stopping } = evaluation;
    const done = { runs: runs.slice(0, 1), stopping: { ...stopping, runs: stopping.runs.slice(0, 1) } };
    const kept: Evaluation[] = [];
    const options = { scenarios: 2, seeds: 2, seconds: 30, first: FIRST, done };
    evaluate(
      options,
      optimizer,
      (each) => kept.push(each) > 0,
      () => {},
    );
    assert.deepEqual(kept, [evaluation]);
  });

  it('is kept to a ten-thousandth, and read again', () => {
    const kept = pack(evaluation);
    assert.deepEqual(JSON.parse(textOfRuns(kept)), JSON.parse(JSON.stringify(kept)));
    const read = unpack(kept);
    for (const [s, seed] of evaluation.runs.entries()) {
      for (const [at, run] of seed.flat(2).entries()) {
        assert.ok(Math.abs(read.runs[s]!.flat(2)[at]!.replied - run.replied) <= 0.5e-4 + 1e-12);
      }
    }
  });

  it('compares a policy with itself as equal, and shows wins and losses', () => {
    const figures = new Figures(evaluation, evaluation.scenarios);
    assert.deepEqual(figures.difference(WHOLE, WHOLE, 1, 'replied'), { mean: 0, low: 0, high: 0 });
    const page = pageOf(evaluation);
    for (const { name } of POLICIES) assert.ok(page.includes(name), name);
    assert.match(page, /Reduced: 2 of the 10 seeds/);
    assert.doesNotMatch(page, /NaN|undefined|Infinity/);
  });

  it('is drawn, as SVG and PNG', () => {
    const figures = new Figures(evaluation, evaluation.scenarios);
    for (const svg of [
      repliesPlot(figures, evaluation.loads),
      latencyPlot(figures, evaluation.loads),
      scenariosPlot(figures, evaluation.scenarios, STRONGEST, [1]),
    ]) {
      assert.match(svg, /^<svg [^>]+>[\s\S]*<\/svg>\n$/);
      assert.doesNotMatch(svg, /NaN|undefined/);
      const png = pngOf(svg);
      assert.deepEqual([...png.subarray(1, 4)], [...Buffer.from('PNG')]);
      assert.ok(png.length > 5000);
    }
  });
});

describe('parameters learned', () => {
  const options = { scenarios: 1, seeds: 1, seconds: 30, first: FIRST };
  let learning: Learning;
  before(() => {
    learning = evaluateLearning(options, optimizer, () => {});
  });

  it('are those of the scenario’s own requests, the same ones again', () => {
    const reference = referenceOf(scenario(FIRST), optimizer)!;
    const [first, second] = [1, 2].map((hours) => learnedOver(hours, scenario(FIRST), reference, optimizer));
    assert.deepEqual(second![0], first![0]);
    const [document] = first!;
    assert.deepEqual(document!.hosts, reference.hosts);
    assert.ok(Math.abs(rateOf(document!) / rateOf(reference) - 1) < 0.5);
    // Nothing of the truth but what is given.
    assert.ok(document!.workloads.every((each) => each.sensitivity === undefined && each.pressure === undefined));
    for (const [at, { cost }] of document!.columns.entries()) {
      const [truth, learned] = [reference.columns[at]!.cost, cost].map((each) => each['cpu']! + each['io']!);
      assert.ok(learned! > 0 && learned! / truth! < 10, `${learned} where ${truth} is true`);
    }
  });

  it('are compared with true ones on the same requests', () => {
    const [whole] = learning.runs[0]![0]!;
    const stage = prepare(scenario(FIRST), optimizer)!;
    assert.deepEqual(stage.runs(1, { policies: [WHOLE], loads: LOADS, seconds: 30 })[0], whole);
    const section = learningSection(learning);
    for (const { name } of LEARNED) assert.ok(section.includes(name), name);
    assert.doesNotMatch(section, /NaN|undefined|Infinity/);
  });

  it('stand beside policies that came later, of the same scenarios', () => {
    const { more } = evaluateMore([...BY_SHARE, ...QUEUES], options, optimizer, () => {});
    assert.deepEqual(joined(learning, more).policies, [...learning.policies, ...more.policies]);
    assert.throws(() => joined(learning, { ...more, scenarios: [] }), RangeError);
    const kept: Evaluation[] = [];
    evaluate(
      options,
      optimizer,
      (each) => kept.push(each) > 0,
      () => {},
    );
    const page = pageOf(kept[0]!, null, { learning, caps: more });
    for (const { name } of [...BY_SHARE, ...QUEUES]) assert.ok(page.includes(name), name);
    assert.doesNotMatch(page, /NaN|undefined|Infinity/);
  });

  it('are kept, and read again', () => {
    const kept = packMore(learning);
    assert.deepEqual(JSON.parse(textOfRuns(kept)), JSON.parse(JSON.stringify(kept)));
    assert.deepEqual(packMore(unpackMore(kept)), kept);
  });
});

function rateOf({ columns }: Document): number {
  return columns.reduce((sum, column) => sum + column.rate, 0);
}

/** Memory holds, every workload runs, and cells are where instances are. */
function within({ instances, cells }: Placement, { hosts, workloads, columns }: Document): void {
  for (const [host, { memory }] of hosts.entries()) {
    const here = instances.filter((each) => each.host === host);
    const used = here.reduce((sum, { workload, count }) => sum + count * workloads[workload]!.memory, 0);
    assert.ok(used <= memory + 1e-9, `host ${host}: ${used} of ${memory}`);
  }
  for (const { host, column, count } of cells) {
    const name = columns[column]!.workload;
    const instance = instances.find((each) => each.host === host && workloads[each.workload]!.name === name);
    assert.equal(instance?.count, count);
  }
  assert.equal(new Set(instances.map(({ workload }) => workload)).size, workloads.length);
}
