/** What becomes of idle connections when rows change. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { it, type TestContext } from 'node:test';

import { rawServer, startInProcess, until } from './in-process.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na';

async function startServer(t: TestContext): Promise<number> {
  const server = await rawServer((socket) => socket.on('data', () => socket.write(ANSWER)));
  t.after(() => server.close());
  return server.port;
}

it('an endpoint keeps its idle connections until no row has it any more', async (t) => {
  const one = await startServer(t);
  const second = await startServer(t);
  const proxy = await startInProcess({ servers: [one] });
  const client = net.connect(proxy.port, '127.0.0.1');
  t.after(() => {
    client.destroy();
    proxy.close();
  });
  const ask = async () => {
    client.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await once(client, 'data');
    await until(() => proxy.upstreams().every(({ user }) => user === null), 'it is still in use');
  };
  const ports = () => proxy.upstreams().map(({ endpoint }) => endpoint.plan.port);
  await ask();
  assert.deepEqual(ports(), [one]);
  const [kept] = proxy.upstreams();
  // Beside another one, twice in the row, and alone again.
  for (const servers of [[one, second], [one, one], [one]]) {
    proxy.swap(servers);
    assert.deepEqual(proxy.upstreams(), [kept]);
  }
  proxy.swap([second]);
  assert.deepEqual(ports(), []);
  await ask();
  assert.deepEqual(ports(), [second]);
  proxy.remove();
  assert.deepEqual(ports(), []);
});
