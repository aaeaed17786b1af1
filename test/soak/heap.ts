/**
 * The heap of a running process' threads after a full collection, over the inspector's protocol: what is in use then is held
 * by somebody. A plain look at the heap sees mostly what has not been collected yet.
 */
import { Inspector } from '../../bench/measure/inspector.ts';

export interface HeldHeap {
  readonly main: Held;
  readonly workers: readonly Held[];
}

/** Bytes. */
export interface Held {
  /** All that the program made: what leaks is among it. */
  readonly objects: number;
  /** What V8 made of the program: bytecode, machine code and their tables. It grows for an hour, until all that runs is compiled. */
  readonly code: number;
}

export const threadsOf = ({ main, workers }: HeldHeap): readonly Held[] => [main, ...workers];

export const sumOf = (threads: readonly Held[], part: keyof Held): number =>
  threads.reduce((sum, held) => sum + held[part], 0);

export const heldBytes = (threads: readonly Held[]): number => sumOf(threads, 'objects') + sumOf(threads, 'code');

/**
 * Stays connected between two looks: to open the inspector and to close it again leaves some 18 KB behind, which in a soak is a
 * slope of its own.
 */
export class HeapLooks {
  readonly #session: Inspector;

  private constructor(session: Inspector) {
    this.#session = session;
  }

  /** `port` as given to the process by `--inspect-port`; it opens on SIGUSR1. */
  static async open(pid: number, port: number): Promise<HeapLooks> {
    return new HeapLooks(await Inspector.open(pid, port));
  }

  async held(): Promise<HeldHeap> {
    const session = this.#session;
    const main = await collected((method, parameters) => session.send(method, parameters));
    const workers: Held[] = [];
    for (const id of session.workers)
      workers.push(await collected((method, parameters) => session.sendToWorker(id, method, parameters)));
    return { main, workers };
  }

  /** Before the process is told to end: it waits for whoever is connected. */
  close(): void {
    this.#session.close();
  }
}

/**
 * What finalisers let go of in the first is freed by the second. And bytecode goes that nothing has run for six collections, of
 * which each of these is two at least: with fewer it goes at some looks and not at others, which is 0.8 MB of each worker's.
 */
const COLLECTIONS = 3;

type Send = (method: string, parameters?: object) => Promise<unknown>;

const SPACES = `process.getBuiltinModule('node:v8').getHeapSpaceStatistics().map((space) => [space.space_name, space.space_used_size])`;
/** V8's names. Its trusted spaces are those that only compiled code and its tables are in. */
const CODE = /^(?:code|trusted)_/;

async function collected(send: Send): Promise<Held> {
  for (let each = 0; each < COLLECTIONS; each++) await send('HeapProfiler.collectGarbage');
  const { result } = (await send('Runtime.evaluate', { expression: SPACES, returnByValue: true })) as {
    result: { value: [name: string, bytes: number][] };
  };
  const of = (isCode: boolean) =>
    result.value.reduce((sum, [name, bytes]) => (CODE.test(name) === isCode ? sum + bytes : sum), 0);
  return { objects: of(false), code: of(true) };
}
