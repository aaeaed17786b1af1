/** Plain keep-alive clients and servers for the fault tests: small, fast, one request at a time per connection. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as secureConnect } from 'node:tls';

export interface Outcome {
  readonly statuses: Record<number, number>;
  /** Connections that ended before an answer was whole. */
  readonly errors: string[];
  readonly milliseconds: number[];
}

export interface LoadOptions {
  readonly address: string;
  readonly port: number;
  readonly connections: number;
  readonly requests: number;
  /** Ends before that many, once this says so. */
  readonly over?: () => boolean;
  readonly make: (index: number) => string;
  /** Requests per second over all connections; as fast as it goes where it is absent. */
  readonly rate?: number;
  /** By TLS: the authority that the server's certificate is judged by, and its name. */
  readonly tls?: Tls;
}

export interface Tls {
  readonly ca: string;
  readonly servername: string;
}

export async function load(options: LoadOptions): Promise<Outcome> {
  const clients = Array.from(
    { length: options.connections },
    () => new LoadClient(options.address, options.port, options.tls),
  );
  const outcome = await paced(options, options.connections, async (number, index) => {
    const { status } = await clients[number]!.ask(options.make(index));
    return status;
  });
  for (const client of clients) client.close();
  return outcome;
}

/** Has so many clients ask one request after the other, at the pace of `rate`. @param ask answers with the status */
export async function paced(
  options: Pick<LoadOptions, 'requests' | 'rate' | 'over'>,
  clients: number,
  ask: (client: number, index: number) => Promise<number>,
): Promise<Outcome> {
  const outcome: Outcome = { statuses: {}, errors: [], milliseconds: [] };
  let next = 0;
  const started = performance.now();
  const client = async (number: number) => {
    while (next < options.requests && options.over?.() !== true) {
      const index = next++;
      if (options.rate !== undefined) await until(started + (1000 * index) / options.rate);
      const begun = performance.now();
      try {
        const status = await ask(number, index);
        outcome.statuses[status] = (outcome.statuses[status] ?? 0) + 1;
      } catch (error) {
        outcome.errors.push(String(error));
      }
      outcome.milliseconds.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return outcome;
}

function until(when: number): Promise<void> | undefined {
  const left = when - performance.now();
  if (left <= 0) return undefined;
  return new Promise((resolve) => {
    setTimeout(resolve, left);
  });
}

/** One connection that is opened again when it was closed. */
export class LoadClient {
  private socket: Socket | null = null;
  private text = '';
  private settle: ((error: Error | null, status: number, body: string) => void) | null = null;
  private readonly address: string;
  private readonly port: number;
  private readonly tls: Tls | undefined;

  constructor(address: string, port: number, tls?: Tls) {
    this.address = address;
    this.port = port;
    this.tls = tls;
  }

  ask(text: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      this.settle = (error, status, body) => {
        this.settle = null;
        if (error === null) resolve({ status, body });
        else reject(error);
      };
      if (this.socket === null || this.socket.destroyed) this.open();
      this.socket!.write(text, 'latin1');
    });
  }

  close(): void {
    this.socket?.destroy();
  }

  private open(): void {
    this.text = '';
    const to = { host: this.address, port: this.port, noDelay: true };
    const socket = this.tls === undefined ? connect(to) : secureConnect({ ...to, ...this.tls }).setNoDelay();
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1');
      this.read();
    });
    const lost = (why: string) => {
      socket.destroy();
      if (this.socket === socket) this.settle?.(new Error(why), 0, '');
    };
    socket.on('error', (error) => lost(error.message));
    socket.on('end', () => lost('closed before the answer was whole'));
    socket.on('close', () => lost('closed'));
  }

  private read(): void {
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: ?([0-9]+)/i.exec(this.text.slice(0, end))?.[1] ?? 0);
    if (this.text.length < end + 4 + length) return;
    const status = Number(this.text.slice(9, 12));
    const body = this.text.slice(end + 4, end + 4 + length);
    const closing = /\r\nconnection: close/i.test(this.text.slice(0, end));
    this.text = this.text.slice(end + 4 + length);
    if (closing) {
      this.socket?.destroy();
      this.socket = null;
    }
    this.settle?.(null, status, body);
  }
}

export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly socket: Socket;
  /** Counts the requests of this connection, from 0. */
  readonly index: number;
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that counts requests and answers each by a function. */
export class LoadServer {
  readonly sockets = new Set<Socket>();
  requests = 0;
  /** By target: how often it was asked. */
  readonly seen = new Map<string, number>();
  answer: (asked: Asked) => void = ({ socket }) => socket.write(OK);
  private readonly server: Server;

  constructor() {
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket));
  }

  static async start(port = 0, address = '127.0.0.1'): Promise<LoadServer> {
    const server = new LoadServer();
    await server.listen(port, address);
    return server;
  }

  async listen(port: number, address = '127.0.0.1'): Promise<void> {
    this.server.listen(port, address, 4096);
    await once(this.server, 'listening');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    let text = '';
    let index = 0;
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = text.slice(0, end);
        const length = Number(/\r\ncontent-length: ?([0-9]+)/i.exec(head)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        text = text.slice(end + 4 + length);
        const [method, target] = head.split(' ', 2) as [string, string];
        this.requests++;
        this.seen.set(target, (this.seen.get(target) ?? 0) + 1);
        this.answer({ method, target, socket, index: index++ });
      }
    });
  }

  /** Stops listening and resets what is open. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }
}

export function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

export function post(target: string, body = 'hello'): string {
  return `POST ${target} HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
