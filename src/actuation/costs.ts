/** The hint that tells Kubernetes which instance of a workload is to go: whoever has the lowest deletion cost. */
import { type InstanceSeen, type Seen, staying } from '../model/workloads.ts';
import type { Course, Write } from './course.ts';

/** Lower than what people give; and how our own mark is known. */
export const MARK = -1_000_000;

/** The instance that the course is about to stop; null: none is. */
export function victimOf(course: Course | null, { workloads }: Seen): InstanceSeen | null {
  const head = course?.changes[0];
  if (course === null || head?.op !== 'stop' || (course.stage !== 'Stopping' && course.stage !== 'Scaling'))
    return null;
  const workload = workloads.get(head.workload);
  const here = workload === undefined ? [] : staying(workload).filter(({ host }) => host === head.host);
  // One that is marked stays the one: two on a host are alike.
  return here.find(({ cost }) => cost === MARK) ?? here[0] ?? null;
}

/** The victim is marked, and nobody else is, whoever marked it. */
export function costWrites(course: Course | null, seen: Seen): Write[] {
  const victim = victimOf(course, seen);
  return [...seen.workloads.values()].flatMap((workload) =>
    staying(workload).flatMap((instance): Write[] => {
      const isVictim = instance === victim;
      if (isVictim === (instance.cost === MARK)) return [];
      const { pod, cost } = instance;
      return [{ kind: 'Cost', workload: workload.name, pod, from: cost, to: isVictim ? MARK : null }];
    }),
  );
}
