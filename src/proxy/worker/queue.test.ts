/** Requests that wait for a server to have room. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { QueueLimits, RealServerPiece, Rule } from '../../model/snapshot.ts';
import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';

const paths = (value: string) => ({ path: { type: 'Prefix', value } }) as const;

const PATIENT: QueueLimits = { requests: 100, timeout: 60_000 };

interface Scene {
  readonly workers?: number;
  readonly queue?: QueueLimits | null;
  readonly rules?: readonly Rule[];
  readonly redirect?: number;
  readonly server?: Partial<RealServerPiece>;
}

/** One server that has room for one request, and answers when it is told to. */
async function stage(t: TestContext, { workers = 1, queue = PATIENT, rules, redirect, server = {} }: Scene = {}) {
  const held: { url: string; body: string; answer: () => void }[] = [];
  const web = await origin('web', (request, response) => {
    const { url, body } = web.requests.at(-1)!;
    held.push({ url, body, answer: () => response.end(`${request.url} done`) });
  });
  const port = await freePort();
  const pieces = (maxConnections: number) => [
    realServer('web', web.port, { maxConnections, ...server }),
    virtualServer(port, {
      ...(rules === undefined ? { servers: to('web') } : { rules }),
      ...(queue === null ? {} : { queue }),
      redirect: redirect === undefined ? null : { address: '127.0.0.1', port: redirect, guard: null },
    }),
  ];
  const proxy = await startTestProxy({ workers, pieces: pieces(1) });
  t.after(async () => {
    await proxy.close();
    web.close();
  });
  const { serving } = proxy;
  /** Some tests end with requests on their way. */
  const asked = (path: string, options: Parameters<typeof ask>[2] = {}) => {
    const answer = ask(port, path, options);
    answer.catch(() => undefined);
    return answer;
  };
  /** Asked for, and known to wait. */
  const waits = async (path: string, options: Parameters<typeof ask>[2] = {}) => {
    const before = serving.totals().queue.waiting;
    const answer = asked(path, options);
    await until(() => serving.totals().queue.waiting === before + 1, `${path} does not wait`);
    return { answer };
  };
  const waiting = (count: number) => until(() => serving.totals().queue.waiting === count, `${count} do not wait`);
  /** The server answers the one that it has, and the next one comes. */
  const next = async () => {
    held.at(-1)!.answer();
    const before = held.length;
    await until(() => held.length === before + 1, 'nobody was let in');
    return held.at(-1)!;
  };
  /** In flight at the server. */
  const inFlight = async (path: string) => {
    const before = held.length;
    const answer = asked(path);
    await until(() => held.length === before + 1, `${path} did not arrive`);
    return { answer };
  };
  return {
    port,
    proxy,
    serving,
    held,
    inFlight,
    waits,
    waiting,
    next,
    swap: (most: number) => proxy.configure(pieces(most)),
  };
}

test('first come, first served, and each is counted once', async (t) => {
  const { serving, held, inFlight, waits, next } = await stage(t);
  const answers = [(await inFlight('/1')).answer];
  for (const path of ['/2', '/3', '/4']) answers.push((await waits(path)).answer);
  for (let left = 2; left >= 0; left--) {
    await next();
    assert.equal(serving.totals().queue.waiting, left);
  }
  held.at(-1)!.answer();
  assert.deepEqual(
    (await Promise.all(answers)).map(({ body }) => body),
    ['/1 done', '/2 done', '/3 done', '/4 done'],
  );
  assert.deepEqual(
    held.map(({ url }) => url),
    ['/1', '/2', '/3', '/4'],
  );
  await until(() => serving.counts().rows[0]!.cells[0]!.work?.answered === 4, 'not counted');
  const [cell] = serving.counts().rows[0]!.cells;
  assert.deepEqual([cell!.requests, cell!.retries, cell!.work!.shed], [4, 0, 0]);
  const { waiting, waited, seconds } = serving.totals().queue;
  assert.deepEqual([waiting, waited], [0, 3]);
  assert.ok(seconds > 0);
});

test('without a queue, over its length, and when the time is over: 503 at_capacity', async (t) => {
  const none = await stage(t, { queue: null });
  await none.inFlight('/1');
  assert.equal((await ask(none.port, '/2')).status, 503);

  const short = await stage(t, { queue: { requests: 1, timeout: 60_000 } });
  await short.inFlight('/1');
  await short.waits('/2');
  assert.match((await ask(short.port, '/3')).body, /at_capacity/);
  assert.equal(short.serving.totals().limits.queue, 1);

  const hasty = await stage(t, { queue: { requests: 9, timeout: 50 } });
  await hasty.inFlight('/1');
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (const body of ['', 'x'.repeat(100_000)]) {
    const refused = await ask(hasty.port, '/2', { agent, method: 'POST', body });
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    assert.match(refused.body, /at_capacity/);
  }
  const { limits, queue, reasons } = hasty.serving.totals();
  assert.deepEqual([limits.queue_time, queue.waiting, reasons['at_capacity']], [2, 0, 2]);
  assert.equal(hasty.serving.counts().rows[0]!.cells[0]!.work?.shed, 2, 'they were asked for all the same');
});

