/**
 * The next thing that is to be done on a course. Called again and again with what is seen: what was written and is not seen
 * yet is written again, which changes nothing; what is not as the plan has it ends the course where it is.
 */
import type { Seen, Served } from '../model/workloads.ts';
import { costWrites } from './costs.ts';
import type { Advance, Course, News, WeightEdit, Write } from './course.ts';
import { gateWrites } from './gates.ts';
import { starting } from './starting.ts';
import { stopping } from './stopping.ts';
import { dropped, type Turn } from './turn.ts';

/** Milliseconds: what was planned so long ago says nothing of now. */
const OLD = 60 * 60_000;
/** Stages that may follow each other within one call: each change has fewer than five, and waits for something in one of them. */
const MOST_TURNS = 8;

export function advance(before: Course | null, seen: Seen, served: Served): Advance {
  const news: News[] = [];
  const weights: WeightEdit[] = [];
  let course = before;
  let writes: readonly Write[] = [];
  for (let turns = 0; course !== null && course.changes.length > 0 && turns < MOST_TURNS; turns++) {
    const turn: Turn = next(course, seen, served);
    news.push(...(turn.news ?? []));
    weights.push(...(turn.weights ?? []));
    writes = turn.writes ?? [];
    const stays = turn.course === course;
    ({ course } = turn);
    if (stays) break;
  }
  if (course?.changes.length === 0) course = null;
  return { course, writes: [...gateWrites(course, seen), ...costWrites(course, seen), ...writes], weights, news };
}

function next(course: Course, seen: Seen, served: Served): Turn {
  const lost = course.changes.find(({ workload }) => !seen.workloads.has(workload));
  if (lost !== undefined) return dropped(course, `${lost.workload} is not there any more`);
  const foreign = course.changes.flatMap(({ workload }) => seen.workloads.get(workload)!.whyNot?.message ?? [])[0];
  if (foreign !== undefined) return dropped(course, foreign);
  if (seen.now - course.began > OLD) return dropped(course, 'it was made too long ago');
  return course.changes[0]!.op === 'start' ? starting(course, seen) : stopping(course, seen, served);
}
