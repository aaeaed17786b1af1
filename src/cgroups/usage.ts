/** What the processes of a control group have used since it was made. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Usage {
  /** Core-seconds; absent: it is not accounted for there. */
  readonly cpu?: number;
  /** Bytes read from and written to devices. */
  readonly io?: number;
}

/** Null: there is no such group, or nothing is accounted for in it. */
export async function readUsage(group: string): Promise<Usage | null> {
  const [stat, account, io, throttle] = await Promise.all(
    ['cpu.stat', 'cpuacct.usage', 'io.stat', 'blkio.throttle.io_service_bytes_recursive'].map((file) =>
      readOr(join(group, file)),
    ),
  );
  const cpu = cpuOf(stat ?? '', account ?? '');
  const bytes = io === undefined ? throttledOf(throttle) : ioOf(io);
  if (cpu === null && bytes === null) return null;
  return { ...(cpu === null ? {} : { cpu }), ...(bytes === null ? {} : { io: bytes }) };
}

/** Version 2: `usage_usec 123` among other lines; version 1: nanoseconds alone (its cpu.stat is about throttling). */
function cpuOf(stat: string, account: string): number | null {
  const [, microseconds] = /^usage_usec (\d+)$/m.exec(stat) ?? [];
  if (microseconds !== undefined) return Number(microseconds) / 1e6;
  const [, nanoseconds] = /^(\d+)\s*$/.exec(account) ?? [];
  return nanoseconds === undefined ? null : Number(nanoseconds) / 1e9;
}

/** Version 2: `8:0 rbytes=1 wbytes=2 rios=…` for each device. A group that has never touched one has no line, and used nothing. */
function ioOf(stat: string): number {
  return [...stat.matchAll(/ [rw]bytes=(\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** Version 1: `8:0 Read 1`, `8:0 Write 2` …, and `Total 3` at the end. */
function throttledOf(text = ''): number | null {
  const [, total] = /^Total (\d+)$/m.exec(text) ?? [];
  return total === undefined ? null : Number(total);
}

async function readOr(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}
