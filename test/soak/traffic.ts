/** A mixture of clients, good and bad, at a constant rate; each knows what must come of it. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';

import type { LatencyRecorder, Way } from './latency.ts';

/** The same request without tcpvs between: a control for how long one takes. */
const DIRECT = 'straight to a server';

export interface Traffic {
  /** By kind of client. */
  readonly counts: ReadonlyMap<string, { done: number; failed: number }>;
  /** The first few failures. */
  readonly failures: readonly string[];
  /** Starts nothing new, and resolves when all is through. */
  stop(): Promise<void>;
}

export interface TrafficOptions {
  readonly port: number;
  /** Requests per second through tcpvs. */
  readonly rate: number;
  /** One of the servers: each request that is timed is asked there as well. */
  readonly direct: { readonly address: string; readonly port: number };
  readonly latency: LatencyRecorder;
}

/** Resolves when what had to come of it came; rejects when something else did. */
type Client = (port: number, path: string, agent: Agent) => Promise<void>;

const MOST_OPEN = 400;
const MOST_FAILURES = 20;
const TICK = 20;
/** Milliseconds for each byte of a slow client. */
const BYTE = 10;
const APPS = ['appa', 'appb', 'tpcw', 'appc', 'appd', 'appe'];

/** What is timed: the plainest kind, and the most frequent one. */
const KEEP_ALIVE = 'keep-alive';

/** Shares of the mixture, and who they are. */
const MIXTURE: readonly { readonly name: string; readonly share: number; readonly run: Client }[] = [
  { name: KEEP_ALIVE, share: 53, run: (port, path, agent) => ask(port, path, { agent }) },
  { name: 'new connection', share: 10, run: (port, path) => ask(port, path, {}) },
  {
    name: 'chunked answer',
    share: 8,
    run: (port, path, agent) => ask(port, `${path}?how=chunked&size=50000`, { agent }),
  },
  { name: 'long answer', share: 2, run: (port, path, agent) => ask(port, `${path}?size=500000`, { agent }) },
  {
    name: 'chunked request',
    share: 5,
    run: (port, path, agent) => ask(port, path, { agent, method: 'POST', body: 20_000 }),
  },
  { name: 'HEAD', share: 5, run: (port, path, agent) => ask(port, path, { agent, method: 'HEAD' }) },
  { name: 'missing', share: 4, run: (port, path, agent) => ask(port, `${path}?how=missing`, { agent, expect: 404 }) },
  { name: 'no rule', share: 2, run: (port, _path, agent) => ask(port, '/nobody', { agent, expect: 404 }) },
  { name: 'slow answer', share: 2, run: (port, path, agent) => ask(port, `${path}?how=slow`, { agent }) },
  { name: 'broken answer', share: 2, run: (port, path) => broken(port, `${path}?how=break&size=5000`) },
  { name: 'client gone', share: 3, run: (port, path) => gone(port, `${path}?how=slow`) },
  { name: 'upgrade', share: 2, run: (port, path) => upgrade(port, path) },
  { name: 'slow client', share: 1, run: (port, path) => slow(port, path) },
  { name: 'garbage', share: 1, run: (port) => garbage(port) },
];

export function startTraffic({ port, rate, direct, latency }: TrafficOptions): Traffic {
  const counts = new Map([...MIXTURE.map(({ name }) => name), DIRECT].map((name) => [name, { done: 0, failed: 0 }]));
  const failures: string[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const directAgent = new Agent({ keepAlive: true, maxSockets: 32 });
  const order = MIXTURE.flatMap((kind) => Array.from({ length: kind.share }, () => kind));
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  let sent = 0;
  const track = (name: string, result: Promise<void>) => {
    const count = counts.get(name) ?? { done: 0, failed: 0 };
    const one = result.then(
      () => void count.done++,
      (error: Error) => {
        count.failed++;
        if (failures.length < MOST_FAILURES) failures.push(`${name}: ${error.message}`);
      },
    );
    const tracked = one.finally(() => void running.delete(tracked));
    running.add(tracked);
  };
  const timed = async (way: Way, result: Promise<void>) => {
    const begin = performance.now();
    await result;
    latency.record(way, performance.now() - begin);
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * rate;
    for (; sent < due; sent++) {
      // 37 and 100 have no common divisor: all kinds come in their shares, well mixed.
      const kind = order[(sent * 37) % order.length];
      if (kind === undefined || running.size >= MOST_OPEN) continue;
      const path = `/${APPS[sent % APPS.length] ?? ''}/`;
      const result = kind.run(port, path, agent);
      if (kind.name === KEEP_ALIVE) {
        track(kind.name, timed('proxied', result));
        track(DIRECT, timed('direct', ask(direct.port, path, { agent: directAgent, address: direct.address })));
      } else track(kind.name, result);
    }
  }, TICK);
  return {
    counts,
    failures,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
      agent.destroy();
      directAgent.destroy();
    },
  };
}

