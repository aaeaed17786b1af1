/**
 * Nanoseconds per choice of a destination, for each scheduler at 2, 10 and 100 destinations, one thread, uncontended.
 * `node bench/choose.ts [--json]`. Each kind is measured in a process of its own, as one that has seen all kinds calls
 * them through megamorphic sites; median of the rounds. `idle`: nothing in flight; `busy`: every endpoint has some.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Balance } from '../src/model/snapshot.ts';
import { createChooser, createHashChooser } from '../src/scheduler/create-chooser.ts';
import { dispatchState, rowPlan, seededRandom } from '../src/scheduler/fixture.ts';
import { buildSchedule } from '../src/scheduler/schedule.ts';

const KINDS = ['RoundRobin', 'RoundRobin (tree)', 'LeastConnections', 'PowerOfTwo', 'PeakEwma', 'Hashed'] as const;
type Kind = (typeof KINDS)[number];
const SIZES = [2, 10, 100];
const ROUNDS = 15;

interface Result {
  readonly kind: string;
  readonly destinations: number;
  readonly load: 'idle' | 'busy';
  readonly nanoseconds: number;
}

function measure(kind: Kind): Result[] {
  return SIZES.flatMap((destinations) =>
    (['idle', 'busy'] as const).map((load) => {
      const random = seededRandom(destinations);
      // Shares in tenths of a percent, as a matrix has them; the tree needs a period above 65,536.
      const most = kind === 'RoundRobin (tree)' ? 65_535 : Math.ceil(2000 / destinations);
      const weights = Array.from({ length: destinations }, () => 1 + Math.floor(random() * most));
      if (kind === 'RoundRobin (tree)') weights[0] = 65_535;
      if (kind === 'RoundRobin (tree)') weights[1] = 65_521;
      const state = dispatchState(destinations + 2);
      const mean = weights.reduce((a, b) => a + b, 0) / destinations;
      for (const [slot, weight] of weights.entries()) {
        state.latency[slot] = 1000 + random() * 100;
        if (load === 'busy') state.inflight[slot] = 1 + Math.round((20 * weight) / mean + random() * 3);
      }
      let clock = 0;
      const options = { random: Math.random, now: () => (clock += 0.001) };
      const row = rowPlan({ weights });
      let sum = 0;
      let run: (choices: number) => void;
      if (kind === 'Hashed') {
        const chooser = createHashChooser(row, state);
        run = (choices) => {
          for (let i = 0; i < choices; i++) sum += chooser.chooseByHash(Math.imul(i, 0x9e3779b1), []);
        };
      } else {
        const balance: Balance = kind === 'RoundRobin (tree)' ? 'RoundRobin' : kind;
        const chooser = createChooser(row, balance, state, options);
        run = (choices) => {
          for (let i = 0; i < choices; i++) sum += chooser.choose();
        };
      }
      const choices = 200_000;
      run(choices);
      const rounds = Array.from({ length: ROUNDS }, () => {
        const start = process.hrtime.bigint();
        run(choices);
        return Number(process.hrtime.bigint() - start) / choices;
      }).toSorted((a, b) => a - b);
      if (Number.isNaN(sum)) throw new Error('no choice was made');
      return { kind, destinations, load, nanoseconds: Math.round(rounds[ROUNDS >> 1]! * 10) / 10 };
    }),
  );
}

/** Milliseconds to build the longest table over 100 cells. */
function measureBuild(): number {
  const weights = Array.from({ length: 100 }, (_, i) => (i === 0 ? 65_536 - 99 * 600 - 50 : i === 1 ? 650 : 600));
  weights[2] = 599;
  weights[3] = 601;
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint();
    const schedule = buildSchedule(weights);
    const taken = Number(process.hrtime.bigint() - start) / 1e6;
    if (schedule.kind !== 'Table' || schedule.table.length !== 65_536) throw new Error('not the longest table');
    return taken;
  }).toSorted((a, b) => a - b);
  return Math.round(rounds[ROUNDS >> 1]! * 10) / 10;
}

const asked = process.argv.indexOf('--kind');
if (asked > 0) {
  process.stdout.write(JSON.stringify(measure(process.argv[asked + 1] as Kind)));
} else {
  const self = fileURLToPath(import.meta.url);
  const results = KINDS.flatMap(
    (kind) => JSON.parse(execFileSync(process.execPath, [self, '--kind', kind], { encoding: 'utf8' })) as Result[],
  );
  const buildMilliseconds = measureBuild();
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ node: process.version, buildMilliseconds, results }, null, 2)}\n`);
  } else {
    const loads = ['idle', 'busy'] as const;
    process.stdout.write(
      `ns per choice${' '.repeat(9)}${SIZES.map((n) => `${n} idle  ${n} busy`.padStart(18)).join('')}\n`,
    );
    for (const kind of KINDS) {
      const cells = SIZES.flatMap((size) =>
        loads.map((load) => results.find((r) => r.kind === kind && r.destinations === size && r.load === load)!),
      );
      process.stdout.write(`${kind.padEnd(22)}${cells.map((r) => r.nanoseconds.toFixed(1).padStart(9)).join('')}\n`);
    }
    process.stdout.write(`building a table of 65,536 entries over 100 cells: ${buildMilliseconds} ms\n`);
  }
}
