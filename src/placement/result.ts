/** A solution as people and programs read it: by name, in the order of the problem. */
import type { Model } from './model.ts';
import type { Change, CellRate } from './plan.ts';
import { explain, type Shortage } from './shortages.ts';
import type { Solution } from './solve.ts';
import { NONE } from './state/state.ts';
import { capOf, weightsOf } from './weights.ts';

export interface Result {
  /** sum v * served / sum v * lambda. */
  readonly satisfied: number;
  /** The largest s with every column that has an instance served at least s of its demand. */
  readonly fairness: number;
  readonly served: readonly { column: string; rate: number }[];
  readonly instances: readonly { host: string; workload: string; count: number }[];
  readonly load: readonly { host: string; column: string; rate: number; weight: number; cap: number | null }[];
  /** Where something runs: what it serves at best before the first change (after those that may not stay are stopped). */
  readonly before: readonly NamedRate[];
  /** In order: every state on the way holds. `shift`: rates that change with the step, when it is ready or before it goes. */
  readonly changes: readonly NamedChange[];
  readonly dropped: readonly { op: string; host: string; workload: string; reason: string }[];
  readonly utilization: readonly { host: string; resource: string; used: number }[];
  /** What is not served, and why. */
  readonly shortages: readonly Shortage[];
  readonly seconds: number;
  readonly provenOptimal: boolean;
}

export interface NamedChange {
  readonly op: 'start' | 'stop';
  readonly host: string;
  readonly workload: string;
  readonly reason: string;
  readonly shift: readonly NamedRate[];
}

export interface NamedRate {
  readonly host: string;
  readonly column: string;
  readonly rate: number;
}

export function resultOf(model: Model, solution: Solution, seconds: number): Result {
  const { loads } = solution;
  const served = new Float64Array(model.columnCount);
  for (const { column, rate } of loads) served[column]! += rate;
  let value = 0;
  for (const [j, rate] of served.entries()) value += rate * model.value[j]!;
  return {
    satisfied: model.demandValue > 0 ? Math.min(1, value / model.demandValue) : 1,
    fairness: solution.fairness,
    served: Array.from(served, (rate, j) => ({ column: model.columnNames[j]!, rate })),
    instances: instanceList(model, solution),
    load: loadList(model, loads),
    before: (solution.plan?.first ?? []).map((each) => namedRate(model, each)),
    changes: changesOf(model, solution),
    dropped: (solution.plan?.dropped ?? []).map(({ op, host, workload, reason }) => ({
      op,
      host: model.hostNames[host]!,
      workload: model.workloadNames[workload]!,
      reason,
    })),
    utilization: utilizationOf(model, solution, loads),
    shortages: explain(solution.state, served),
    seconds,
    provenOptimal: solution.provenOptimal,
  };
}

function instanceList(model: Model, { state }: Solution): { host: string; workload: string; count: number }[] {
  const { pool } = state;
  const found: { host: string; workload: string; count: number }[] = [];
  for (let host = 0; host < model.hostCount; host++) {
    const here: number[] = [];
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) here.push(i);
    here.sort((x, y) => pool.workload[x]! - pool.workload[y]!);
    for (const i of here) {
      found.push({
        host: model.hostNames[host]!,
        workload: model.workloadNames[pool.workload[i]!]!,
        count: pool.copies[i]!,
      });
    }
  }
  return found;
}

function loadList(model: Model, loads: readonly CellRate[]): Result['load'] {
  const old = new Map(model.load.map((each) => [each.host * model.columnCount + each.column, each.weight]));
  const byColumn = Map.groupBy(loads, ({ column }) => column);
  return [...byColumn]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([j, cells]) => {
      const named = cells
        .toSorted((a, b) => a.host - b.host)
        .map(({ host, rate }) => ({
          host,
          name: model.hostNames[host]!,
          load: rate,
          old: old.get(host * model.columnCount + j) ?? null,
        }));
      const weights = weightsOf(named);
      return named.map(({ host, name, load }, at) => ({
        host: name,
        column: model.columnNames[j]!,
        rate: load,
        weight: weights[at]!,
        cap: capOf(load, model.seconds[j]!, model.peak[j]!, model.concurrency[host]!),
      }));
    });
}

function changesOf(model: Model, { state, plan, loads }: Solution): NamedChange[] {
  const name = (change: Change, reason: string, shift: readonly CellRate[]): NamedChange => ({
    op: change.op,
    host: model.hostNames[change.host]!,
    workload: model.workloadNames[change.workload]!,
    reason,
    shift: shift.map((each) => namedRate(model, each)),
  });
  const rates = new Map(loads.map(({ host, column, rate }) => [host * model.columnCount + column, rate]));
  const why = ({ host, workload }: Change): string => {
    let sum = 0;
    for (let j = model.firstColumn[workload]!; j < model.firstColumn[workload + 1]!; j++) {
      sum += rates.get(host * model.columnCount + j) ?? 0;
    }
    return sum > 0 ? `serves ${amount(sum)} requests/s there` : 'keeps the minimum of instances';
  };
  if (plan !== null) {
    const forced = plan.forced.map((each) => name(each, 'may not stay: not allowed there, or no room', []));
    const steps = plan.steps.map((each) =>
      name(
        each,
        each.op === 'start' ? why(each) : 'its load is served elsewhere, its place is needed or idle',
        each.shift,
      ),
    );
    return [...forced, ...steps];
  }
  const starts: NamedChange[] = [];
  const { pool } = state;
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      const change = { op: 'start', host, workload: pool.workload[i]! } as const;
      for (let copy = 0; copy < pool.copies[i]!; copy++) starts.push(name(change, why(change), []));
    }
  }
  return starts;
}

function namedRate(model: Model, { host, column, rate }: CellRate): NamedRate {
  return { host: model.hostNames[host]!, column: model.columnNames[column]!, rate };
}

function utilizationOf(model: Model, { state, factor }: Solution, loads: readonly CellRate[]): Result['utilization'] {
  const R = model.resourceCount;
  const used = new Float64Array(model.capacity.length);
  const { pool } = state;
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      for (let r = 0; r < R; r++) used[host * R + r]! += pool.copies[i]! * model.idle[pool.workload[i]! * R + r]!;
    }
  }
  for (const { host, column, rate } of loads) {
    const i = pool.find(host, model.workloadOf[column]!);
    for (let r = 0; r < R; r++) {
      used[host * R + r]! += rate * model.cost[column * R + r]! * factor[i * R + r]!;
    }
  }
  return model.hostNames.flatMap((host, h) =>
    model.resources.map((resource, r) => {
      const capacity = model.capacity[h * R + r]!;
      return { host, resource, used: capacity > 0 ? used[h * R + r]! / capacity : 0 };
    }),
  );
}

export function amount(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2);
}
