/** Each way to balance, for connections: TCP, and TLS that is passed through by its name. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';

import type { Balance } from '../../model/snapshot.ts';
import { startTestProxy } from '../testing.ts';
import { freePort, realServer, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';
import { connected } from './tls-stage.ts';

/** Counts its connections and keeps them; TLS is not its business. */
async function sink(t: TestContext) {
  let accepted = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    accepted++;
    sockets.add(socket.on('error', () => {}));
    socket.write('x');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    drop();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, taken: () => accepted, drop };
}

/** A connection that has reached its server. */
async function reach(port: number, isTls: boolean): Promise<net.Socket> {
  // a server that goes with something unread is a reset
  const socket = net.connect(port, '127.0.0.1').on('error', () => {});
  if (isTls) socket.write(HELLO);
  await once(socket, 'data');
  return socket;
}

/** The first message of a client of TLS, as a server sees it. */
const HELLO = await new Promise<Buffer>((resolve) => {
  const server = net.createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', (hello) => {
        resolve(hello as Buffer);
        socket.destroy();
        server.close();
      });
  });
  server.listen(0, '127.0.0.1', () => {
    connected((server.address() as AddressInfo).port).catch(() => undefined);
  });
});

const WEIGHTS = [3, 1] as const;

async function stage(t: TestContext, protocol: 'TCP' | 'TLS', balance: Balance) {
  const servers = [await sink(t), await sink(t)] as const;
  const port = await freePort();
  const pieces = (how: Balance) => [
    realServer('a', servers[0].port),
    realServer('b', servers[1].port),
    virtualServer(port, {
      protocol,
      scheduler: 'wlc',
      balance: how,
      servers: [
        { server: 'test/a', weight: WEIGHTS[0] },
        { server: 'test/b', weight: WEIGHTS[1] },
      ],
    }),
  ];
  const proxy = await startTestProxy({ pieces: pieces(balance), workers: 2 });
  const sockets: net.Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await proxy.close();
  });
  return {
    taken: () => servers.map((server) => server.taken()),
    /** All connections of the first server end. */
    empty: async () => {
      servers[0].drop();
      const active = () => proxy.serving.counts().endpoints.find(({ port: at }) => at === servers[0].port)?.active;
      await until(() => active() === 0, 'still connected');
    },
    change: (how: Balance) => proxy.configure(pieces(how)),
    open: async (count: number) => {
      for (let each = 0; each < count; each++) sockets.push(await reach(port, protocol === 'TLS'));
    },
  };
}

for (const protocol of ['TCP', 'TLS'] as const) {
  describe(`connections of ${protocol}`, () => {
    for (const balance of ['RoundRobin', 'LeastConnections'] as const) {
      test(`${balance}: by weight, exactly, while they stay`, async (t) => {
        const { open, taken } = await stage(t, protocol, balance);
        await open(40);
        assert.deepEqual(taken(), [30, 10]);
      });
    }

    for (const balance of ['PowerOfTwo', 'PeakEwma'] as const) {
      test(`${balance}: by weight, about, while they stay`, async (t) => {
        const { open, taken } = await stage(t, protocol, balance);
        await open(80);
        const [a = 0, b = 0] = taken();
        assert.equal(a + b, 80);
        assert.ok(a >= 50 && a <= 70, `${a} of 80 where 60 are asked for`);
      });
    }

    test('another way to balance holds from the next connection on', async (t) => {
      const { change, open, taken, empty } = await stage(t, protocol, 'LeastConnections');
      await open(40);
      await empty();
      await change('RoundRobin');
      await open(20);
      // least connections would give all of them to the server that has none
      const [a = 0] = taken();
      assert.ok(a >= 44 && a <= 46, `${a - 30} of 20 where 15 are asked for`);
    });
  });
}

test('each side may end before the other, and what the other says still comes', async (t) => {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    // ends first, and then goes on to listen
    socket.end('from the server');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('end', () => server.emit('heard', text));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = await freePort();
  const main = virtualServer(port, {
    protocol: 'TCP',
    scheduler: 'wlc',
    servers: [{ server: 'test/only', weight: 1 }],
  });
  const proxy = await startTestProxy({ pieces: [realServer('only', (server.address() as AddressInfo).port), main] });
  t.after(async () => {
    await proxy.close();
    server.close();
  });
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await once(socket, 'end');
  assert.equal(text, 'from the server');
  const heard = once(server, 'heard');
  socket.write('from the ');
  socket.end('client');
  assert.deepEqual(await heard, ['from the client']);
});
