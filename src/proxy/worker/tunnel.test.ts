import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';

import { startTestProxy } from '../testing.ts';
import { freePort, realServer, refusingPort, to, virtualServer } from './fixture.ts';

/** Says its name, then echoes, and ends when the client ends. */
async function echo(name: string): Promise<{ port: number; connections(): number; close(): void }> {
  let accepted = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => accepted,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function line(socket: net.Socket): Promise<string> {
  let text = '';
  while (!text.includes('\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString();
  }
  return text.trim();
}

async function all(socket: net.Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString('latin1');
  return text;
}

describe('TCP listeners', () => {
  it('wlc spreads open connections by weight', async () => {
    const [a, b] = [await echo('a'), await echo('b')];
    const port = await freePort();
    const servers = [
      { server: 'test/a', weight: 3 },
      { server: 'test/b', weight: 1 },
    ];
    const main = virtualServer(port, { protocol: 'TCP', scheduler: 'wlc', balance: 'LeastConnections', servers });
    const proxy = await startTestProxy({
      pieces: [realServer('a', a.port), realServer('b', b.port), main],
      workers: 2,
    });
    const sockets: net.Socket[] = [];
    const names: string[] = [];
    for (let i = 0; i < 12; i++) {
      const socket = net.connect(port, '127.0.0.1');
      sockets.push(socket);
      names.push(await line(socket));
    }
    assert.equal(names.filter((name) => name === 'a').length, 9);
    for (const socket of sockets) socket.destroy();
    await proxy.close();
    a.close();
    b.close();
  });

  it('passes half-closes on, and every byte', async () => {
    const server = await echo('only');
    const port = await freePort();
    const main = virtualServer(port, {
      protocol: 'TCP',
      scheduler: 'wlc',
      balance: 'LeastConnections',
      servers: to('only'),
    });
    const proxy = await startTestProxy({ pieces: [realServer('only', server.port), main] });
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const sent = 'x'.repeat(3_000_000);
    const answer = all(socket);
    socket.end(sent);
    assert.equal((await answer).length, 'only\n'.length + sent.length);
    await proxy.close();
    server.close();
  });

  it('goes to the next server when one refuses, then to the redirect, then gives up', async () => {
    const [good, last] = [await echo('good'), await echo('last')];
    const [port, dead1, dead2] = [await freePort(), refusingPort(), refusingPort()];
    const pieces = (names: string[], redirect: number | null) => [
      realServer('good', good.port),
      realServer('dead1', dead1),
      realServer('dead2', dead2),
      virtualServer(port, {
        protocol: 'TCP',
        scheduler: 'wlc',
        balance: 'LeastConnections',
        servers: to(...names),
        redirect: redirect === null ? null : { address: '127.0.0.1', port: redirect, guard: null },
      }),
    ];
    const proxy = await startTestProxy({ pieces: pieces(['dead1', 'good', 'dead2'], null) });
    for (let i = 0; i < 4; i++) {
      const socket = net.connect(port, '127.0.0.1');
      assert.equal(await line(socket), 'good');
      socket.destroy();
    }
    await proxy.configure(pieces(['dead1', 'dead2'], last.port));
    const socket = net.connect(port, '127.0.0.1');
    assert.equal(await line(socket), 'last');
    socket.destroy();
    await proxy.configure(pieces(['dead1', 'dead2'], null));
    const refused = net.connect(port, '127.0.0.1');
    refused.resume();
    await assert.rejects(once(refused, 'end'), { code: 'ECONNRESET' });
    await proxy.close();
    good.close();
    last.close();
  });
});
