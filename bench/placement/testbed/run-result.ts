/** What a run comes to. Pure. */
import type { Arrivals } from '../../../src/simulation/arrivals.ts';
import type { Run } from '../simulation/compare.ts';
import { average } from '../simulation/statistics.ts';
import type { Answers } from './generator.ts';

export interface TestbedRun extends Run {
  /** Requests that count. */
  readonly offered: number;
  /** Part of them that tcpvs refused (503), that had no answer in time, and whose connection broke. */
  readonly refused: number;
  readonly timedOut: number;
  readonly broken: number;
  /** Instances that ended by themselves. */
  readonly died: number;
  /** The latest that a request was sent after it was due, ms. */
  readonly late: number;
}

/** @param warmUp seconds at the start in which requests come that do not count */
export function runOf(arrivals: Arrivals, columns: number, answers: Answers, warmUp: number, died: number): TestbedRun {
  const counted = Array.from(arrivals.time, (_, i) => i).filter((i) => arrivals.time[i]! >= warmUp);
  const part = (which: (i: number) => boolean, of = counted): number => of.filter(which).length / of.length;
  const replied = (i: number): boolean => answers.status[i] === 200;
  const byColumn = Array.from({ length: columns }, (_, column) => counted.filter((i) => arrivals.column[i] === column));
  const ms = counted
    .filter(replied)
    .map((i) => 1000 * answers.seconds[i]!)
    .toSorted((a, b) => a - b);
  const at = (share: number): number => ms[Math.min(ms.length - 1, Math.floor(share * ms.length))] ?? Number.NaN;
  return {
    offered: counted.length,
    replied: part(replied),
    refused: part((i) => answers.status[i] === 503),
    timedOut: part((i) => answers.status[i] === 0),
    broken: part((i) => ![200, 503, 0].includes(answers.status[i]!)),
    mean: ms.length === 0 ? Number.NaN : average(ms),
    p50: at(0.5),
    p99: at(0.99),
    worst: Math.min(...byColumn.filter(({ length }) => length > 0).map((own) => part(replied, own))),
    died,
    late: 1000 * answers.late,
  };
}