test('who could not be answered in time any more is not sent', async (t) => {
  const queue = { requests: 100, timeout: 60_000, deadline: 1500 };
  const { serving, held, inFlight, waits } = await stage(t, { queue });
  const first = await inFlight('/1');
  await sleep(1000);
  held[0]!.answer();
  assert.equal((await first.answer).status, 200);
  await inFlight('/2');
  const { answer } = await waits('/3');
  // half a second before the deadline, since answers take a second
  const { status, body } = await answer;
  assert.equal(status, 503);
  assert.match(body, /at_capacity/);
  const { queue_deadline, queue_time } = serving.totals().limits;
  assert.deepEqual([queue_deadline, queue_time, held.length], [1, 0, 2]);
});

test('an answer that nobody waited for tells how long answers take', async (t) => {
  const queue = { requests: 100, timeout: 60_000, deadline: 1500 };
  const { port, serving, held, inFlight, waits } = await stage(t, { queue });
  const leaves = net.connect(port, '127.0.0.1');
  leaves.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => held.length === 1, '/1 did not arrive');
  await sleep(1400);
  leaves.resetAndDestroy();
  await inFlight('/2');
  const { answer } = await waits('/3');
  await sleep(800);
  // a fifth of the deadline is over: it has gone, and so it is not sent now that there is room
  assert.equal(serving.totals().queue.waiting, 0);
  held[1]!.answer();
  assert.equal((await answer).status, 503);
  assert.equal(held.length, 2);
});

test('when the time is over, the redirect takes it where there is one', async (t) => {
  const other = await origin('other');
  t.after(() => other.close());
  const { port, inFlight } = await stage(t, { queue: { requests: 9, timeout: 50 }, redirect: other.port });
  await inFlight('/1');
  assert.equal((await ask(port, '/2', { method: 'POST', body: 'sent on' })).body, 'other');
  assert.equal(other.requests[0]!.body, 'sent on');
});

test('who leaves gives up the place, and nobody is held up by it', async (t) => {
  const { port, held, inFlight, waits, waiting, next } = await stage(t);
  await inFlight('/1');
  const leaves = net.connect(port, '127.0.0.1');
  leaves.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await waiting(1);
  const { answer } = await waits('/3');
  leaves.resetAndDestroy();
  await waiting(1);
  assert.equal((await next()).url, '/3');
  held.at(-1)!.answer();
  assert.equal((await answer).body, '/3 done');
});

