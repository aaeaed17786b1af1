/** Resident memory of a process by what it is for, from its mappings: where it grows, this tells in which part. */
import { readFileSync } from 'node:fs';

/** Bytes. */
export interface Resident {
  /** Of files: program, libraries. */
  readonly file: number;
  /** malloc's first arena (brk), and those of threads. */
  readonly heap: number;
  readonly arenas: number;
  readonly stacks: number;
  /** All else: V8's pages, large blocks. */
  readonly anonymous: number;
}

/** glibc reserves so much for each arena of a thread, at a multiple of it. */
const ARENA = 64 * 2 ** 20;
/** glibc puts one page without rights below each stack; V8's are larger. */
const GUARD = 4096;

/** Null where the process is gone. */
export function residentOf(pid: number): Resident | null {
  try {
    return residentIn(readFileSync(`/proc/${pid}/smaps`, 'latin1'));
  } catch {
    return null;
  }
}

/** Pure: of the text of /proc/PID/smaps. */
export function residentIn(smaps: string): Resident {
  const sums = { file: 0, heap: 0, arenas: 0, stacks: 0, anonymous: 0 };
  const mappings = mappingsIn(smaps);
  mappings.forEach((mapping, at) => {
    sums[kindOf(mapping, mappings[at - 1], mappings[at + 1])] += mapping.resident;
  });
  return sums;
}

interface Mapping {
  readonly from: number;
  readonly to: number;
  readonly rights: string;
  readonly name: string;
  readonly resident: number;
}

function mappingsIn(smaps: string): Mapping[] {
  const found: Mapping[] = [];
  const pattern = /^([\da-f]+)-([\da-f]+) (\S+) \S+ \S+ \S+ *(.*)\n(?:(?![\da-f]+-).*\n)*?Rss: +(\d+) kB/gm;
  for (const [, from = '', to = '', rights = '', name = '', kilobytes = ''] of smaps.matchAll(pattern))
    found.push({ from: parseInt(from, 16), to: parseInt(to, 16), rights, name, resident: 1024 * Number(kilobytes) });
  return found;
}

function kindOf(mapping: Mapping, before: Mapping | undefined, after: Mapping | undefined): keyof Resident {
  const { from, to, name } = mapping;
  if (name === '[heap]') return 'heap';
  if (name.startsWith('[stack')) return 'stacks';
  if (name.startsWith('/')) return 'file';
  const end = after !== undefined && after.from === to && after.rights.startsWith('---') ? after.to : to;
  if (from % ARENA === 0 && end - from === ARENA) return 'arenas';
  const isGuarded = before?.to === from && before.rights.startsWith('---') && before.to - before.from === GUARD;
  return isGuarded ? 'stacks' : 'anonymous';
}
