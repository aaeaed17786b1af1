/**
 * Four resources, conflicts and request classes on many hosts: an answer in fifteen seconds beside the best that is known, of a
 * run of ten minutes. (The relaxation is a poor bound: what is known best stands for it.)
 */
import { parseProblem } from '../../src/placement/problem/problem-file.ts';
import { SolverThread } from '../../src/placement/thread/solver-thread.ts';
import { instance } from './instances.ts';

export interface LargeRow {
  readonly hosts: number;
  readonly columns: number;
  readonly alpha: number;
  readonly satisfied: number;
  readonly seconds: number;
  readonly bestKnown: number;
  readonly bestSeconds: number;
}

export async function measureLarge(quick: boolean, say: (line: string) => void): Promise<LargeRow[]> {
  const rows: LargeRow[] = [];
  const cases = quick ? [{ hosts: 100, alpha: 0.9 }] : [{ hosts: 1000, alpha: 0.7 }];
  for (const { hosts, alpha } of cases) {
    const document = instance({ seed: 2, hosts, alpha, beta: 0.4, demand: { exponent: 0.7 }, vector: true });
    document.options = { fairness: false };
    const parsed = parseProblem(document);
    if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'));
    const thread = new SolverThread();
    try {
      const solve = (budget: number) => thread.solve(parsed.problem, { budget, exact: false, rounds: 1_000_000 });
      const short = await solve(quick ? 3000 : 15_000);
      const long = await solve(quick ? 10_000 : 600_000);
      const bestKnown = Math.max(long.satisfied, short.satisfied);
      const { satisfied, seconds } = short;
      rows.push({
        hosts,
        columns: document.columns.length,
        alpha,
        satisfied,
        seconds,
        bestKnown,
        bestSeconds: long.seconds,
      });
      say(`large ${hosts}: ${satisfied.toFixed(4)} of ${bestKnown.toFixed(4)}`);
    } finally {
      await thread.close();
    }
  }
  return rows;
}
