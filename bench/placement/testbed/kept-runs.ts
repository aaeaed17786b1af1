/** Runs as they are kept: a line of whole numbers for each. Pure. */
import type { Document } from '../instances.ts';
import type { Run } from '../simulation/compare.ts';
import type { PlannedCell } from './placements.ts';
import { POLICIES } from './policies.ts';
import type { Job } from './rounds.ts';
import type { TestbedRun } from './run-result.ts';
import { LOADS } from './scenarios.ts';

/** A scenario as it was measured and planned. */
export interface Facts {
  readonly name: string;
  readonly text: string;
  /** With measured costs and conflicts, rates at 100 %. */
  readonly document: Document;
  /** Of the whole. */
  readonly placement: readonly PlannedCell[];
  /** The best fixed cap, and the reply rate of each that was tried. */
  readonly fixed: number;
  readonly tried: Readonly<Record<number, number>>;
}

/** Response times of requests that come one at a time, ms. */
export interface Probed {
  readonly count: number;
  readonly mean: number;
  /** Of the mean. */
  readonly error: number;
}

/** While all other stages have more than they can do, and while they have nothing to do. */
export interface Isolation {
  readonly busy: Probed;
  readonly idle: Probed;
}

/** The reply rate of the same policy under our clients and under httperf. */
export interface Witness {
  readonly scenario: string;
  readonly own: number;
  readonly httperf: number;
}

export interface Result {
  readonly seconds: number;
  readonly warmUp: number;
  /** Seeds that are whole. */
  readonly seeds: number;
  readonly lanes: number;
  /** Version of the control groups. */
  readonly groups: 1 | 2;
  readonly scenarios: readonly Facts[];
  readonly isolation: Isolation;
  /** Empty: httperf is not there. */
  readonly witness: readonly Witness[];
  readonly fields: readonly string[];
  readonly runs: readonly Packed[];
}

/** By `FIELDS`. */
export type Packed = readonly (string | number | null)[];

export const FIELDS =
  'seed, scenario, policy, load in %, offered, replied in 1/10000, refused, timed out, broken, mean in ms, p50, p99, least of an app replied in 1/10000, instances that died, late in ms'.split(
    ', ',
  );

export function pack({ seed, scenario, policy, load }: Job, run: TestbedRun): Packed {
  const parts = [run.replied, run.refused, run.timedOut, run.broken].map((part) => Math.round(1e4 * part));
  const times = [run.mean, run.p50, run.p99].map((each) => (Number.isNaN(each) ? null : Math.round(each)));
  const last = [Math.round(1e4 * run.worst), run.died, Math.round(run.late)];
  return [seed, scenario, policy.name, Math.round(100 * load), run.offered, ...parts, ...times, ...last];
}

export interface Unpacked {
  readonly seed: number;
  readonly scenario: number;
  readonly policy: string;
  readonly load: number;
  readonly run: TestbedRun;
}

export function unpack(packed: Packed): Unpacked {
  const [seed, scenario, policy, load, offered, ...figures] = packed;
  const [replied, refused, timedOut, broken, mean, p50, p99, worst, died, late] = figures.map((each) =>
    each === null ? Number.NaN : Number(each),
  );
  const run: TestbedRun = {
    offered: Number(offered),
    replied: replied! / 1e4,
    refused: refused! / 1e4,
    timedOut: timedOut! / 1e4,
    broken: broken! / 1e4,
    mean: mean!,
    p50: p50!,
    p99: p99!,
    worst: worst! / 1e4,
    died: died!,
    late: late!,
  };
  return { seed: Number(seed), scenario: Number(scenario), policy: String(policy), load: Number(load) / 100, run };
}

const keyOf = (...parts: readonly (string | number)[]): string => parts.join('|');

const NONE: Run = { replied: Number.NaN, mean: Number.NaN, p50: Number.NaN, p99: Number.NaN, worst: Number.NaN };

/** Per seed, scenario, policy and load, as figures need them; no numbers where a policy is not run at a load. */
export function tableOf({ runs, seeds, scenarios }: Result): Run[][][][] {
  const known = new Map(
    runs.map(unpack).map(({ seed, scenario, policy, load, run }) => [keyOf(seed, scenario, policy, load), run]),
  );
  return Array.from({ length: seeds }, (_, s) =>
    scenarios.map((_facts, scenario) =>
      POLICIES.map(({ name }) => LOADS.map((load): Run => known.get(keyOf(s + 1, scenario, name, load)) ?? NONE)),
    ),
  );
}

/** JSON with a line per run. */
export function textOf(kept: { readonly result: Result }): string {
  const marked: string[] = [];
  const outer = JSON.stringify(
    kept,
    (key, value: unknown) =>
      key === 'runs' ? (value as Packed[]).map((run) => `@${marked.push(JSON.stringify(run)) - 1}@`) : value,
    1,
  );
  return `${outer.replace(/"@(\d+)@"/g, (_, at: string) => marked[Number(at)]!)}\n`;
}
