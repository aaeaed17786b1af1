/** How far what was learned of a scenario is from the truth. Pure. */
import type { Document } from '../instances.ts';

export interface Findings {
  /** By column: |learned / true - 1| of its demand, and of its cost of the resource that it needs most. */
  readonly demand: readonly number[];
  readonly cost: readonly number[];
  readonly kappa: { readonly true: number; readonly learned: number };
  /** Of pairs of workloads and resources that a placement is made with: [true, learned], where either is at least 0.1. */
  readonly conflicts: readonly (readonly [number, number])[];
}

/** Smaller conflicts move nothing. */
const WORTH = 0.1;

export function findingsOf(reference: Document, learned: Document): Findings {
  const factors = new Map(
    (learned.conflicts ?? []).map((each) => [`${each.workload} ${each.with} ${each.resource}`, each.factor]),
  );
  const conflicts = reference.workloads.flatMap((a) =>
    reference.workloads.flatMap((b) =>
      ['cpu', 'io'].map((resource): [number, number] => [
        a === b ? 0 : rounded((a.sensitivity?.[resource] ?? 0) * (b.pressure?.[resource] ?? 0)),
        rounded(factors.get(`${a.name} ${b.name} ${resource}`) ?? 0),
      ]),
    ),
  );
  return {
    demand: reference.columns.map(({ rate }, at) => off(learned.columns[at]!.rate, rate)),
    cost: reference.columns.map(({ cost }, at) => {
      const [resource = ''] = Object.keys(cost).toSorted((a, b) => cost[b]! - cost[a]!);
      return off(learned.columns[at]!.cost[resource] ?? 0, cost[resource]!);
    }),
    kappa: { true: reference.kappa?.['default'] ?? 0, learned: learned.kappa?.['default'] ?? 0 },
    conflicts: conflicts.filter(([truth, value]) => truth >= WORTH || value >= WORTH),
  };
}

function off(value: number, truth: number): number {
  return rounded(Math.abs(value / truth - 1));
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
