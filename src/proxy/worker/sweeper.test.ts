import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';

import { monotonic } from './clock.ts';
import type { Connection } from './io.ts';
import { Sweeper } from './sweeper.ts';

/** Of a connection only what the sweeper knows of it. */
function swept(deadline: number) {
  const expired: number[] = [];
  const connection = {
    index: -1,
    deadline,
    guarded: (run: () => void) => run(),
    expired: (now: number) => {
      connection.deadline = Infinity;
      expired.push(now);
    },
  };
  return { connection: connection as unknown as Connection, expired };
}

test('what is past its deadline expires, at the time of the tick', async () => {
  const ticks: number[] = [];
  const sweeper = new Sweeper((now) => ticks.push(now));
  const { connection, expired } = swept(monotonic() + 60);
  sweeper.add(connection);
  sweeper.start();
  while (expired.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  sweeper.stop();
  assert.equal(expired[0], ticks.at(-1));
});

test('a thread that was held up reads what has come meanwhile before it looks at deadlines', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const writer = net.connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay();
  const [reader] = (await once(server, 'connection')) as [net.Socket];
  t.after(() => [writer, reader].forEach((socket) => socket.destroy()));
  const sweeper = new Sweeper(() => undefined);
  sweeper.start();
  t.after(() => sweeper.stop());
  for (let round = 0; round < 5; round++) {
    const { connection, expired } = swept(monotonic() + 100);
    sweeper.add(connection);
    const read = once(reader, 'data').then(() => (connection.deadline = Infinity));
    // Held up there, the loop goes on with timers, and reads after them.
    await new Promise((resolve) => setImmediate(resolve));
    writer.write('x');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    await read;
    sweeper.remove(connection);
    assert.deepEqual(expired, [], `round ${round}`);
  }
});
