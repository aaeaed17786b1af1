/**
 * `make bench-placement`: the solver's speed, its distance from proven optima, its answers beside other ways to place, and
 * whether they hold; results go to bench/results/VERSION/placement-*.json and placement.md. See bench/placement/README.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadOptimizer } from '../../src/placement/program/highs.ts';
import { circumstances, ourVersion, ROOT } from '../measure/machine.ts';
import { compareCycles, type CycleRow } from './compare.ts';
import { checkSeeds, type Feasibility } from './feasibility.ts';
import { measureLarge } from './large.ts';
import { type Optimum, optimumOf } from './optima.ts';
import { PATTERNS } from './patterns.ts';
import { keepPart, PARTS, type Part, writePage } from './report.ts';
import { measureSpeed, type SpeedCase, type SpeedRow } from './speed.ts';

const USAGE = `make bench-placement ARGS='…': the placement solver

  --part NAME    only ${PARTS.join(', ')} (may be repeated; default: all but feasibility and large)
  --quick        fewer of everything: an impression, not a result; writes nothing
  --problems N   of part feasibility (default 100000)
  --report       only write the page of this version's results anew
`;

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: ['speed', 'optima', 'cycles'] },
    quick: { type: 'boolean', default: false },
    problems: { type: 'string', default: '100000' },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const directory = join(ROOT, 'bench/results', ourVersion());
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) process.stdout.write(USAGE);
else if (values.report) writePage(directory);
else await main();

async function main(): Promise<void> {
  const unknown = values.part.find((name) => !(PARTS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`bench-placement: --part: read '${unknown}', expected one of ${PARTS.join(', ')}\n`);
    process.exit(2);
  }
  const highs = JSON.parse(readFileSync(join(ROOT, 'node_modules/highs/package.json'), 'utf8')) as { version: string };
  const measure: Readonly<Record<Part, () => Promise<unknown>>> = {
    speed: () => speed(values.quick),
    optima: () => optima(values.quick),
    cycles: async () => cycles(values.quick),
    feasibility: () => feasibility(Number(values.problems)),
    large: () => measureLarge(values.quick, say),
  };
  for (const part of values.part as Part[]) {
    const on = { ...circumstances(), versions: { node: process.versions.node, highs: highs.version } };
    // One after the other: they are timed.
    const result = await measure[part]();
    if (!values.quick) keepPart(directory, part, { circumstances: on, result });
  }
  if (!values.quick) {
    writePage(directory);
    say(`written to ${directory.slice(ROOT.length + 1)}/placement.md`);
  }
}

function of(hosts: number, alpha: number, beta: number): SpeedCase['options'] {
  return { hosts, alpha, beta, demand: 'uniform' };
}

async function speed(quick: boolean): Promise<SpeedRow[]> {
  const power = { ...of(1000, 0.9, 0.4), demand: { exponent: 0.7 } };
  const cases: SpeedCase[] = [
    { name: '1,000 hosts .90/.40', options: of(1000, 0.9, 0.4), seeds: 20, budget: null },
    { name: '1,000 hosts .90/.40, power law 0.7', options: power, seeds: 20, budget: null },
    { name: '1,000 hosts .95/.90, 0.2 s', options: of(1000, 0.95, 0.9), seeds: 10, budget: 200 },
    { name: '1,000 hosts .95/.90, 3 s', options: of(1000, 0.95, 0.9), seeds: 3, budget: 3000 },
    { name: '7,000 hosts .90/.40', options: of(7000, 0.9, 0.4), seeds: 5, budget: null },
    { name: '7,000 hosts .95/.90, 10 s', options: of(7000, 0.95, 0.9), seeds: 1, budget: 10_000 },
  ];
  const rows: SpeedRow[] = [];
  for (const each of quick ? cases.slice(0, 1) : cases) {
    rows.push(...(await measureSpeed({ ...each, seeds: quick ? 3 : each.seeds }, say)));
  }
  return rows;
}

async function optima(quick: boolean): Promise<Record<'single' | 'vector', Optimum[]>> {
  const optimizer = await loadOptimizer();
  const some = (vector: boolean, wanted: number): Optimum[] => {
    const found: Optimum[] = [];
    for (let seed = 1; found.filter(({ optimum }) => optimum !== null).length < wanted && seed < 10 * wanted; seed++) {
      const optimum = optimumOf(seed, vector, optimizer, 10);
      if (optimum === null) continue;
      found.push(optimum);
      if (found.length % 20 === 0) say(`optima: ${found.length} ${vector ? 'vector' : 'single'}`);
    }
    return found;
  };
  return { single: some(false, quick ? 10 : 120), vector: some(true, quick ? 5 : 110) };
}

function cycles(quick: boolean): CycleRow[] {
  const rows: CycleRow[] = [];
  for (const [alpha, beta, seeds] of [
    [0.9, 0.4, 6],
    [0.95, 0.9, 2],
  ] as const) {
    for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
      for (const pattern of PATTERNS) {
        const demand = seed % 2 === 1 ? ({ exponent: 0.7 } as const) : ('uniform' as const);
        rows.push(...compareCycles({ seed, hosts: quick ? 30 : 100, alpha, beta, demand }, pattern));
        say(`cycles: ${alpha}/${beta} ${pattern} seed ${seed}`);
      }
    }
  }
  return rows;
}

async function feasibility(problems: number): Promise<Feasibility & { seconds: number }> {
  const optimizer = await loadOptimizer();
  const began = performance.now();
  const sum: Feasibility = { problems: 0, steps: 0, dropped: 0, faults: [] };
  for (let seed = 1; sum.problems < problems; seed += 500) {
    const part = checkSeeds(seed, Math.min(500, Math.ceil((problems - sum.problems) / 2)), optimizer);
    sum.problems += part.problems;
    sum.steps += part.steps;
    sum.dropped += part.dropped;
    sum.faults.push(...part.faults);
    if (seed % 5000 === 1) say(`feasibility: ${sum.problems} problems, ${sum.faults.length} faults`);
  }
  for (const fault of sum.faults.slice(0, 20)) say(fault);
  if (sum.faults.length > 0) process.exitCode = 1;
  return { ...sum, seconds: Math.round((performance.now() - began) / 1000) };
}
