/** What `serve` and `proxy` have in common: a supervisor that keeps the sockets, and under it the serving process. */
import { BRIEFLY, giveBackWhenCalm } from '../memory/calm.ts';
import { helpersGiveWay } from '../proxy/main/helper-threads.ts';
import { connectSupervisor } from '../proxy/supervisor/connect-supervisor.ts';
import { type Listening, localListeners } from '../proxy/supervisor/local-listeners.ts';
import { SUPERVISED } from '../proxy/supervisor/protocol.ts';
import { createLogger, type Log } from '../telemetry/log.ts';
import { endProcess } from './end-process.ts';
import { EXIT } from './exit-codes.ts';
import type { TrafficOptions } from './traffic-options.ts';

/** Whether this process was started by a supervisor. */
export const isServingProcess = (): boolean => process.env[SUPERVISED] !== undefined;

/** Milliseconds that the serving process has, after draining, to close and to write what it keeps. */
const ENDING = 1500;

/**
 * In the process that was called: keeps the listening descriptors, and starts this program again as the serving process,
 * which finds a supervisor in its environment. Resolves to the exit code.
 */
export async function supervise(command: string, args: readonly string[], options: TrafficOptions): Promise<number> {
  const [, entry] = process.argv;
  if (entry === undefined) throw new Error('the name of this program is not known');
  const { superviseServing } = await import('../proxy/supervisor/supervise.ts');
  const log = createLogger({ level: options.logLevel }).child({ process: 'supervisor' });
  const deadline = options.drainTimeout + options.drainDelay + ENDING;
  const { workers } = options;
  const code = await superviseServing({ entry, args: [command, ...args], deadline, workers, log });
  return await endProcess(log, code);
}

export interface DrainOrder {
  /** Milliseconds. */
  readonly deadline: number;
  /** Another serving process has taken over. */
  readonly replaced: boolean;
}

export interface Running {
  reload(): Promise<void>;
  stop(order: DrainOrder): Promise<void>;
}

export interface Surroundings {
  readonly log: Log;
  readonly listeners: Listening;
  /** To be called when everything is served that shall be. */
  readonly ready: () => void;
}

/** The serving process: runs until it has drained; resolves to the exit code. */
export async function runServingProcess(
  command: string,
  options: TrafficOptions,
  start: (surroundings: Surroundings) => Promise<Running>,
): Promise<number> {
  const log = createLogger({ level: options.logLevel });
  helpersGiveWay();
  const ordered = Promise.withResolvers<DrainOrder>();
  const running: { now: Running | null } = { now: null };
  const supervisor = connectSupervisor({
    drain: (deadline, replaced) => ordered.resolve({ deadline, replaced }),
    reload: () => void running.now?.reload(),
  });
  try {
    const listeners = supervisor?.listeners ?? localListeners();
    running.now = await start({ log, listeners, ready: () => supervisor?.ready() });
    const stopLooking = giveBackWhenCalm(BRIEFLY);
    const order = await ordered.promise;
    stopLooking();
    await running.now.stop(order);
    return await endProcess(log, EXIT.ok);
  } catch (error) {
    log.fatal(`tcpvs ${command}: ${(error as Error).message}`);
    log.debug({ err: error }, 'the same with its stack');
    return await endProcess(log, EXIT.failed);
  }
}
