/** How much memory there is for this process, and how much of it is in use: as its control groups say, or as it was told. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryUse {
  /** Bytes. */
  readonly used: number;
  readonly limit: number;
}

/** Of the bounds that there are, the one that is nearest to being reached; null: there is none. */
export type ReadMemory = () => MemoryUse | null;

export interface BoundsOptions {
  /** Bytes that the resident set of this process alone may have; null: nobody said so. */
  readonly given: number | null;
  readonly rss?: () => number;
  /** Where control groups are mounted, and what says in which of them this process is. */
  readonly root?: string;
  readonly self?: string;
}

export function memoryReader(options: BoundsOptions): ReadMemory {
  const { given, rss = () => process.memoryUsage.rss(), root = '/sys/fs/cgroup', self = '/proc/self/cgroup' } = options;
  const groups = groupsOf(readOr(self), root);
  let looks = 0;
  return () => {
    if (looks++ % LIMITS_READ === 0) for (const group of groups) group.limit = limitOf(group);
    let nearest: MemoryUse | null = given === null ? null : { used: rss(), limit: given };
    for (const group of groups) {
      if (group.limit > NO_LIMIT) continue;
      const use = { used: usedIn(group), limit: group.limit };
      if (nearest === null || use.used / use.limit > nearest.used / nearest.limit) nearest = use;
    }
    return nearest;
  };
}

/** Limits may be changed while it runs, but seldom are: they are read once in so many looks. */
const LIMITS_READ = 60;
/** Above a petabyte nobody limits anything; version 1 says 2^63 less a page. */
const NO_LIMIT = 2 ** 50;
/** Share of the limit below which it does not matter what of it could be given back. */
const NO_MATTER = 0.5;

interface Group {
  readonly limits: readonly string[];
  readonly usage: string;
  readonly stat: string;
  /** The line of `stat` that says how much is in files which nobody uses: the kernel takes that back where it is short. */
  readonly inactive: RegExp;
  limit: number;
}

/** This process' group and those that it is in, as far as they can be seen: in a container they may end, or begin, anywhere. */
function groupsOf(text: string, root: string): Group[] {
  const found: Group[] = [];
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const isSecond = controllers === '';
    if (!isSecond && !controllers.split(',').includes('memory')) continue;
    for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
      const group = isSecond ? second(join(root, at)) : first(join(root, 'memory', at));
      if (existsSync(group.usage)) found.push(group);
      if (at === '' || at === '/') break;
    }
  }
  return found;
}

const second = (directory: string): Group => ({
  limits: [join(directory, 'memory.max'), join(directory, 'memory.high')],
  usage: join(directory, 'memory.current'),
  stat: join(directory, 'memory.stat'),
  inactive: /^inactive_file (\d+)$/m,
  limit: Infinity,
});

const first = (directory: string): Group => ({
  limits: [join(directory, 'memory.limit_in_bytes')],
  usage: join(directory, 'memory.usage_in_bytes'),
  stat: join(directory, 'memory.stat'),
  inactive: /^total_inactive_file (\d+)$/m,
  limit: Infinity,
});

/** `max` is no limit, as is a file that is not there. */
function limitOf(group: Group): number {
  return Math.min(...group.limits.map((path) => Number.parseInt(readOr(path), 10) || Infinity));
}

function usedIn({ usage, limit, stat, inactive }: Group): number {
  const used = Number.parseInt(readOr(usage), 10) || 0;
  if (used < NO_MATTER * limit) return used;
  return used - Number(inactive.exec(readOr(stat))?.[1] ?? 0);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