test('a body that comes meanwhile is kept, and what is pipelined behind it comes after it', async (t) => {
  const { port, held, inFlight, waiting, next } = await stage(t);
  await inFlight('/1');
  const client = net.connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  let said = '';
  client.on('data', (bytes: Buffer) => (said += bytes.toString('latin1')));
  client.write('POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
  await waiting(1);
  const long = 'x'.repeat(300_000);
  client.write(`${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n`);
  const second = await next();
  assert.deepEqual([second.url, second.body.length], ['/2', 5 + long.length]);
  assert.equal((await next()).url, '/3');
  held.at(-1)!.answer();
  await until(() => said.endsWith('/3 done'), 'not answered');
  assert.match(said, /\/2 done/);
});

test('rows with the same server take turns: one that is asked for too much does not take all of it', async (t) => {
  const rules = [rule('many', to('web'), paths('/many')), rule('few', to('web'), paths('/few'))];
  const { inFlight, waits, next } = await stage(t, { rules });
  await inFlight('/many/0');
  for (const path of ['/many/1', '/many/2', '/many/3', '/few/1', '/few/2']) await waits(path);
  const order = [];
  for (let each = 0; each < 5; each++) order.push((await next()).url);
  assert.deepEqual(order, ['/many/1', '/few/1', '/many/2', '/few/2', '/many/3']);
});

test('room that another worker makes, and a higher limit, are found', async (t) => {
  const { serving, held, inFlight, waits, waiting, swap } = await stage(t, { workers: 2 });
  let answered = 0;
  const answerAll = () => {
    while (answered < held.length) held[answered++]!.answer();
  };
  await inFlight('/1');
  // connections go round: each worker has some of those that wait
  for (const path of ['/2', '/3', '/4', '/5']) await waits(path);
  while (held.length < 3) {
    const before = held.length;
    answerAll();
    // two workers that look at the same instant let in one each
    await until(() => held.length > before, 'nobody was let in');
  }
  // one at least has been answered: there is room for the others, however many were let in at once
  await swap(4);
  await until(() => held.length === 5, 'the higher limit is not used');
  await waiting(0);
  assert.equal(serving.totals().queue.waited, 4);
  answerAll();
  await until(() => serving.counts().rows[0]!.cells[0]!.work?.answered === 5, 'not counted');
  for (const path of ['/6', '/7', '/8', '/9']) await inFlight(path);
  const { answer } = await waits('/10');
  answerAll();
  await until(() => held.length === 10, 'nobody was let in');
  answerAll();
  assert.equal((await answer).body, '/10 done');
});

test('a limit that was measured is waited at, too', async (t) => {
  const { serving, held, inFlight, waits, next } = await stage(t, {
    server: { maxConnections: 1000, isAdaptive: true },
  });
  for (let each = 0; each < 20; each++) await inFlight(`/${each}`);
  const { answer } = await waits('/waits');
  assert.equal((await next()).url, '/waits');
  held.at(-1)!.answer();
  assert.equal((await answer).body, '/waits done');
  await until(() => serving.counts().rows[0]!.cells[0]!.work?.answered === 2, 'not counted');
  assert.equal(serving.counts().rows[0]!.cells[0]!.requests, 21, 'each was chosen once');
});

test('streams of HTTP/2 wait as requests, one by one', async (t) => {
  const { port, held, inFlight, waiting, next } = await stage(t);
  await inFlight('/1');
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const post = (path: string) => session.request({ ':path': path, ':method': 'POST' });
  const two = post('/2').end('of two');
  await waiting(1);
  const three = post('/3').on('error', () => undefined);
  three.write('begins');
  await waiting(2);
  three.close(http2.constants.NGHTTP2_CANCEL);
  await waiting(1);
  const { url, body } = await next();
  assert.deepEqual([url, body], ['/2', 'of two']);
  held.at(-1)!.answer();
  const [headers] = (await once(two, 'response')) as [http2.IncomingHttpHeaders];
  assert.equal(headers[':status'], 200);
});

test('a proxy that drains serves those that wait', async (t) => {
  const { proxy, held, inFlight, waits, next } = await stage(t);
  await inFlight('/1');
  const { answer } = await waits('/2');
  const drained = proxy.serving.drain(3000);
  await next();
  held.at(-1)!.answer();
  const { status, headers } = await answer;
  assert.deepEqual([status, headers.connection], [200, 'close']);
  await drained;
});

test('no server gets more than it has room for, nobody is forgotten, and who leaves leaves nothing behind', async (t) => {
  const [rooms, most] = [
    [3, 2],
    [0, 0],
  ];
  const servers = await Promise.all(
    rooms.map((_, server) => {
      let inFlight = 0;
      return origin(`web${server}`, (_request, response) => {
        most[server] = Math.max(most[server]!, ++inFlight);
        setTimeout(() => {
          inFlight--;
          response.end('done');
        }, 1);
      });
    }),
  );
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      ...servers.map((server, index) => realServer(`web${index}`, server.port, { maxConnections: rooms[index]! })),
      virtualServer(port, {
        rules: ['a', 'b', 'c'].map((name) => rule(name, to('web0', 'web1'), paths(`/${name}`))),
        queue: PATIENT,
      }),
    ],
  });
  t.after(async () => {
    await proxy.close();
    for (const server of servers) server.close();
  });
  const statuses: number[] = [];
  const client = async (number: number, leaving: boolean) => {
    for (let each = 0; each < 12; each++) {
      const path = `/${'abc'[(number + each) % 3]}`;
      if (leaving && (number + each) % 4 === 0) {
        const leaves = net.connect(port, '127.0.0.1').on('error', () => {});
        leaves.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        await new Promise((resolve) => setTimeout(resolve, each % 5));
        leaves.resetAndDestroy();
      } else statuses.push((await ask(port, path)).status);
    }
  };
  const clients = (leaving: boolean) => Promise.all(Array.from({ length: 30 }, (_, number) => client(number, leaving)));
  await clients(false);
  assert.deepEqual(most, rooms);
  // What has been given up is still under way at the server.
  await clients(true);
  assert.deepEqual([...new Set(statuses)], [200]);
  const { serving } = proxy;
  await until(() => serving.totals().connectionsActive === 0, 'a client is left');
  const { waiting, waited } = serving.totals().queue;
  assert.equal(waiting, 0);
  assert.ok(waited > 100, `${waited} waited`);
  for (const { active } of serving.counts().endpoints) assert.equal(active, 0);
});
