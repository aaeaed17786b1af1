import type { Log } from '../telemetry/log.ts';

/** Long enough for a reader that is there; one that has stalled does not keep the process. */
const PATIENCE = 1000;

/** Ends the process once the log is written: what still holds the event loop (a watcher, a timer) is of no interest. */
export function endProcess(log: Log, code: number): Promise<never> {
  return new Promise(() => {
    log.flush(() => process.exit(code));
    setTimeout(() => process.exit(code), PATIENCE);
  });
}
