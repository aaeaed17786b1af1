/**
 * Instances that wait at their scheduling gate: where each is to go, and that none waits for an answer that does not come. It is
 * a preference; the scheduler decides, and what comes of it is seen.
 */
import { type InstanceSeen, placeOf, type Seen, staying, type WorkloadSeen } from '../model/workloads.ts';
import type { Course, Write } from './course.ts';

/** @param course null: nothing is planned, or nothing is to be changed now; gates are opened all the same */
export function gateWrites(course: Course | null, seen: Seen): Write[] {
  const used = usedMemory(seen);
  return [...seen.workloads.values()].flatMap((workload) => {
    const waiting = staying(workload).filter(({ isGated }) => isGated);
    if (waiting.length === 0) return [];
    const taken = new Set(staying(workload).flatMap((each) => placeOf(each) ?? []));
    const given = new Set<string>();
    return waiting.map((instance): Write => {
      const { host, why } = answer(course, workload, instance, { taken, given, used, seen });
      if (host !== null) {
        given.add(host);
        used.set(host, (used.get(host) ?? 0) + workload.memory);
      }
      return { kind: 'Open', workload: workload.name, pod: instance.pod, host, why };
    });
  });
}

interface Places {
  /** Hosts that have an instance of the workload, or are to have one. */
  readonly taken: ReadonlySet<string>;
  /** Those that others have been sent to just now. */
  readonly given: ReadonlySet<string>;
  /** Bytes by host, of all instances. */
  readonly used: ReadonlyMap<string, number>;
  readonly seen: Seen;
}

function answer(
  course: Course | null,
  workload: WorkloadSeen,
  instance: InstanceSeen,
  { taken, given, used, seen }: Places,
): { readonly host: string | null; readonly why: string } {
  const planned = course?.stage === 'Starting' ? startsOf(course) : [];
  const start = planned.find(
    ({ workload: name, host }) => name === workload.name && !taken.has(host) && !given.has(host),
  );
  if (start !== undefined) return { host: start.host, why: `planned: ${start.reason}` };
  const host = replaced(workload, instance, { given, seen });
  if (host !== null) return { host, why: 'an instance of another version there is being replaced' };
  const free = roomiest(workload, { taken, given, used, seen });
  if (free !== null)
    return { host: free, why: 'no place is planned for it; none of its kind is there, and most memory is left' };
  return {
    host: null,
    why: 'no place is planned for it, and no host is better than another, so the scheduler chooses',
  };
}

/** Two on one host bring no more than one does. */
function roomiest({ memory, notOn }: WorkloadSeen, { taken, given, used, seen }: Places): string | null {
  let best: { readonly host: string; readonly left: number } | null = null;
  for (const [host, { isReady, memory: all }] of seen.hosts) {
    const left = all - (used.get(host) ?? 0) - memory;
    const isOpen = isReady && left >= 0 && !taken.has(host) && !given.has(host) && !notOn.has(host);
    if (isOpen && (best === null || left > best.left)) best = { host, left };
  }
  return best?.host ?? null;
}

/** Starts that are done together: those that nothing comes before. */
export function startsOf({ changes }: Course): Course['changes'] {
  const end = changes.findIndex(({ op }) => op !== 'start');
  return end === -1 ? changes : changes.slice(0, end);
}

/** A rollout keeps the placement: the new version goes where one of another version is, and none of its own. */
function replaced(
  workload: WorkloadSeen,
  { version }: InstanceSeen,
  { given, seen: { hosts } }: Pick<Places, 'given' | 'seen'>,
): string | null {
  const own = new Set(workload.instances.flatMap((each) => (each.version === version ? (placeOf(each) ?? []) : [])));
  const others = workload.instances.flatMap((each) => (each.version === version ? [] : (each.host ?? [])));
  return (
    others.toSorted().find((host) => !own.has(host) && !given.has(host) && hosts.get(host)?.isReady === true) ?? null
  );
}

function usedMemory({ workloads }: Seen): Map<string, number> {
  const used = new Map<string, number>();
  for (const { instances, memory } of workloads.values()) {
    for (const instance of instances) {
      const host = placeOf(instance);
      if (host !== null) used.set(host, (used.get(host) ?? 0) + memory);
    }
  }
  return used;
}
