/** Gives memory back to the system that taking in a configuration needed, and serving does not. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects everything that can be collected in this thread, and compacts what is left: V8 does so by itself only when memory
 * runs out, and a thread that is idle from then on would keep it for good. (5,000 rules: 172 MB against 148.) Stops the
 * thread for some 150 ms per 50 MB of live objects, and for longer where processors are short, since it waits for V8's helpers
 * again and again: so it is for moments in which nobody waits for it.
 */
export function giveBack(): void {
  collect('last-resort');
}

/** Bytes that are collected in some 100 ms at most. */
const BRIEF = 200 * 2 ** 20;

/**
 * For moments in which somebody waits: what nobody holds is collected once (6 ms for 15 MB). A large heap is
 * V8's to collect, as it sees fit.
 */
export function giveBackBriefly(): void {
  if (getHeapStatistics().used_heap_size <= BRIEF) collect('regular');
}

function collect(flavor: 'last-resort' | 'regular'): void {
  let run: Collect | null = null;
  for (let i = 0; i < MAX_TRIES && run === null; i++) run = collector();
  run?.({ type: 'major', execution: 'sync', flavor });
}

type Collect = (options: object) => void;

/** Flags are the process', not the thread's: another thread that does the same may take it back in between. */
const MAX_TRIES = 100;

/** Null where that has happened. */
function collector(): Collect | null {
  setFlagsFromString('--expose-gc');
  const found = runInNewContext('typeof gc === "function" ? gc : null') as Collect | null;
  // Contexts that are made from now on have no `gc` again.
  setFlagsFromString('--no-expose-gc');
  return found;
}
