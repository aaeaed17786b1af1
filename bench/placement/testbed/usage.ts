/** What a process has used, by the kernel's own books; nothing of one that has ended. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** Core-seconds of all its threads. */
  readonly cpu: number;
  /** Bytes that it made the disk read. */
  readonly io: number;
  /** Bytes of memory of its own. */
  readonly memory: number;
}

export function usageOf(pid: number): ProcessUsage {
  const nanoseconds = threadsOf(pid).map((thread) =>
    Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]),
  );
  return {
    cpu: nanoseconds.reduce((a, b) => a + b, 0) / 1e9,
    io: Number(/^read_bytes: (\d+)/m.exec(read(`/proc/${pid}/io`))?.[1] ?? 0),
    memory: 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0),
  };
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
