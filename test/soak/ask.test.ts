import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { ask } from './ask.ts';

test('a kept connection that is found closed is made anew once, where that is asked for', async (t) => {
  let requests = 0;
  // every second request finds its connection broken off
  const server = createServer((request, response) => {
    requests++;
    if (requests % 2 === 0) request.socket.resetAndDestroy();
    else response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  await ask(port, '/', { agent, again: true });
  await ask(port, '/', { agent, again: true });
  assert.equal(requests, 3);
  await assert.rejects(ask(port, '/', { agent }), /ECONNRESET/);
  await assert.rejects(
    async () => {
      requests++;
      await ask(port, '/', { agent: new Agent(), again: true });
    },
    { code: 'ECONNRESET' },
    'a fresh one that breaks off is a failure',
  );
});
