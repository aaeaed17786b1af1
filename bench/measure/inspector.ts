/** The inspector's protocol of a running Node process and of its worker threads: heaps and profiles of what runs. */
import { setTimeout as sleep } from 'node:timers/promises';

/** One connection to a process' inspector; `workers` are the sessions of its threads. */
export class Inspector {
  readonly workers: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Message));
  }

  /** `port` as given to the process by `--inspect-port`; it opens on SIGUSR1. */
  static async open(pid: number, port: number): Promise<Inspector> {
    process.kill(pid, 'SIGUSR1');
    const url = await inspectorUrl(port);
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)), { once: true });
    });
    const inspector = new Inspector(socket);
    await inspector.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return inspector;
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
    if (message.method === 'NodeWorker.detachedFromWorker') {
      const at = this.workers.indexOf(message.params?.sessionId ?? '');
      if (at >= 0) this.workers.splice(at, 1);
    }
    if (message.method === 'NodeWorker.receivedMessageFromWorker') {
      this.#receive(JSON.parse(message.params?.message ?? '{}') as Message);
    }
    if (message.id === undefined) return;
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly message: string };
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
