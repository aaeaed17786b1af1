/** Results as they are kept: one file per part, so that a part can be measured anew alone. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT, type Circumstances } from '../measure/machine.ts';
import type { LatencyResult } from '../parts/latency.ts';
import type { MemoryResult } from '../parts/memory.ts';
import type { ProfileResult } from '../parts/profile.ts';
import type { SyscallResult } from '../parts/syscalls.ts';
import type { CaseResult } from '../parts/throughput.ts';
import type { WorkersResult } from '../parts/workers.ts';

export interface Results {
  readonly circumstances: Circumstances;
  readonly cases: CaseResult[];
  workers?: WorkersResult;
  latency?: readonly LatencyResult[];
  memory?: MemoryResult;
  syscalls?: SyscallResult;
  profiles?: readonly ProfileResult[];
}

export interface Kept<T> {
  readonly circumstances: Circumstances;
  readonly result: T;
}

/** Writes bench/results/VERSION/*.json and answers with the folder. */
export function keep(results: Results): string {
  const { circumstances, cases, ...parts } = results;
  const directory = join(ROOT, 'bench/results', circumstances.version);
  mkdirSync(directory, { recursive: true });
  const named = [...cases.map((each) => [`case-${each.name}`, each] as const), ...Object.entries(parts)];
  for (const [name, result] of named) {
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify({ circumstances, result }, null, 1)}\n`);
  }
  return directory;
}

/** null where the part was never measured. */
export function read<T>(directory: string, name: string): Kept<T> | null {
  try {
    return JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')) as Kept<T>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** All cases of a folder, in the order of their names. */
export function readCases(directory: string): Kept<CaseResult>[] {
  const names = readdirSync(directory).filter((name) => name.startsWith('case-') && name.endsWith('.json'));
  return names.toSorted().flatMap((name) => read<CaseResult>(directory, name.slice(0, -'.json'.length)) ?? []);
}
