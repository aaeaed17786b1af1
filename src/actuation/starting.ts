/** Starts: asked for together, ready, and then the load is shifted to them. */
import { type InstanceSeen, placeOf, type Seen, serving, staying, type WorkloadSeen } from '../model/workloads.ts';
import type { Course, PlannedChange, WeightEdit, Write } from './course.ts';
import { startsOf } from './gates.ts';
import { dropped, scaledByOthers, somebodyElse, type Turn, unsettled } from './turn.ts';

/** Milliseconds that a start may take, however short it is said to be, and how many times as long as is said. */
const PATIENCE = 5 * 60_000;
const TIMES = 3;

export function starting(course: Course, seen: Seen): Turn {
  const starts = startsOf(course);
  const counts = Map.groupBy(starts, ({ workload }) => workload);
  return course.stage === 'Due' ? begun(course, starts, counts, seen) : awaited(course, starts, counts, seen);
}

type Counts = ReadonlyMap<string, readonly PlannedChange[]>;

function begun(course: Course, starts: readonly PlannedChange[], counts: Counts, seen: Seen): Turn {
  const why = whyNotScale(course, counts, seen) ?? whyNoRoom(starts, seen, staying);
  if (why !== null) return dropped(course, why);
  const rollout = unsettled(
    course,
    [...counts.keys()].map((name) => seen.workloads.get(name)!),
    seen.now,
  );
  if (rollout !== null) return rollout;
  // What is on its way out still has its memory.
  const yet = whyNoRoom(starts, seen, ({ instances }) => instances);
  if (yet !== null) return seen.now - course.since > PATIENCE ? dropped(course, yet) : { course };
  const replicas = { ...course.replicas };
  for (const [workload, of] of counts) replicas[workload] = replicas[workload]! + of.length;
  return {
    course: { ...course, stage: 'Starting', since: seen.now, replicas },
    // Until the load is shifted there it gets as good as nothing: it is not yet known to do well, nor that it lands there.
    weights: starts.flatMap((each): WeightEdit[] => cellOf(course, each, seen)),
    news: starts.map(({ workload, host, reason }) => ({
      type: 'Normal',
      reason: 'Starting',
      note: `an instance of ${workload} is started for ${host}: ${reason}; ${course.gain}`,
    })),
  };
}

/** A workload that nobody serves is not held back. */
function cellOf({ columns }: Course, { workload, host }: PlannedChange, { workloads }: Seen): WeightEdit[] {
  const known = serving(workloads.get(workload)!);
  if (known.length === 0 || known.some((each) => each.host === host)) return [];
  return [{ kind: 'Cell', host, columns: columns.get(workload) ?? [], weight: 1 }];
}

function whyNotScale({ replicas }: Course, counts: Counts, { workloads }: Seen): string | null {
  for (const [name, of] of counts) {
    const workload = workloads.get(name)!;
    const others = scaledByOthers(workload, replicas[name]!);
    if (others !== null) return others;
    const after = replicas[name]! + of.length;
    if (after > workload.most) return `${name} may have ${workload.most} instances, and would have ${after}`;
  }
  return null;
}

/** @param countedOf those instances of a workload that take room */
function whyNoRoom(
  starts: readonly PlannedChange[],
  { hosts, workloads }: Seen,
  countedOf: (workload: WorkloadSeen) => readonly InstanceSeen[],
): string | null {
  for (const [name, of] of Map.groupBy(starts, ({ host }) => host)) {
    const host = hosts.get(name);
    if (host?.isReady !== true) return `${name} takes no pods now`;
    const there = [...workloads.values()].flatMap((each) =>
      countedOf(each)
        .filter((instance) => placeOf(instance) === name)
        .map(() => each.memory),
    );
    const more = of.map(({ workload }) => workloads.get(workload)!.memory);
    const memory = [...there, ...more].reduce((sum, each) => sum + each, 0);
    if (memory > host.memory * (1 + 1e-9))
      return `${name} has no memory left for ${of.map(({ workload }) => workload).join(', ')}`;
    if (there.length + more.length > host.pods) return `${name} has no place left for another pod`;
  }
  return null;
}

function awaited(course: Course, starts: readonly PlannedChange[], counts: Counts, seen: Seen): Turn {
  const writes: Write[] = [];
  const late: string[] = [];
  for (const [name, of] of counts) {
    const workload = seen.workloads.get(name)!;
    const [from, to] = [course.replicas[name]! - of.length, course.replicas[name]!];
    if (workload.replicas === from) writes.push({ kind: 'Scale', workload: name, from, to });
    else if (workload.replicas !== to) return dropped(course, somebodyElse(name, workload.replicas, to));
    const patience = Math.max(PATIENCE, TIMES * 1000 * workload.startSeconds);
    const isThere = workload.replicas === to && staying(workload).filter(({ isReady }) => isReady).length >= to;
    if (!isThere) late.push(name);
    if (!isThere && seen.now - course.since > patience) return tooLate(course, name, counts, seen);
  }
  if (late.length > 0) return { course, writes };
  const astray = starts.find(
    ({ workload, host }) => !serving(seen.workloads.get(workload)!).some((each) => each.host === host),
  );
  if (astray !== undefined) {
    return dropped(
      course,
      `the new instance of ${astray.workload} was not placed on ${astray.host}, and the next plan begins where it is`,
    );
  }
  return {
    course: { ...course, stage: 'Due', since: seen.now, changes: course.changes.slice(starts.length) },
    weights: [{ kind: 'Loads', loads: starts.at(-1)!.loads }],
    news: starts.map(({ workload, host }) => ({
      type: 'Normal',
      reason: 'Started',
      note: `${workload} serves on ${host}`,
    })),
  };
}

/** Instances that do not come up are asked for no more: Kubernetes takes those away first that are not ready. */
function tooLate(course: Course, name: string, counts: Counts, seen: Seen): Turn {
  const writes = [...counts].flatMap(([each, of]): Write[] => {
    const workload = seen.workloads.get(each)!;
    const unready = workload.replicas - staying(workload).filter(({ isReady }) => isReady).length;
    const back = Math.max(workload.least, workload.replicas - Math.min(of.length, unready));
    return back < workload.replicas ? [{ kind: 'Scale', workload: each, from: workload.replicas, to: back }] : [];
  });
  const seconds = Math.round((seen.now - course.since) / 1000);
  return dropped(course, `an instance of ${name} is not ready after ${seconds} s`, writes);
}
