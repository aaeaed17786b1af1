/** Example 15, by a client of HTTP/2 and one of HTTP/1.1 on the same port. */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';

import { startExample } from '../demo/stage.ts';

test('15: streams of one connection are shared among the servers, and HTTP/1.1 is taken beside', async () => {
  await using stage = await startExample('15-http2', { servers: ['web1', 'web2'] });
  const session = http2.connect(`http://127.0.0.1:${stage.port}`);
  const ask = async (path: string) => {
    const stream = session.request({ ':path': path });
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    return body;
  };
  const bodies = await Promise.all(Array.from({ length: 20 }, () => ask('/')));
  session.close();
  for (const name of ['web1', 'web2']) assert.equal(bodies.filter((body) => body.startsWith(name)).length, 10);
  const response = await fetch(`http://127.0.0.1:${stage.port}/echo`);
  assert.match(await response.text(), /GET \/echo HTTP\/1\.1/);
});
