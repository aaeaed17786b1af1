/** How long it takes, in a worker thread that is warm: from nothing, and after every demand has moved by up to a fifth. */
import { parseProblem } from '../../src/placement/problem/problem-file.ts';
import type { Problem } from '../../src/placement/problem/problem.ts';
import { seededRandom } from '../../src/placement/random.ts';
import type { Result } from '../../src/placement/result.ts';
import { SolverThread } from '../../src/placement/thread/solver-thread.ts';
import { median } from '../measure/statistics.ts';
import { type Document, instance, type InstanceOptions } from './instances.ts';
import { cycleOf } from './patterns.ts';

export interface SpeedCase {
  readonly name: string;
  readonly options: Omit<InstanceOptions, 'seed'>;
  readonly seeds: number;
  /** Milliseconds; null: as long as it takes. */
  readonly budget: number | null;
}

export interface SpeedRow {
  readonly name: string;
  readonly step: 'from nothing' | 'demands moved' | 'demands moved, tau 0';
  readonly hosts: number;
  readonly columns: number;
  /** Milliseconds in the thread: laying out, solving, plan. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** The same with the question and the answer sent. */
  readonly roundTrip: number;
  readonly satisfied: number;
  readonly leastSatisfied: number;
  readonly changes: number;
  readonly runs: number;
}

interface Run {
  readonly result: Result;
  readonly roundTrip: number;
}

/** Runs that make the thread warm and are not counted; a run of seconds is one by itself. */
const warmUps = (budget: number | null): number => (budget !== null && budget >= 3000 ? 1 : 4);

export async function measureSpeed(speed: SpeedCase, say: (line: string) => void): Promise<SpeedRow[]> {
  const thread = new SolverThread();
  const runs = { cold: [] as Run[], moved: [] as Run[], free: [] as Run[] };
  const warm = warmUps(speed.budget);
  let columns = 0;
  try {
    for (let seed = 1 - warm; seed <= speed.seeds; seed++) {
      const document = instance({ ...speed.options, seed: seed + warm });
      columns = document.columns.length;
      // One after the other: they are what is timed.
      const cold = await timed(thread, document, speed.budget);
      const next = moved(document, cold.result, seed);
      const after = await timed(thread, next, speed.budget);
      const free = await timed(thread, { ...next, options: { changeCost: 0 } }, speed.budget);
      if (seed < 1) continue;
      runs.cold.push(cold);
      runs.moved.push(after);
      runs.free.push(free);
      say(`${speed.name} ${seed}: ${ms(cold)}, ${ms(after)}, ${ms(free)}`);
    }
  } finally {
    await thread.close();
  }
  const row = (step: SpeedRow['step'], of: readonly Run[]): SpeedRow => ({
    name: speed.name,
    step,
    hosts: speed.options.hosts,
    columns,
    ...figures(of),
  });
  return [row('from nothing', runs.cold), row('demands moved', runs.moved), row('demands moved, tau 0', runs.free)];
}

function figures(runs: readonly Run[]): Omit<SpeedRow, 'name' | 'step' | 'hosts' | 'columns'> {
  const times = runs.map(({ result }) => result.seconds * 1000);
  const satisfied = runs.map(({ result }) => result.satisfied);
  return {
    median: median(times),
    least: Math.min(...times),
    most: Math.max(...times),
    roundTrip: median(runs.map(({ roundTrip }) => roundTrip)),
    satisfied: median(satisfied),
    leastSatisfied: Math.min(...satisfied),
    changes: median(runs.map(({ result }) => result.changes.length)),
    runs: runs.length,
  };
}

async function timed(thread: SolverThread, document: Document, budget: number | null): Promise<Run> {
  const problem = problemOf(document);
  const began = performance.now();
  const result = await thread.solve(problem, { budget, exact: false });
  return { result, roundTrip: performance.now() - began };
}

function problemOf(document: Document): Problem {
  const parsed = parseProblem(document);
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'));
  return parsed.problem;
}

function moved(document: Document, result: Result, seed: number): Document {
  const next = cycleOf(document, document, 'vary-all', 1, seededRandom(seed * 977));
  next.current = result.instances.map(({ host, workload, count }) => ({ host, workload, instances: count }));
  next.load = result.load.map(({ host, column, rate, weight }) => ({ host, column, rate, weight }));
  return next;
}

function ms({ result }: Run): string {
  return `${(result.seconds * 1000).toFixed(0)} ms ${result.satisfied.toFixed(5)}`;
}
