import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, test } from 'node:test';

import { ApiError, isConflict, isTransient } from './api-error.ts';
import { Api, type Identity } from './api.ts';
import { http1Transport } from './transport-http1.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function serve(handler: Handler, identity?: Partial<Identity>) {
  const server: Server = createServer((request, response) => {
    void text(request).then((body) => handler(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const api = new Api({
    transport: http1Transport({ server: new URL(`http://127.0.0.1:${port}`) }),
    identity: {
      headers: () => Promise.resolve({ authorization: 'Bearer one' }),
      refused: () => undefined,
      ...identity,
    },
    userAgent: 'test/1',
  });
  closers.push(() => {
    api.close();
    server.closeAllConnections();
    server.close();
  });
  return api;
}

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => assert.fail('it was expected to fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiError, String(error));
  return error;
};

test('a call: method, path with its query, identity, body both ways', async () => {
  const seen: unknown[] = [];
  const api = await serve(({ method, url, headers }, response, body) => {
    seen.push([method, url, headers['authorization'], headers['user-agent'], headers['content-type'], body]);
    response.end('{"answer":1}');
  });
  const query = { fieldSelector: 'metadata.name=a', limit: 5, force: true, missing: undefined };
  assert.deepEqual(await api.call('PUT', '/apis/x', { query, body: { a: 1 }, contentType: 'application/x' }), {
    answer: 1,
  });
  assert.deepEqual(seen, [
    [
      'PUT',
      '/apis/x?fieldSelector=metadata.name%3Da&limit=5&force=true',
      'Bearer one',
      'test/1',
      'application/x',
      '{"a":1}',
    ],
  ]);
});

test('an error says what was asked, the status, and what the server said', async () => {
  const api = await serve((_, response) => {
    response.writeHead(409);
    response.end('{"kind":"Status","reason":"Conflict","message":"the object has been modified"}');
  });
  const error = await failure(api.call('PUT', '/api/v1/x'));
  assert.equal(error.message, 'PUT /api/v1/x: 409 the object has been modified');
  assert.equal(error.reason, 'Conflict');
  assert.ok(isConflict(error) && !isTransient(error));
});

test('429: how long the server wants to be left alone', async () => {
  const api = await serve((_, response) => {
    response.writeHead(429);
    response.end('{"kind":"Status","reason":"TooManyRequests","message":"later","details":{"retryAfterSeconds":2}}');
  });
  const error = await failure(api.call('GET', '/'));
  assert.equal(error.retryAfter, 2000);
  assert.ok(isTransient(error));
});

test("an error that is none of the API's: its text, cut", async () => {
  const api = await serve((_, response) => {
    response.writeHead(502);
    response.end('<html>bad gateway'.padEnd(5000, 'x'));
  });
  const error = await failure(api.call('GET', '/'));
  assert.match(error.message, /^GET \/: 502 <html>bad gatewayx+$/);
  assert.ok(error.message.length < 600);
  assert.ok(isTransient(error));
});

test('401: the identity is asked anew, once', async () => {
  let token = 'old';
  const tokens: unknown[] = [];
  const api = await serve(
    ({ headers }, response) => {
      tokens.push(headers['authorization']);
      if (headers['authorization'] !== 'Bearer new') response.writeHead(401);
      response.end('{}');
    },
    {
      headers: () => Promise.resolve({ authorization: `Bearer ${token}` }),
      refused: () => (token = 'new'),
    },
  );
  await api.call('GET', '/');
  assert.deepEqual(tokens, ['Bearer old', 'Bearer new']);
});

test('no answer: nobody listens, the connection breaks, the answer is cut off, is no JSON, or does not come', async () => {
  const api = await serve((request, response) => {
    if (request.url === '/break') request.socket.destroy();
    else if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"a":');
      setImmediate(() => request.socket.destroy());
    } else if (request.url === '/text') response.end('hello');
    else if (request.url === '/half') response.write('{"a"');
  });
  for (const path of ['/break', '/cut', '/text']) {
    const error = await failure(api.call('GET', path));
    assert.equal(error.status, 0, path);
    assert.ok(error.message.startsWith(`GET ${path}: `), error.message);
  }
  for (const path of ['/never', '/half']) {
    const error = await failure(api.call('GET', path, { timeout: 50 }));
    assert.equal(error.reason, 'Timeout');
    assert.equal(error.message, `GET ${path}: no answer within 50 ms`);
  }
  const nowhere = new Api({
    transport: http1Transport({ server: new URL('http://127.0.0.1:1') }),
    identity: { headers: () => Promise.resolve({}), refused: () => undefined },
    userAgent: 'test/1',
  });
  assert.match((await failure(nowhere.call('GET', '/'))).message, /ECONNREFUSED/);
});

test('a stream comes as it is sent, and ends with the signal', async () => {
  const gone = Promise.withResolvers<void>();
  const api = await serve((_, response) => {
    response.on('close', gone.resolve);
    response.write('one\n');
  });
  const abort = new AbortController();
  const body = await api.stream('/x', { signal: abort.signal });
  const [chunk] = (await once(body, 'data')) as Buffer[];
  assert.equal(String(chunk), 'one\n');
  abort.abort();
  await gone.promise;
});

test("the caller's signal ends a call with the signal's reason", async () => {
  const abort = new AbortController();
  const api = await serve(() => abort.abort());
  await assert.rejects(api.call('GET', '/', { signal: abort.signal }), { name: 'AbortError' });
});
