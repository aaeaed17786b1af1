/**
 * The demo's load: for each app, new connections at a constant rate, a few calls on each, as the recorded demo of
 * ktcpvs-matrix did with httperf. Bounded: in rate, in number, in open connections.
 */
import { connect } from 'node:net';

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  readonly apps: readonly string[];
  /** New connections per second and app. */
  readonly rate: number;
  readonly callsPerConnection: number;
  /** Connections per app; after that the load ends by itself. */
  readonly connections: number;
  /** For each answer, in milliseconds. */
  readonly timeout: number;
}

export interface AppLoad {
  sent: number;
  answered: number;
  /** Answers other than 200, resets, timeouts. */
  errors: number;
}

export interface Load {
  readonly apps: ReadonlyMap<string, AppLoad>;
  /** The first few errors, as a person would want them. */
  readonly messages: readonly string[];
  /** Resolves when all connections are through. */
  readonly done: Promise<void>;
  /** Starts nothing new; what runs finishes. */
  stop(): void;
}

const TICK = 20;
const MOST_OPEN = 1_000;
const MOST_MESSAGES = 10;

export function startLoad(options: LoadOptions): Load {
  const apps = new Map<string, AppLoad>(options.apps.map((app) => [app, { sent: 0, answered: 0, errors: 0 }]));
  const messages: string[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const startedAt = performance.now();
  let opened = 0;
  let open = 0;
  let stopped = false;

  const complain = (app: string, message: string) => {
    const load = apps.get(app);
    if (load !== undefined) load.errors++;
    if (messages.length < MOST_MESSAGES) messages.push(`${app}: ${message}`);
  };
  const endIfThrough = () => {
    if (stopped && open === 0) resolve();
  };
  const tick = () => {
    const due = Math.min(options.connections, Math.floor(((performance.now() - startedAt) / 1000) * options.rate));
    for (; opened < due && open < MOST_OPEN; opened++) {
      for (const [app, load] of apps) {
        open++;
        runConnection(options, `/${app}/`, {
          sent: () => load.sent++,
          answered: () => load.answered++,
          failed: (message) => complain(app, message),
          closed: () => {
            open--;
            endIfThrough();
          },
        });
      }
    }
    if (opened >= options.connections) stop();
  };
  const timer = setInterval(tick, TICK);
  const stop = () => {
    stopped = true;
    clearInterval(timer);
    endIfThrough();
  };
  return { apps, messages, done, stop };
}

interface ConnectionEvents {
  sent(): void;
  answered(): void;
  failed(message: string): void;
  closed(): void;
}

function runConnection(options: LoadOptions, path: string, on: ConnectionEvents): void {
  const request = `GET ${path} HTTP/1.1\r\nHost: ${options.host}:${options.port}\r\n\r\n`;
  const socket = connect({ host: options.host, port: options.port, noDelay: true });
  let left = options.callsPerConnection;
  let waiting = true;
  let received = '';
  const fail = (message: string) => {
    if (waiting) on.failed(message);
    waiting = false;
    socket.destroy();
  };
  const call = () => {
    left--;
    received = '';
    on.sent();
    socket.write(request);
  };
  socket.setTimeout(options.timeout, () => fail(`no answer within ${options.timeout / 1000} s`));
  socket.on('connect', call);
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
    const status = answerStatus(received);
    if (status === null) return;
    if (status !== 200) return fail(`answered ${status}`);
    on.answered();
    if (left > 0) return call();
    waiting = false;
    socket.end();
  });
  socket.on('error', (error) => fail(error.message));
  socket.on('end', () => fail('closed before the answer was complete'));
  socket.on('close', () => on.closed());
}

/** The status of a complete answer with a Content-Length; null while it is incomplete. */
export function answerStatus(received: string): number | null {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = received.slice(0, end);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return received.length >= end + 4 + length ? Number(head.slice(9, 12)) : null;
}
