/** Stops: the load is shifted away, the cell quiesced and empty, the instance marked, and then one less asked for. */
import { type Seen, type Served, serving, staying } from '../model/workloads.ts';
import { MARK, victimOf } from './costs.ts';
import type { Course, PlannedChange, Write } from './course.ts';
import { dropped, scaledByOthers, somebodyElse, type Turn, unsettled } from './turn.ts';

/** Milliseconds after which what is still in flight is left to the instance's own end. */
const EMPTY = 60_000;
/** Milliseconds that any other stage may take. */
const PATIENCE = 2 * 60_000;
/** Ready instances without which none goes before another one has come. */
const BREAK_FIRST = 2;

export function stopping(course: Course, seen: Seen, served: Served): Turn {
  const head = course.changes[0]!;
  const waited = seen.now - course.since;
  switch (course.stage) {
    case 'Due':
    case 'Starting':
      return quiesced(course, head, seen);
    case 'Quiescing': {
      const why = whyNotStop(course, head, seen);
      if (why !== null) return dropped(course, why);
      const { host, workload } = head;
      const isQuiesced = served.isQuiesced(host, workload);
      if (!isQuiesced && waited > PATIENCE)
        return dropped(course, `not all proxies have quiesced ${workload} on ${host}`);
      const isEmpty = served.inFlight(host, workload) === 0 || waited > EMPTY;
      return isQuiesced && isEmpty ? { course: { ...course, stage: 'Stopping', since: seen.now } } : { course };
    }
    case 'Stopping':
      return marked(course, head, seen);
    case 'Scaling':
      return scaled(course, head, seen);
    default:
      return course.stage satisfies never;
  }
}

function quiesced(course: Course, head: PlannedChange, seen: Seen): Turn {
  const why = whyNotStop(course, head, seen);
  if (why !== null) return dropped(course, why);
  const rollout = unsettled(course, [seen.workloads.get(head.workload)!], seen.now);
  if (rollout !== null) return rollout;
  const { host, workload, reason, loads } = head;
  const columns = course.columns.get(workload) ?? [];
  const copies = staying(seen.workloads.get(workload)!).filter((each) => each.host === host).length;
  return {
    // The cell of two is not quiesced for one of them.
    course: { ...course, stage: copies > 1 ? 'Stopping' : 'Quiescing', since: seen.now },
    weights: [
      { kind: 'Loads', loads },
      ...(copies > 1 ? [] : [{ kind: 'Cell' as const, host, columns, weight: 0 as const }]),
    ],
    news: [
      {
        type: 'Normal',
        reason: 'Stopping',
        note: `the instance of ${workload} on ${host} is to stop: ${reason}; ${course.gain}`,
      },
    ],
  };
}

/** What must hold until the instance is gone. */
function whyNotStop(
  { changes, replicas }: Course,
  { host, workload: name }: PlannedChange,
  { workloads }: Seen,
): string | null {
  const workload = workloads.get(name)!;
  const others = scaledByOthers(workload, replicas[name]!);
  if (others !== null) return others;
  const here = staying(workload).find((each) => each.host === host);
  if (here === undefined) return `no instance of ${name} is on ${host} any more`;
  const left = serving(workload).filter((each) => each !== here).length;
  const isBreakFirst = changes.some((each) => each.op === 'start' && each.workload === name);
  const least = Math.max(1, workload.least, isBreakFirst ? BREAK_FIRST : 0);
  return left >= least ? null : `${left} other instances of ${name} are ready, and ${least} must be`;
}

function marked(course: Course, head: PlannedChange, seen: Seen): Turn {
  const why = whyNotStop(course, head, seen);
  if (why !== null) return dropped(course, why);
  const { workload: name } = head;
  if (victimOf(course, seen)?.cost !== MARK) {
    return seen.now - course.since > PATIENCE
      ? dropped(course, `the instance of ${name} cannot be marked`)
      : { course };
  }
  const replicas = { ...course.replicas, [name]: course.replicas[name]! - 1 };
  return { course: { ...course, stage: 'Scaling', since: seen.now, replicas } };
}

function scaled(course: Course, head: PlannedChange, seen: Seen): Turn {
  const { workload: name, host } = head;
  const workload = seen.workloads.get(name)!;
  const to = course.replicas[name]!;
  if (workload.replicas === to + 1) {
    const why = whyNotStop({ ...course, replicas: { ...course.replicas, [name]: to + 1 } }, head, seen);
    if (why !== null) return dropped(course, why);
    const writes: Write[] = [{ kind: 'Scale', workload: name, from: to + 1, to }];
    return seen.now - course.since > PATIENCE ? dropped(course, `${name} cannot be scaled`) : { course, writes };
  }
  if (workload.replicas !== to) return dropped(course, somebodyElse(name, workload.replicas, to));
  if (staying(workload).length > to) {
    return seen.now - course.since > PATIENCE ? dropped(course, `no instance of ${name} goes`) : { course };
  }
  if (victimOf(course, seen)?.cost === MARK) {
    return dropped(course, `Kubernetes took another instance of ${name} than the one on ${host}`);
  }
  return {
    course: { ...course, stage: 'Due', since: seen.now, changes: course.changes.slice(1) },
    // Without an instance it takes nothing; one that is put there by somebody is to serve.
    weights: [{ kind: 'Cell', host, columns: course.columns.get(name) ?? [], weight: 'Mean' }],
    news: [{ type: 'Normal', reason: 'Stopped', note: `the instance of ${name} on ${host} is stopped` }],
  };
}
