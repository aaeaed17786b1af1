/** An origin that records every byte, reads it by the strict checker, and answers by a script. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { type Message, WireReader } from './checker.ts';
import { type Step, play } from './steps.ts';

export interface OriginConnection {
  readonly socket: Socket;
  readonly reader: WireReader;
  /** How it ended: by FIN or RST of the proxy's. */
  ended: 'open' | 'fin' | 'rst';
  readonly closed: Promise<void>;
}

export class Exchange {
  readonly request: Message;
  readonly connection: OriginConnection;
  /** Counts the requests of this origin, from 0. */
  readonly index: number;

  constructor(request: Message, connection: OriginConnection, index: number) {
    this.request = request;
    this.connection = connection;
    this.index = index;
  }

  get target(): string {
    return this.request.start[1];
  }

  send(...steps: Step[]): Promise<void> {
    return play(this.connection.socket, this.connection.socket, steps);
  }
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** What `Lane.probe` asks for; not counted. */
export const PROBE = '/probe-of-the-test';

export class Origin {
  readonly connections: OriginConnection[] = [];
  readonly started: Message[] = [];
  /** In the order in which they became whole. */
  readonly completed: Message[] = [];
  /** Called when a head has been read. */
  onHead: (exchange: Exchange) => void | Promise<void> = () => {};
  /** Called when a whole request has been read; answers 200 where nothing else is said. */
  onRequest: (exchange: Exchange) => void | Promise<void> = (exchange) => exchange.send(OK);
  private readonly server: Server;
  private waiting: (() => void)[] = [];

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket) => this.accept(socket));
  }

  static async start(): Promise<Origin> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, '127.0.0.1', 1024);
    await once(server, 'listening');
    return new Origin(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private accept(socket: Socket): void {
    const reader = new WireReader('request');
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const connection: OriginConnection = { socket, reader, ended: 'open', closed };
    this.connections.push(connection);
    const exchanges = new Map<Message, Exchange>();
    const exchangeOf = (message: Message) => {
      const found = exchanges.get(message) ?? new Exchange(message, connection, this.started.length - 1);
      exchanges.set(message, found);
      return found;
    };
    reader.onHead = (message) => {
      this.started.push(message);
      const exchange = exchangeOf(message);
      if (exchange.target !== PROBE) void this.onHead(exchange);
    };
    reader.onComplete = (message) => {
      this.completed.push(message);
      const exchange = exchangeOf(message);
      exchanges.delete(message);
      if (exchange.target === PROBE) void exchange.send(OK);
      else void this.onRequest(exchange);
    };
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
      this.wake();
    });
    socket.on('end', () => {
      if (connection.ended === 'open') connection.ended = 'fin';
      socket.end();
    });
    socket.on('error', () => {
      connection.ended = 'rst';
    });
    socket.on('close', () => {
      resolve();
      this.wake();
    });
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when the condition holds; looked at after every byte and every close. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    }
  }

  /** Whole requests without probes. */
  get requests(): Message[] {
    return this.completed.filter((message) => message.start[1] !== PROBE);
  }

  get problems(): string[] {
    return this.connections.flatMap((connection) => connection.reader.problems);
  }

  close(): void {
    this.server.close();
    for (const { socket } of this.connections) socket.destroy();
  }
}
