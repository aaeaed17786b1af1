/**
 * A generator of load at a constant rate: request n is due at start + n / rate, whatever happened to those before it, and
 * its latency counts from then. What a stalled server makes others wait is so in the figures (no coordinated omission).
 * Usage: node open-loop.ts '{"port":…}' → one line of JSON. It polls without sleeping and wants a core of its own.
 */
import { connect, type Socket } from 'node:net';

import { Histogram } from './histogram.ts';
import { median } from './statistics.ts';

export interface OpenLoopOptions {
  readonly port: number;
  readonly connections: number;
  /** Requests per second, over all connections. */
  readonly rate: number;
  /** Seconds that are not counted, and that are. */
  readonly warmUp: number;
  readonly seconds: number;
  readonly paths: readonly string[];
}

export interface OpenLoopResult {
  readonly requests: number;
  readonly errors: number;
  /** Microseconds from when a request was due. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Median of the p99s of all tenths of a second: what a stall of the machine, now and then, does not make. */
  readonly usual99: number;
}

/** Seconds. */
const TENTH = 0.1;

/** More requests than these waiting: the rate is beyond what the server can do. */
const MOST_WAITING = 200_000;

export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const histogram = new Histogram();
  const requests = options.paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`));
  const idle: Client[] = [];
  const all: Client[] = [];
  /** When those were due that no connection was free for. */
  const waiting: number[] = [];
  let head = 0;
  let sent = 0;
  let errors = 0;
  let countFrom = Number.POSITIVE_INFINITY;
  const tenths = Array.from({ length: Math.ceil(options.seconds / TENTH) }, () => new Histogram());

  const send = (client: Client, due: number) => {
    client.due = due;
    client.socket.write(requests[sent++ % requests.length] ?? '');
  };
  const answered = (client: Client, ok: boolean) => {
    if (client.due >= countFrom) {
      const latency = Math.max(0, now() - client.due);
      histogram.record(latency);
      tenths[Math.floor((client.due - countFrom) / (1e6 * TENTH))]?.record(latency);
      if (!ok) errors++;
    }
    const due = waiting[head];
    if (due === undefined) idle.push(client);
    else {
      head++;
      send(client, due);
    }
  };
  for (let count = 0; count < options.connections; count++)
    all.push(await open(options.port, answered, () => errors++));
  idle.push(...all);

  const interval = 1e6 / options.rate;
  const start = now();
  const end = start + 1e6 * (options.warmUp + options.seconds);
  countFrom = start + 1e6 * options.warmUp;
  let next = start;
  await new Promise<void>((resolve) => {
    const turn = () => {
      const time = now();
      for (; next <= time && next < end; next += interval) {
        const client = idle.shift();
        if (client === undefined) waiting.push(next);
        else send(client, next);
      }
      if (head > 65_536) {
        waiting.splice(0, head);
        head = 0;
      }
      const through = idle.length === all.length && waiting.length === head;
      if ((next >= end && (through || time > end + 2e6)) || waiting.length - head > MOST_WAITING) resolve();
      else setImmediate(turn);
    };
    turn();
  });
  // What never came back counts as an error, not as nothing.
  errors += all.length - idle.length + (waiting.length - head);
  for (const { socket } of all) socket.destroy();
  const at = (share: number) => Math.round(histogram.percentile(share));
  return {
    requests: histogram.count,
    errors,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    max: Math.round(histogram.max),
    usual99: Math.round(median(tenths.map((tenth) => tenth.percentile(0.99)))),
  };
}

interface Client {
  readonly socket: Socket;
  due: number;
}

function open(port: number, answered: (client: Client, ok: boolean) => void, broken: () => void): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client: Client = { socket, due: 0 };
    let rest: Buffer | null = null;
    socket.once('connect', () => resolve(client));
    socket.once('error', reject);
    socket.on('close', broken);
    socket.on('data', (bytes: Buffer) => {
      const all = rest === null ? bytes : Buffer.concat([rest, bytes]);
      rest = all;
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) return;
      const text = all.toString('latin1', 0, end).toLowerCase();
      const at = text.indexOf('content-length:');
      if (all.length < end + 4 + Number.parseInt(text.slice(at + 15), 10)) return;
      rest = null;
      answered(client, text.startsWith(' 200', 8));
    });
  });
}

function now(): number {
  return performance.now() * 1000;
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '{}') as OpenLoopOptions;
  process.stdout.write(`${JSON.stringify(await openLoop(options))}\n`);
}
