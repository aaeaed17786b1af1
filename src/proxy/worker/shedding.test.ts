/** What a worker does when memory is short, and when its loop is late. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';

import { GLOBAL, LIMITS, MEMORY_STEP } from '../shared.ts';
import { rentLarge, returnLarge } from './buffers.ts';
import { type InProcess, type InProcessOptions, startInProcess, until } from './in-process.ts';

interface Stage {
  readonly proxy: InProcess;
  /** Says how short memory is, and waits until the worker has heard. */
  readonly step: (step: number) => Promise<void>;
  readonly connect: (text: string) => Connected;
}

interface Connected {
  readonly socket: net.Socket;
  readonly read: () => string;
  readonly closed: Promise<void>;
}

async function stage(
  t: TestContext,
  answer: http.RequestListener,
  options: Omit<InProcessOptions, 'servers'> = {},
): Promise<Stage> {
  const server = http.createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startInProcess({ ...options, servers: [(server.address() as AddressInfo).port] });
  t.after(() => {
    proxy.close();
    server.closeAllConnections();
    server.close();
  });
  const { state } = proxy.loop;
  return {
    proxy,
    async step(step) {
      Atomics.store(state.shared.memoryStep, 0, step);
      await until(
        () => state.closing === step >= MEMORY_STEP.saving && state.shedding === step >= MEMORY_STEP.shedding,
        'the worker does not hear of it',
      );
    },
    connect(text) {
      let got = '';
      const socket = net.connect({ port: proxy.port, host: '127.0.0.1' });
      // by a reset, too
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.setEncoding('latin1').on('data', (bytes: string) => (got += bytes));
      socket.on('error', () => undefined);
      socket.write(text);
      return { socket, read: () => got, closed };
    },
  };
}

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const ok: http.RequestListener = (_, response) => response.end('ok');
const hits = ({ loop }: InProcess, limit: (typeof LIMITS)[number]) =>
  loop.state.counters.global[GLOBAL.limits + LIMITS.indexOf(limit)];

it('memory is short: answers end their connections, idle ones end, and there are no large buffers', async (t) => {
  const { proxy, step, connect } = await stage(t, ok);
  const idle = connect(GET);
  await until(() => idle.read().includes('ok'), 'no answer');
  assert.doesNotMatch(idle.read(), /connection: close/i);
  await step(MEMORY_STEP.saving);
  const ended = idle.closed;
  const busy = connect(GET);
  await busy.closed;
  assert.match(busy.read(), /^HTTP\/1\.1 200 [^]*Connection: close\r\n[^]*ok$/);
  assert.equal(rentLarge(), null);
  await ended;
  await step(MEMORY_STEP.calm);
  const large = rentLarge();
  assert.notEqual(large, null);
  returnLarge(large!, true);
  const after = connect(GET);
  await until(() => after.read().includes('ok'), 'no answer');
  assert.doesNotMatch(after.read(), /connection: close/i);
  after.socket.destroy();
  await proxy.settled();
});

it('memory runs out: new requests get 503, what runs is finished', async (t) => {
  const waiting: http.ServerResponse[] = [];
  const { proxy, step, connect } = await stage(t, (_, response) => waiting.push(response));
  const running = connect(GET);
  await until(() => waiting.length === 1, 'the server is not asked');
  await step(MEMORY_STEP.shedding);
  const refused = connect(GET);
  await refused.closed;
  assert.match(
    refused.read(),
    /^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*Connection: close\r\n[^]*503 Service Unavailable: overloaded\n$/,
  );
  waiting[0]!.end('whole');
  await until(() => running.read().endsWith('whole'), 'what ran is not finished');
  assert.equal(hits(proxy, 'memory'), 1);
  assert.equal(waiting.length, 1);
  await step(MEMORY_STEP.calm);
  const served = connect(GET);
  await until(() => waiting.length === 2, 'the server is not asked again');
  waiting[1]!.end();
  await until(() => served.read().startsWith('HTTP/1.1 200 '), 'no answer');
  running.socket.destroy();
  served.socket.destroy();
  await proxy.settled();
});

it('HTTP/2: streams are refused in the same way, and the connection goes away', async (t) => {
  const { proxy, step } = await stage(t, ok);
  await step(MEMORY_STEP.shedding);
  const session = http2.connect(`http://127.0.0.1:${proxy.port}`);
  const goaway = once(session, 'goaway');
  const stream = session.request({ ':path': '/' });
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & { ':status': number }];
  assert.deepEqual([headers[':status'], headers['retry-after']], [503, '1']);
  stream.resume();
  await goaway;
  await once(session, 'close');
  await proxy.settled();
});

it('TCP: new connections are reset', async (t) => {
  const { proxy, step, connect } = await stage(t, ok, { protocol: 'TCP' });
  await step(MEMORY_STEP.shedding);
  const refused = connect('');
  await refused.closed;
  assert.equal(hits(proxy, 'memory'), 1);
  await proxy.settled();
});

it('nothing is left: clients that much is held for are given up, the others stay', async (t) => {
  const body = Buffer.alloc(64 << 20);
  let rest: http.ServerResponse | null = null;
  const { proxy, step, connect } = await stage(t, (request, response) => {
    if (request.url === '/much') response.end(body);
    else if (request.url === '/upload') request.pause();
    else {
      response.write('a little');
      rest = response;
    }
  });
  const little = connect(GET);
  await until(() => little.read().includes('a little'), 'no answer');
  const much = connect('GET /much HTTP/1.1\r\nHost: a.example\r\n\r\n');
  much.socket.pause();
  const upload = connect(`POST /upload HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n`);
  upload.socket.write(body);
  await until(
    () => proxy.clients().filter((client) => client.pending + (client.upstream?.pending ?? 0) > 0).length === 2,
    'nothing waits',
  );
  await step(MEMORY_STEP.closing);
  await until(() => proxy.clients().length === 1, 'nobody is given up');
  much.socket.resume();
  await Promise.all([upload.closed, much.closed]);
  assert.match(upload.read(), /^(HTTP\/1\.1 503 [^]*overloaded\n)?$/);
  assert.ok(much.read().length < body.length);
  assert.equal(hits(proxy, 'memory'), 2);
  (rest as http.ServerResponse | null)?.end(', and the rest');
  await little.closed;
  assert.ok(little.read().includes('the rest'));
  await step(MEMORY_STEP.calm);
  await proxy.settled();
});

it('a loop that is late refuses new requests, and keeps their connections', async (t) => {
  const { proxy, connect } = await stage(t, ok);
  const { state } = proxy.loop;
  const client = connect(GET);
  await until(() => client.read().includes('ok'), 'no answer');
  const wait = new Int32Array(new SharedArrayBuffer(4));
  // as something that takes all the time there is: each turn of the loop is over half a second long
  let turns = 0;
  while (!state.shedding && turns++ < 20) {
    Atomics.wait(wait, 0, 0, 600);
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
  }
  assert.ok(state.shedding, 'it does not know that it is late');
  assert.equal(state.counters.global[GLOBAL.late], 1);
  client.socket.write(GET);
  await until(() => client.read().includes('overloaded'), 'no answer');
  assert.match(client.read(), /503 Service Unavailable\r\n(?![^]*Connection: close)/);
  assert.equal(hits(proxy, 'event_loop'), 1);
  await until(() => !state.shedding, 'it stays late');
  client.socket.write(GET);
  await until(() => client.read().endsWith('ok'), 'no answer');
  client.socket.destroy();
  await proxy.settled();
});
