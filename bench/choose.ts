/**
 * Nanoseconds per choice of a destination: each scheduler at 2, 10 and 100 destinations, one thread, uncontended.
 * `node bench/choose.ts [--json]`. `idle`: nothing is in flight; `busy`: every endpoint has some, in proportion to its
 * weight and a bit at random. Each figure is the median of many short rounds (the best one in brackets: on a machine that
 * others use the median tells about them); each kind has a process of its own, as one that has seen all kinds calls them
 * through megamorphic sites. The first line is the price of the one atomic addition alone.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

import type { Balance } from '../src/model/snapshot.ts';
import { createChooser, createHashChooser } from '../src/scheduler/create-chooser.ts';
import { dispatchState, rowPlan, seededRandom } from '../src/scheduler/fixture.ts';
import { buildSchedule } from '../src/scheduler/schedule.ts';

const KINDS = [
  'Atomics.add',
  'RoundRobin',
  'RoundRobin (tree)',
  'LeastConnections',
  'PowerOfTwo',
  'PeakEwma',
  'Hashed',
] as const;
type Kind = (typeof KINDS)[number];
const SIZES = [2, 10, 100];
const LOADS = ['idle', 'busy'] as const;
type Load = (typeof LOADS)[number];
const ROUNDS = 120;
const WARM_UP = 30;
const CHOICES = 10_000;

interface Result {
  readonly kind: string;
  readonly destinations: number;
  readonly load: Load;
  readonly median: number;
  readonly best: number;
}

function measure(kind: Kind): Result[] {
  return SIZES.flatMap((destinations) =>
    LOADS.map((load) => {
      const { run, check } = prepare(kind, destinations, load);
      const rounds: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const start = process.hrtime.bigint();
        check(run());
        if (round >= WARM_UP) rounds.push(Number(process.hrtime.bigint() - start) / CHOICES);
      }
      rounds.sort((a, b) => a - b);
      return { kind, destinations, load, median: tenth(rounds[rounds.length >> 1]!), best: tenth(rounds[0]!) };
    }),
  );
}

interface Prepared {
  /** Makes so many choices and answers the sum of their indices. */
  readonly run: () => number;
  readonly check: (sum: number) => void;
}

function prepare(kind: Kind, destinations: number, load: Load): Prepared {
  const random = seededRandom(destinations);
  const tree = kind === 'RoundRobin (tree)';
  // A matrix' weights sum to some hundred or thousand; the tree needs a period above 65,536.
  const most = tree ? 65_535 : Math.ceil(2000 / destinations);
  const weights = Array.from({ length: destinations }, () => 1 + Math.floor(random() * most));
  if (tree) weights.splice(0, 2, 65_535, 65_521);
  const state = dispatchState(destinations + 2);
  const mean = weights.reduce((a, b) => a + b, 0) / destinations;
  for (const [slot, weight] of weights.entries()) {
    state.latency[slot] = 1000 + random() * 100;
    if (load === 'busy') state.inflight[slot] = 1 + Math.round((20 * weight) / mean + random() * 3);
  }
  const row = rowPlan({ weights });
  const check = (sum: number) => {
    if (!(sum >= 0)) throw new Error(`${kind}: a choice failed`);
  };
  if (kind === 'Atomics.add') {
    const add = () => {
      let sum = 0;
      for (let i = 0; i < CHOICES; i++) sum += Atomics.add(state.cursors, 0, 1) & 1;
      return sum;
    };
    return { run: add, check };
  }
  if (kind === 'Hashed') {
    const chooser = createHashChooser(row, state);
    const none: number[] = [];
    const byHash = () => {
      let sum = 0;
      for (let i = 0; i < CHOICES; i++) sum += chooser.chooseByHash(Math.imul(i, 0x9e3779b1), none);
      return sum;
    };
    return { run: byHash, check };
  }
  let clock = 0;
  const balance: Balance = tree ? 'RoundRobin' : kind;
  const chooser = createChooser(row, balance, state, { random: Math.random, now: () => (clock += 0.001) });
  const choose = () => {
    let sum = 0;
    for (let i = 0; i < CHOICES; i++) sum += chooser.choose();
    return sum;
  };
  return { run: choose, check };
}

/** Milliseconds to build the longest table, over 100 cells. */
function measureBuild(): number {
  const weights = Array.from({ length: 100 }, (_, cell) => 600 + cell);
  weights[0] = 65_536 - weights.slice(1).reduce((a, b) => a + b, 0);
  const rounds = Array.from({ length: 15 }, () => {
    const start = process.hrtime.bigint();
    const schedule = buildSchedule(weights);
    if (schedule.kind !== 'Table' || schedule.table.length !== 65_536) throw new Error('not the longest table');
    return Number(process.hrtime.bigint() - start) / 1e6;
  }).toSorted((a, b) => a - b);
  return tenth(rounds[rounds.length >> 1]!);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function report(results: readonly Result[], build: number): string {
  const width = 16;
  const heads = SIZES.flatMap((size) => LOADS.map((load) => `${size} ${load}`.padStart(width)));
  const lines = KINDS.map((kind) => {
    const figures = results.filter((result) => result.kind === kind);
    const cells = figures.map(({ median, best }) => `${median.toFixed(1)} (${best.toFixed(1)})`.padStart(width));
    return kind.padEnd(18) + cells.join('');
  });
  const build65536 = `building a table of 65,536 entries over 100 cells: ${build} ms`;
  return `${['ns per choice'.padEnd(18) + heads.join(''), ...lines, build65536].join('\n')}\n`;
}

const asked = process.argv.indexOf('--kind');
if (asked > 0) {
  process.stdout.write(JSON.stringify(measure(process.argv[asked + 1] as Kind)));
} else {
  const self = fileURLToPath(import.meta.url);
  const results = KINDS.flatMap(
    (kind) => JSON.parse(execFileSync(process.execPath, [self, '--kind', kind], { encoding: 'utf8' })) as Result[],
  );
  const build = measureBuild();
  const machine = { node: process.version, processor: cpus()[0]?.model, processors: cpus().length };
  process.stdout.write(
    process.argv.includes('--json')
      ? `${JSON.stringify({ ...machine, unit: 'ns', buildMilliseconds: build, results }, null, 2)}\n`
      : report(results, build),
  );
}
