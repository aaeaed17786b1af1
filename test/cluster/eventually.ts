import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again until it is so; after a minute it fails, and says what was waited for. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`after a minute still not: ${what}`);
    await sleep(20);
  }
}
