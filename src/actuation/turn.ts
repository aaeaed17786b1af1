import type { WorkloadSeen } from '../model/workloads.ts';
import type { Course, News, WeightEdit, Write } from './course.ts';
import { startsOf } from './gates.ts';

/** What one stage comes to. `course`: the next stage, or the same: something is waited for; null: given up. */
export interface Turn {
  readonly course: Course | null;
  readonly writes?: readonly Write[];
  readonly weights?: readonly WeightEdit[];
  readonly news?: readonly News[];
}

/** Given up; what remains of it is planned anew from what runs then. `writes`: what is left to undo. */
export function dropped(course: Course, why: string, writes: readonly Write[] = []): Turn {
  const rest = course.changes.map(({ op, workload, host }) => `${op} ${workload} on ${host}`).join(', ');
  const note = `the rest of the plan is dropped, since ${why}: ${rest}`;
  const { stage, changes, columns } = course;
  const begun = stage === 'Due' ? [] : stage === 'Starting' ? startsOf(course) : changes.slice(0, 1);
  const weights = begun.map(({ host, workload }): WeightEdit => ({
    kind: 'Cell',
    host,
    columns: columns.get(workload) ?? [],
    weight: 'Mean',
  }));
  return { weights, writes, course: null, news: [{ type: 'Warning', reason: 'PlanDropped', note }] };
}

/** Why a workload cannot be scaled on this course; null: it can, as soon as it is settled. */
export function scaledByOthers({ name, replicas }: WorkloadSeen, asked: number): string | null {
  return replicas === asked ? null : somebodyElse(name, replicas, asked);
}

/** Milliseconds that a rollout may take before what was planned is dropped for it. */
const ROLLOUT = 2 * 60_000;

/** A rollout is waited for (so is what a scale of ours has begun): null where there is none. */
export function unsettled(course: Course, workloads: readonly WorkloadSeen[], now: number): Turn | null {
  const rolling = workloads.find(({ isSettled }) => !isSettled);
  if (rolling === undefined) return null;
  return now - course.since > ROLLOUT
    ? dropped(course, `a new version of ${rolling.name} is being rolled out`)
    : { course };
}

export function somebodyElse(name: string, replicas: number, asked: number): string {
  return `somebody else asks for ${replicas} instances of ${name}, where ${asked} were asked for`;
}
