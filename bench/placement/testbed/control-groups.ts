/** Control groups of nodes, version 1 or 2: what a node's processes together may use of the processor, the memory and the disk. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface NodeLimits {
  /** Cores. */
  readonly cpu: number;
  /** Bytes, page cache included. */
  readonly memory: number;
  /** Bytes/s read from the disk. */
  readonly io: number;
}

export interface NodeGroup {
  /** What, before a command, runs it in the group. */
  readonly enter: readonly string[];
  /** In force at once, for all that runs there. */
  limit(limits: NodeLimits): void;
  /** No limits, and nothing kept in the page cache; nothing may run there. */
  empty(): void;
}

const ROOT = '/sys/fs/cgroup';
const NAME = 'tcpvs-testbed-';
const CONTROLLERS = ['cpu', 'memory', 'blkio'] as const;
/** The kernel takes no shorter quota than 1 ms; a node of 3 % of a core needs a longer period than 10 ms for it. */
const LEAST_QUOTA = 1200;
const LEAST_PERIOD = 10_000;
const NONE = -1;
const MOST_TRIES = 500;

/** Why no limited node can be made here; null: it can. */
export function whyNoGroups(): string | null {
  if (process.platform !== 'linux') return 'nodes are control groups, which only Linux has';
  const places = placesOf();
  const closed = places.find((place) => !isWritable(place));
  return closed === undefined ? null : `nodes are control groups, and none can be made in ${closed}: run it as root`;
}

/** `1` or `2`: which version the limits are put in force with. */
export const groupVersion = (): 1 | 2 => (isVersion2() ? 2 : 1);

/**
 * All groups of a run lie in one, named after the process that the run belongs to, so that the next run can tell what a dead one
 * has left behind.
 */
export class ControlGroups {
  readonly #places: readonly string[];
  readonly #name: string;

  /** @param owner process id of the run */
  constructor(owner: number) {
    this.#name = `${NAME}${owner}`;
    this.#places = placesOf().map((place) => join(place, this.#name));
    for (const place of this.#places) mkdirSync(place, { recursive: true });
    if (isVersion2()) for (const place of [ROOT, ...this.#places]) delegate(place);
  }

  /** @param directory on the disk whose reads are limited */
  add(name: string, directory: string): NodeGroup {
    const places = this.#places.map((place) => join(place, name));
    for (const place of places) mkdirSync(place);
    const device = deviceOf(directory);
    const script = `${places.map((place) => `echo $$ > '${place}/cgroup.procs'`).join(' && ')} && exec "$@"`;
    return { ...limiterOf(groupVersion(), places, device), enter: ['sh', '-c', script, 'sh'] };
  }

  /** Waits for what has been killed there to end. */
  async remove(): Promise<void> {
    for (const place of this.#places) {
      for (let tries = 0; !removeTree(place); tries++) {
        if (tries > MOST_TRIES) throw new Error(`${place}: processes that run there do not end`);
        await sleep(20);
      }
    }
  }
}

/** Removes groups of runs that are dead; what is still in use stays. */
export function sweepGroups(): void {
  for (const place of placesOf()) {
    for (const name of readdirSync(place)) {
      const owner = new RegExp(`^${NAME}(\\d+)$`).exec(name)?.[1];
      if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeTree(join(place, name));
    }
  }
}

/** Groups that a run has now. */
export function groupsOf(owner: number): string[] {
  return placesOf()
    .map((place) => join(place, `${NAME}${owner}`))
    .filter((group) => existsSync(group));
}

type Limiter = Pick<NodeGroup, 'limit' | 'empty'>;

/** @param places of the group: one of version 2, those of cpu, memory and blkio of version 1 */
export function limiterOf(version: 1 | 2, places: readonly string[], device: string): Limiter {
  return version === 2 ? version2(places[0]!, device) : version1(places, device);
}

function version1([cpu, memory, blkio]: readonly string[], device: string): Limiter {
  const quota = (period: number, micros: number): void => {
    // A quota that is in force must fit to a period at any time, so it is lifted first.
    put(cpu!, 'cpu.cfs_quota_us', NONE);
    if (period > 0) put(cpu!, 'cpu.cfs_period_us', period);
    if (micros > 0) put(cpu!, 'cpu.cfs_quota_us', micros);
  };
  return {
    limit: (limits) => {
      const { period, micros } = quotaOf(limits.cpu);
      put(memory!, 'memory.limit_in_bytes', Math.round(limits.memory));
      put(blkio!, 'blkio.throttle.read_bps_device', `${device} ${Math.round(limits.io)}`);
      quota(period, micros);
    },
    empty: () => {
      quota(0, NONE);
      put(blkio!, 'blkio.throttle.read_bps_device', `${device} 0`);
      put(memory!, 'memory.limit_in_bytes', NONE);
      put(memory!, 'memory.force_empty', 0);
    },
  };
}

function version2(place: string, device: string): Limiter {
  return {
    limit: ({ cpu, memory, io }) => {
      const { period, micros } = quotaOf(cpu);
      put(place, 'memory.max', Math.round(memory));
      put(place, 'io.max', `${device} rbps=${Math.round(io)}`);
      put(place, 'cpu.max', `${micros} ${period}`);
    },
    empty: () => {
      put(place, 'cpu.max', 'max');
      put(place, 'io.max', `${device} rbps=max`);
      put(place, 'memory.max', 'max');
      try {
        put(place, 'memory.reclaim', readFileSync(join(place, 'memory.current'), 'utf8').trim());
      } catch {
        // It says so when less than all could be given back.
      }
    },
  };
}

/** Microseconds per period. */
export function quotaOf(cores: number): { period: number; micros: number } {
  const period = Math.max(LEAST_PERIOD, Math.ceil(LEAST_QUOTA / cores));
  return { period, micros: Math.round(period * cores) };
}

const placesOf = (): string[] => (isVersion2() ? [ROOT] : CONTROLLERS.map((each) => join(ROOT, each)));

const isVersion2 = (): boolean => existsSync(join(ROOT, 'cgroup.controllers'));

function isWritable(place: string): boolean {
  try {
    accessSync(place, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function put(place: string, file: string, value: string | number): void {
  try {
    writeFileSync(join(place, file), `${value}\n`);
  } catch (error) {
    throw new Error(`${join(place, file)}: writing ${value} failed: ${(error as Error).message}`, { cause: error });
  }
}

/** Children may be limited. */
function delegate(place: string): void {
  put(place, 'cgroup.subtree_control', '+cpu +memory +io');
}

/** `major:minor` of the disk that a directory lies on: limits are a disk's, not a partition's. */
function deviceOf(directory: string): string {
  const { dev } = statSync(directory);
  // Linux' encoding of device numbers (glibc's gnu_dev_major and gnu_dev_minor), as far as disks need it.
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  const place = `/sys/dev/block/${major}:${minor}`;
  if (!existsSync(place))
    throw new Error(
      `${directory} lies on no disk of its own, so reads cannot be limited there: choose another one (TMPDIR)`,
    );
  const whole = join(place, 'partition');
  return existsSync(whole) ? readFileSync(join(realpathSync(place), '../dev'), 'utf8').trim() : `${major}:${minor}`;
}

/** False: something runs there still. */
function removeTree(place: string): boolean {
  if (!existsSync(place)) return true;
  const children = readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (!children.every(({ name }) => removeTree(join(place, name)))) return false;
  try {
    rmdirSync(place);
    return true;
  } catch {
    return false;
  }
}
