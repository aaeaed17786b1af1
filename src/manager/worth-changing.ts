/** Whether a plan of starts and stops is worth to be carried out, and certain enough (placement.md 5). Pure. */
import { type Seen, staying } from '../model/workloads.ts';
import type { Problem } from '../placement/problem/problem.ts';
import type { Result } from '../placement/result.ts';
import { valuesOf } from './expected.ts';

/** What is kept of a matrix' instances from one cycle to the next. */
export interface Standing {
  /** Cycles in a row in which a plan was better by enough. */
  readonly better: number;
  /** Hosts that took pods in the cycle before. */
  readonly hosts: readonly string[];
}

export const NEW_STANDING: Standing = { better: 0, hosts: [] };

export interface Worth {
  readonly standing: Standing;
  readonly isWorth: boolean;
  /** For people: what would come of it, and why it is carried out or not. */
  readonly why: string;
  /** What is expected of it, for people. */
  readonly gain: string;
}

/** Part of the demand, and cycles in a row. */
const LEAST_GAIN = 0.02;
const CYCLES = 3;
/** An app that has so much less of what is asked of it than it could have is not waited for. */
const LEAST_FAIRNESS = 0.1;

export function worthChanging(before: Standing, problem: Problem, result: Result, seen: Seen): Worth {
  const hosts = [...seen.hosts].flatMap(([name, { isReady }]) => (isReady ? [name] : []));
  if (result.changes.length === 0) {
    const dropped = result.dropped[0];
    const why =
      dropped === undefined ? 'no instance need start or stop' : `no instance starts or stops: ${dropped.reason}`;
    return { standing: { better: 0, hosts }, isWorth: false, why, gain: '' };
  }
  const [now, then] = [satisfiedBy(problem, result.before), satisfiedBy(problem, result.served)];
  const gain = `${percent(then.all)} of the demand is served in place of ${percent(now.all)}`;
  const changes = count(result.changes);
  const urgent = urgency(before, { problem, seen, hosts }, now, then);
  if (urgent !== null) {
    return {
      standing: { better: 0, hosts },
      isWorth: true,
      why: `${changes}: ${urgent}; ${gain}`,
      gain: `${urgent}; ${gain}`,
    };
  }
  if (then.all - now.all < LEAST_GAIN) {
    const why = `${changes} would not be worth it: ${gain}`;
    return { standing: { better: 0, hosts }, isWorth: false, why, gain };
  }
  const better = before.better + 1;
  if (better >= CYCLES) return { standing: { better, hosts }, isWorth: true, why: `${changes}: ${gain}`, gain };
  const why = `${changes} would be worth it, and must be so in ${CYCLES} cycles in a row (${better} now): ${gain}`;
  return { standing: { better, hosts }, isWorth: false, why, gain };
}

interface Served {
  /** By worth. */
  readonly all: number;
  /** Of the app that has least of what is asked of it. */
  readonly least: number;
  readonly leastApp: string;
}

function satisfiedBy(
  { columns, hosts }: Problem,
  rates: readonly { readonly column: string; readonly rate: number }[],
): Served {
  const values = valuesOf(columns, hosts);
  const served = new Map<string, number>();
  for (const { column, rate } of rates) served.set(column, (served.get(column) ?? 0) + rate);
  let [sum, asked, least, leastApp] = [0, 0, 1, ''];
  for (const { name, rate } of columns) {
    const part = Math.min(1, (served.get(name) ?? 0) / rate);
    sum += values.get(name)! * rate * part;
    asked += values.get(name)! * rate;
    if (part < least) [least, leastApp] = [part, name];
  }
  return { all: asked > 0 ? sum / asked : 1, least, leastApp };
}

/** Why it is not waited for; null: it is. */
function urgency(
  before: Standing,
  { problem, seen, hosts }: { readonly problem: Problem; readonly seen: Seen; readonly hosts: readonly string[] },
  now: Served,
  then: Served,
): string | null {
  for (const { name, minInstances } of problem.workloads) {
    const has = staying(seen.workloads.get(name)!).length;
    if (has < minInstances) return `${name} has ${has} instances, and its minimum is ${minInstances}`;
  }
  const lost = before.hosts.find((host) => !hosts.includes(host));
  if (lost !== undefined && then.all > now.all) return `${lost} is lost`;
  if (then.least - now.least < LEAST_FAIRNESS) return null;
  return `app ${now.leastApp} gets ${percent(now.least)} of what is asked of it, and each could get ${percent(then.least)}`;
}

function count(changes: Result['changes']): string {
  const starts = changes.filter(({ op }) => op === 'start').length;
  const stops = changes.length - starts;
  const parts = [
    starts === 0 ? [] : `${starts} ${starts === 1 ? 'start' : 'starts'}`,
    stops === 0 ? [] : `${stops} ${stops === 1 ? 'stop' : 'stops'}`,
  ];
  return parts.flat().join(' and ');
}

function percent(part: number): string {
  return `${(100 * part).toFixed(0)} %`;
}
