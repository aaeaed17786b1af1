/** A control group of this test alone, with so much memory and not more: where one can be made (as root, cgroup mounted). */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryGroup {
  /** Writing a process id here moves it in. */
  readonly procs: string;
  /** Processes that were killed for want of memory. */
  kills(): number;
  /** Bytes in use, less what the kernel can take back at once. */
  used(): number;
  /** When no process is left in it. */
  remove(): void;
}

/** Null where none can be made. */
export function makeMemoryGroup(name: string, bytes: number): MemoryGroup | null {
  return makeIn(FIRST, name, bytes) ?? makeIn(SECOND, name, bytes);
}

const FIRST = {
  parent: '/sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  inactive: 'total_inactive_file',
  events: 'memory.oom_control',
};
const SECOND = {
  parent: '/sys/fs/cgroup',
  limit: 'memory.max',
  usage: 'memory.current',
  inactive: 'inactive_file',
  events: 'memory.events',
};

function makeIn(
  { parent, limit, usage, inactive, events }: typeof FIRST,
  name: string,
  bytes: number,
): MemoryGroup | null {
  const directory = join(parent, name);
  try {
    if (!existsSync(join(parent, 'cgroup.procs'))) return null;
    mkdirSync(directory);
  } catch {
    return null;
  }
  const remove = () => rmdirSync(directory);
  try {
    writeFileSync(join(directory, limit), String(bytes));
  } catch {
    // the memory controller is not to be had here
    remove();
    return null;
  }
  const read = (file: string) => readFileSync(join(directory, file), 'latin1');
  const value = (file: string, key: string) => Number(new RegExp(`^${key} (\\d+)`, 'm').exec(read(file))?.[1] ?? 0);
  return {
    procs: join(directory, 'cgroup.procs'),
    kills: () => value(events, 'oom_kill'),
    used: () => Number(read(usage)) - value('memory.stat', inactive),
    remove,
  };
}
