/** Whose turn it is in each phase of an exchange, and what is left of it afterwards. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';

import type { Limits, Rule } from '../../model/snapshot.ts';
import { CELL, DURATION_BUCKETS, GLOBAL, LIMITS } from '../shared.ts';
import { countAnswer } from './accounting.ts';
import type { Client } from './client.ts';
import { rawServer, startInProcess, until, type InProcess } from './in-process.ts';
import { PHASE } from './phases.ts';
import type { WorkerState } from './state.ts';
import { DIRECT } from './stream-state.ts';
import { Sweeper } from './sweeper.ts';

interface Stage {
  readonly proxy: InProcess;
  readonly server: Awaited<ReturnType<typeof rawServer>>;
  readonly connect: (text: string) => Promise<net.Socket>;
}

async function stage(
  serve: (socket: net.Socket) => void,
  options: { limits?: Partial<Limits>; rule?: Partial<Rule>; protocol?: 'HTTP' | 'TCP' },
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const server = await rawServer(serve);
  const proxy = await startInProcess({ servers: [server.port], ...options });
  try {
    await run({
      proxy,
      server,
      async connect(text) {
        const socket = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.write(text);
        return socket;
      },
    });
    await proxy.settled();
  } finally {
    proxy.close();
    server.close();
  }
}

/** Everything up to the end of `socket`, whose own side is ended then. */
async function all(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('end', () => socket.end());
  for await (const chunk of socket) text += (chunk as Buffer).toString('latin1');
  return text;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
function sayOk(socket: net.Socket): void {
  socket.on('data', () => socket.write(OK));
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const QUICK = { timeouts: { request: 200, connect: 200, idle: 200 } };

describe('phases of an exchange', () => {
  it('a server that does not say 100 Continue is late, not the client', async () => {
    await stage(
      () => {},
      { rule: QUICK },
      async ({ connect }) => {
        const socket = await connect('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
        assert.match(await all(socket), /^HTTP\/1\.1 504 [^]*answer_timeout/);
      },
    );
  });

  it('a server that does not take the body is late, not the client', async () => {
    await stage(
      (socket) => socket.pause(),
      { rule: QUICK },
      async ({ connect }) => {
        const socket = await connect(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${1 << 26}\r\n\r\n`);
        socket.write(Buffer.alloc(1 << 25));
        assert.match(await all(socket), /^HTTP\/1\.1 504 [^]*answer_timeout/);
        socket.destroy();
      },
    );
  });

  it('a request behind a body whose server is lost is served', async () => {
    await stage(
      (socket) => socket.on('data', (data) => String(data).startsWith('GET') && socket.write(OK)),
      {},
      async (on) => {
        const socket = await on.connect('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe');
        await until(() => on.proxy.upstreams().some((upstream) => upstream.sent), 'nothing is sent');
        for (const upstream of on.proxy.upstreams()) upstream.write = () => false;
        socket.write(`llo${GET}`);
        let text = '';
        socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
        await until(() => text.endsWith('ok'), 'the second request waits');
        assert.match(text, /^HTTP\/1\.1 502 /);
        socket.destroy();
      },
    );
  });

  it('an early answer is relayed though its server does not take the rest of the body', { skip: !DIRECT }, async () => {
    await stage(
      (socket) => socket.resume(),
      {},
      async (on) => {
        const socket = await on.connect('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhe');
        await until(() => on.proxy.upstreams().some((upstream) => upstream.sent), 'nothing is sent');
        // what it writes fails before what it has read is looked at, as with a server that answers and closes
        for (const upstream of on.proxy.upstreams()) upstream.write = () => false;
        socket.write('llo');
        await until(() => on.proxy.clients().some((client) => client.bodyBytes === 5), 'it does not arrive');
        for (const at of on.server.sockets) at.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
        assert.match(await all(socket), /^HTTP\/1\.1 413 /);
      },
    );
  });

  it('a request of which something was answered is not sent again', async () => {
    let requests = 0;
    const serve = (socket: net.Socket) => {
      socket.on('data', () => {
        requests++;
        socket.write('HTTP/1.1 2', () => socket.destroy());
      });
    };
    await stage(serve, { rule: { retry: { attempts: 3, on: ['Reset'] } } }, async ({ proxy, server, connect }) => {
      const other = await rawServer(serve);
      proxy.swap([server.port, other.port]);
      const socket = await connect(GET);
      await once(socket, 'data');
      assert.equal(requests, 1);
      socket.destroy();
      other.close();
    });
  });

  it('answers of class 5xx, broken ones and none are failures of their cell, once each', async () => {
    const answers: ((socket: net.Socket) => void)[] = [
      (socket) => socket.write(OK),
      (socket) => socket.write('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'),
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
      (socket) => socket.end('HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf'),
      (socket) => socket.destroy(),
      (socket) => socket.write('nonsense\r\n\r\n'),
    ];
    let next = 0;
    const serve = (socket: net.Socket) => socket.on('data', () => answers[next++]!(socket));
    await stage(serve, {}, async ({ proxy, connect }) => {
      for (let i = 0; i < answers.length; i++) {
        // what is read on a connection that the server has ended is a stale connection's: no failure
        for (const upstream of proxy.upstreams()) if (upstream.user === null) upstream.destroy();
        const socket = await connect(GET);
        await until(() => next > i && proxy.upstreams().every((upstream) => upstream.user === null), 'no answer');
        socket.destroy();
      }
      assert.equal(proxy.loop.state.counters.cells[CELL.failures], 5);
    });
  });

  it('408 after a HEAD has a body', async () => {
    await stage(
      (socket) => socket.on('data', () => socket.write('HTTP/1.1 204 No\r\n\r\n')),
      {},
      async (on) => {
        const socket = await on.connect('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
        await once(socket, 'data');
        socket.write('GET / HTT');
        await until(() => on.proxy.clients().some((client) => client.headBegun), 'no head');
        for (const client of on.proxy.clients()) client.deadline = 0;
        assert.match(await all(socket), /408 Request Timeout: head_timeout\n$/);
      },
    );
  });

  it('an idle client keeps nothing of a configuration', async () => {
    await stage(
      (socket) => socket.on('data', () => socket.write(OK)),
      {},
      async ({ proxy, connect }) => {
        const socket = await connect(GET);
        await once(socket, 'data');
        const [client] = proxy.clients();
        await until(() => client!.phase === PHASE.head, 'it goes on');
        assert.deepEqual(
          [client!.row, client!.target, client!.virtualServer, client!.retained],
          [null, null, null, null],
        );
        socket.destroy();
      },
    );
  });

  it('a virtual server holds heads to its own limit', async () => {
    await stage(
      (socket) => socket.on('data', () => socket.write(OK)),
      { limits: { headerBytes: 512 } },
      async (on) => {
        // the listener's limit is the widest of its virtual servers
        const [socket, other] = [await on.connect(''), await on.connect('')];
        await until(() => on.proxy.clients().length === 2, 'no client');
        for (const { listener } of on.proxy.clients()) listener.table = { ...listener.table, headerBytes: 16_384 };
        socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(600)}\r\n\r\n`);
        assert.match(await all(socket), /^HTTP\/1\.1 431 /);
        other.destroy();
        assert.equal(on.proxy.loop.state.counters.global[GLOBAL.limits + LIMITS.indexOf('header_bytes')], 1);
      },
    );
  });

  it('the last request that a connection may carry is counted as a limit', async () => {
    await stage(sayOk, { limits: { requestsPerConnection: 2 } }, async ({ proxy, connect }) => {
      await all(await connect(GET + GET + GET));
      const index = GLOBAL.limits + LIMITS.indexOf('requests_per_connection');
      assert.equal(proxy.loop.state.counters.global[index], 1);
      assert.equal(proxy.loop.state.counters.global[GLOBAL.requests], 2);
    });
  });

  it('both ends of a tunnel that end get what was sent before', async () => {
    const length = 1 << 23;
    let read = 0;
    const serve = (socket: net.Socket) => {
      socket.pause();
      socket.end();
      socket.on('data', (data: Buffer) => (read += data.length));
    };
    await stage(serve, { protocol: 'TCP' }, async ({ proxy, server, connect }) => {
      const socket = await connect('');
      socket.resume();
      await once(socket, 'end');
      socket.end(Buffer.alloc(length));
      await until(() => proxy.upstreams().some((upstream) => upstream.pending > 0), 'all was taken');
      for (const at of server.sockets) at.resume();
      await until(() => read === length, `${read} of ${length}`);
    });
  });

  it('bytes of a tunnel are counted', () =>
    throughTunnel(({ counters }) => {
      assert.equal(counters.global[GLOBAL.bytesReceived], 5);
      assert.equal(counters.global[GLOBAL.bytesSent], 5);
    }));

  it('durations of hours are in the last bucket', () =>
    throughTunnel(({ counters }, client) => {
      for (const hours of [1, 1.2, 2, 3, 100]) {
        client.startedAt = performance.now() - hours * 3_600_000;
        countAnswer(client, 0);
      }
      assert.equal(counters.durations[DURATION_BUCKETS - 1], 5);
      client.startedAt = performance.now();
    }));
});

it('what is not in the sweeper takes nothing out of it', () =>
  throughTunnel((state, client) => {
    const other = new Sweeper(() => {});
    const { index } = client;
    other.add(client);
    other.remove(client);
    other.remove(client);
    assert.equal(other.size, 0);
    client.index = -1;
    const { size } = state.sweeper;
    state.sweeper.remove(client);
    assert.equal(state.sweeper.size, size);
    client.index = index;
  }));

/** Looks at a worker and its client while five bytes have gone through a tunnel both ways. */
function throughTunnel(look: (state: WorkerState, client: Client) => void): Promise<void> {
  return stage(
    (socket) => socket.pipe(socket),
    { protocol: 'TCP' },
    async ({ proxy, connect }) => {
      const socket = await connect('12345');
      await once(socket, 'data');
      look(proxy.loop.state, proxy.clients()[0]!);
      socket.end();
    },
  );
}
