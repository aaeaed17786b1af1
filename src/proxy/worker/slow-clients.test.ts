/** Clients that read late, or not at all: nothing is cut off, and nothing piles up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { startInProcess, until, type InProcess } from './in-process.ts';
import { PHASE } from './phases.ts';

const LARGE = 12 << 20;
const CONTENT = Buffer.alloc(4 * LARGE, 120);

describe('slow clients', () => {
  let server: http.Server;
  let proxy: InProcess;
  let served = 0;
  before(async () => {
    server = http.createServer((request, response) => {
      served++;
      const length = Number(request.url!.slice(1));
      response.setHeader('content-length', length);
      request.resume();
      if (request.method === 'GET') response.end(CONTENT.subarray(0, length));
      else response.write(Buffer.alloc(length - 1, 120), () => request.on('end', () => response.end('x')));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await startInProcess({ servers: [(server.address() as AddressInfo).port] });
  });
  after(() => {
    proxy.close();
    server.closeAllConnections();
    server.close();
  });

  const connect = async (text: string) => {
    const socket = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
  const closing = () => proxy.clients().some((client) => client.phase === PHASE.closing);

  it('has its last answer as a whole, however long that takes', async () => {
    const socket = await connect(`GET /${1 << 20} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await until(closing, 'the answer is not over');
    // the wait for the client's end is over before the client has begun to read
    for (const client of proxy.clients()) if (client.pending === 0) client.deadline = 0;
    await until(() => proxy.clients().every((client) => client.deadline > 0), 'nothing happens');
    assert.ok((await total(socket)) > 1 << 20);
    socket.destroy();
    await proxy.settled();
  });

  it('may end its side while the answer waits for it', async () => {
    for (const fields of ['', 'Connection: close\r\n']) {
      const count = 200;
      const one = 'GET /60000 HTTP/1.1\r\nHost: a\r\n';
      const socket = await connect(`${one}\r\n`.repeat(count - 1) + `${one}${fields}\r\n`);
      await until(() => proxy.clients().some((client) => client.pending > 0), 'all of it was taken');
      socket.end();
      const read = await total(socket);
      assert.ok(read > count * 60_000, `read ${read}`);
      socket.destroy();
      await proxy.settled();
    }
  });

  it('pipelines without reading: the next request waits until the answer is taken', async () => {
    const count = 600;
    served = 0;
    const socket = await connect(`GET /60000 HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(count));
    const rss = process.memoryUsage().rss;
    let last = -1;
    // until nothing moves any more
    await until(() => {
      const same = served === last && proxy.clients().every((client) => client.pending > 0);
      last = served;
      return same;
    }, 'never stops');
    assert.ok(served < 200, `${served} requests were served for nobody`);
    assert.ok(process.memoryUsage().rss - rss < 100 << 20);
    const [client] = proxy.clients();
    assert.ok(client!.deadline < Infinity);
    let read = 0;
    socket.on('data', (chunk: Buffer) => (read += chunk.length));
    await until(() => read > count * 60_000 && served === count, 'not all of it comes');
    socket.destroy();
    await proxy.settled();
  });

  it('costs little memory while it does not read a long answer, and gets all of it when it does', async () => {
    const count = 30;
    const rss = process.memoryUsage().rss;
    const text = `GET /${4 * LARGE} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const sockets = await Promise.all(Array.from({ length: count }, () => connect(text)));
    await until(() => proxy.upstreams().filter((upstream) => upstream.paused).length === count, 'nobody is paused');
    const held = proxy.upstreams().reduce((sum, upstream) => sum + upstream.buffer.length, 0);
    assert.ok(held <= count << 20, `${held} in read buffers`);
    // without a bound it would be 1.4 GB
    const grown = process.memoryUsage().rss - rss;
    assert.ok(grown < 300 << 20, `${grown >> 20} MB`);
    for (const socket of sockets.slice(1)) socket.destroy();
    let read = 0;
    sockets[0]!.on('data', (chunk: Buffer) => (read += chunk.length));
    await until(() => read > 4 * LARGE, 'not all of it comes');
    sockets[0]!.destroy();
    await proxy.settled();
  });

  it('has a deadline while it neither reads its early answer nor sends', async () => {
    const socket = await connect(`POST /${LARGE} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345`);
    await until(() => proxy.clients().some((client) => client.pending > 0), 'no answer');
    socket.write('67890');
    await until(() => proxy.clients().some((client) => client.bodyDone), 'the body does not arrive');
    assert.ok(proxy.clients().every((client) => client.deadline < Infinity));
    socket.destroy();
    await proxy.settled();
  });
});

async function total(socket: net.Socket): Promise<number> {
  let length = 0;
  for await (const chunk of socket) length += (chunk as Buffer).length;
  return length;
}
