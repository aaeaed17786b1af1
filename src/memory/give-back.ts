/** Gives memory back to the system that taking in a configuration needed, and serving does not. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects everything that can be collected in this thread, and compacts what is left: V8 does so by itself only when memory
 * runs out, and a thread that is idle from then on would keep it for good. (5,000 rules: 172 MB against 148.) Stops the
 * thread for some 150 ms per 50 MB of live objects, so it is for moments in which nobody waits for it.
 */
export function giveBack(): void {
  let collect: Collect | null = null;
  for (let i = 0; i < MAX_TRIES && collect === null; i++) collect = collector();
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Bytes that are collected within some 300 ms. */
const BRIEF = 100 * 2 ** 20;

/** The same where that is soon done, for moments in which somebody waits; a large heap is V8's to collect as it sees fit. */
export function giveBackBriefly(): void {
  if (getHeapStatistics().used_heap_size <= BRIEF) giveBack();
}

type Collect = (options: object) => void;

/** Flags are the process', not the thread's: another thread that does the same may take it back in between. */
const MAX_TRIES = 100;

/** Null where that has happened. */
function collector(): Collect | null {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('typeof gc === "function" ? gc : null') as Collect | null;
  // Contexts that are made from now on have no `gc` again.
  setFlagsFromString('--no-expose-gc');
  return collect;
}
