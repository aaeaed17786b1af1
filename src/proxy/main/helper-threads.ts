/** The engine's helper threads (compilers, collectors) and the threads that serve want the same processors. */
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

/** A third of the share of a thread that serves (setpriority(2): each step is a factor of 1.25). */
const STEPS = 5;
const MOST = os.constants.priority.PRIORITY_LOW;
const TASKS = '/proc/self/task';
/** V8's pool, as Node.js names its threads; it is complete before any of our code runs. */
const HELPER = /V8Worker/;

/**
 * Gives the helper threads of this process lower priority than those that serve. Four of them compile and collect for all
 * threads: on few processors each takes a slice of some milliseconds while a request waits, and what they do can wait
 * longer than a request can. Not the lowest priority there is: a collection waits for the part that a helper has begun.
 * Returns how many; 0 where there is no /proc, or it is not allowed.
 */
export function helpersGiveWay(): number {
  try {
    const helpers = readdirSync(TASKS).filter((id) => HELPER.test(readFileSync(`${TASKS}/${id}/comm`, 'utf8')));
    // Linux: the priority is a thread's own, whatever POSIX says of processes.
    for (const id of helpers.map(Number)) os.setPriority(id, Math.min(MOST, os.getPriority(id) + STEPS));
    return helpers.length;
  } catch {
    return 0;
  }
}