interface Ask {
  /** Default: 127.0.0.1. */
  readonly address?: string;
  readonly agent?: Agent;
  readonly method?: string;
  /** Bytes of a body, sent in chunks. */
  readonly body?: number;
  readonly expect?: number;
}

export function ask(port: number, path: string, how: Ask): Promise<void> {
  return new Promise((resolve, reject) => {
    const { address = '127.0.0.1', method = 'GET', expect = 200, agent = false } = how;
    const outgoing = request({ host: address, port, path, method, agent, timeout: 10_000 }, (response) => {
      response.on('error', reject);
      // of an answer that nobody expected, its reason
      let body = '';
      const isExpected = response.statusCode === expect;
      response.on('end', () => {
        if (isExpected) resolve();
        else reject(new Error(`answered ${response.statusCode ?? 0}, expected ${expect}: ${body.trim()}`));
      });
      if (isExpected) response.resume();
      else response.setEncoding('latin1').on('data', (text: string) => (body = `${body}${text}`.slice(0, 200)));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')));
    outgoing.on('error', reject);
    for (let left = how.body ?? 0; left > 0; left -= 5_000) outgoing.write(Buffer.alloc(Math.min(left, 5_000), 'b'));
    outgoing.end();
  });
}

/** The server breaks off: the client must see that, never a clean end. */
async function broken(port: number, path: string): Promise<void> {
  const complete = await ask(port, path, {}).then(
    () => true,
    () => false,
  );
  if (complete) throw new Error('an answer that broke off arrived as complete');
}

/** Asks, and goes away before the answer. */
function gone(port: number, path: string): Promise<void> {
  return raw(port, (socket, through) => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: soak\r\n\r\n`);
    setTimeout(() => {
      socket.destroy();
      through();
    }, 50);
  });
}

/** Says its request byte by byte, and reads the answer all the same. */
function slow(port: number, path: string): Promise<void> {
  return raw(port, (socket, through, fail) => {
    const text = `GET ${path} HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n`;
    const begin = performance.now();
    let at = 0;
    const timer = setInterval(() => {
      // what is due by now: where this process gets no processor for a while, its clients are not slower for it
      const due = Math.max(at + 1, Math.floor((performance.now() - begin) / BYTE));
      socket.write(text.slice(at, due));
      at = due;
      if (at >= text.length) clearInterval(timer);
    }, BYTE);
    socket.once('data', (bytes) => (bytes.toString('latin1').startsWith('HTTP/1.1 200') ? through() : fail('not 200')));
    socket.once('close', () => {
      clearInterval(timer);
      fail('closed without an answer');
    });
  });
}

/** Talks to the server through a tunnel, and leaves. */
function upgrade(port: number, path: string): Promise<void> {
  return raw(port, (socket, through, fail) => {
    const said = 'no frames of WebSocket, but bytes both ways';
    let heard = '';
    socket.on('data', (bytes) => {
      if (heard === '') socket.write(said);
      heard += bytes.toString('latin1');
      if (!heard.startsWith('HTTP/1.1 101 ')) fail(`answered ${heard.slice(0, 12)}`);
      else if (heard.endsWith(said)) through();
    });
    socket.once('close', () => fail('closed before the echo'));
    const fields = 'Host: soak\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    socket.write(`GET ${path} HTTP/1.1\r\n${fields}${key}\r\n`);
  });
}

/** No HTTP at all: answered 400 or closed, at once. */
function garbage(port: number): Promise<void> {
  return raw(port, (socket, through, fail) => {
    socket.write('\u0016\u0003\u0001 no such thing\r\n\r\n');
    socket.on('data', (bytes) => {
      const line = bytes.toString('latin1').slice(0, 12);
      if (line.startsWith('HTTP/1.1 2')) fail(`answered ${line}`);
    });
    socket.once('close', through);
  });
}

function raw(
  port: number,
  act: (socket: ReturnType<typeof connect>, through: () => void, fail: (why: string) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const end = (then: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      then();
    };
    const fail = (why: string) => end(() => reject(new Error(why)));
    const timer = setTimeout(() => fail('not through within 10 s'), 10_000);
    let connected = false;
    // A reset later on shows as 'close' to the client, who knows whether that is in order.
    socket.on('error', (error) => (connected ? undefined : fail(error.message)));
    socket.once('connect', () => {
      connected = true;
      act(socket, () => end(resolve), fail);
    });
  });
}
