/**
 * The heap of a running process and of all its workers after a full collection, over the inspector's protocol: what is in
 * use then is held by somebody. A plain look at the heap sees mostly what has not been collected yet.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface HeldHeap {
  /** Bytes, of the main thread. */
  readonly main: number;
  /** Bytes, of all workers together. */
  readonly workers: number;
}

/** `port` as given to the process by `--inspect-port`; it opens on SIGUSR1. */
export async function heldHeap(pid: number, port: number): Promise<HeldHeap> {
  process.kill(pid, 'SIGUSR1');
  const session = await Session.open(await inspectorUrl(port));
  try {
    const main = await collected((method, parameters) => session.send(method, parameters));
    await session.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
    let workers = 0;
    for (const id of session.workers)
      workers += await collected((method, parameters) => session.sendToWorker(id, method, parameters));
    return { main, workers };
  } finally {
    session.close();
  }
}

type Send = (method: string, parameters?: object) => Promise<unknown>;

async function collected(send: Send): Promise<number> {
  // Twice: what finalisers let go of in the first is freed by the second.
  await send('HeapProfiler.collectGarbage');
  await send('HeapProfiler.collectGarbage');
  const { usedSize } = (await send('Runtime.getHeapUsage')) as { usedSize: number };
  return usedSize;
}

async function inspectorUrl(port: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/json/list`);
      const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
      if (target !== undefined) return target.webSocketDebuggerUrl;
    } catch (error) {
      if (tries > 100) throw error;
    }
    await sleep(20);
  }
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly message: string };
}

class Session {
  readonly workers: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Message));
  }

  static async open(url: string): Promise<Session> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)), { once: true });
    });
    return new Session(socket);
  }

  send(method: string, params: object = {}): Promise<unknown> {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return this.#answer(id);
  }

  async sendToWorker(sessionId: string, method: string, params: object = {}): Promise<unknown> {
    const id = this.#next++;
    const answer = this.#answer(id);
    await this.send('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method, params }) });
    return answer;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result) : reject(new Error(error.message)),
      );
    });
  }

  #receive(message: Message): void {
    if (message.method === 'NodeWorker.attachedToWorker') this.workers.push(message.params?.sessionId ?? '');
    if (message.method === 'NodeWorker.receivedMessageFromWorker') {
      this.#receive(JSON.parse(message.params?.message ?? '{}') as Message);
    }
    if (message.id === undefined) return;
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }
}
