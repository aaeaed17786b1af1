/** Clients that speak HTTP/2: each stream is dispatched, counted and logged like a request of HTTP/1.1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';

import { freePort, origin } from './fixture.ts';
import { answering, answerOf, get, http2Stage, request, server } from './http2-stage.ts';
import { until } from './in-process.ts';

it('serves a request and logs it', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const { proxy, session, lines } = await http2Stage(t, { servers: [web.port] });
  const answer = await get(session, { ':path': '/x?secret=1', 'x-a': 'b' });
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'web');
  assert.equal(answer.code, 0);
  const [{ url, method, headers }] = web.requests as [(typeof web.requests)[0]];
  assert.deepEqual(
    { url, method, host: headers.host, a: headers['x-a'], from: headers['x-forwarded-for'] },
    { url: '/x?secret=1', method: 'GET', host: 'a.example', a: 'b', from: '127.0.0.1' },
  );
  await until(() => lines.length === 1, 'no line');
  const [{ protocol, target, status, host }] = lines as [(typeof lines)[0]];
  assert.deepEqual(
    { protocol, target, status, host },
    { protocol: 'HTTP/2', target: '/x', status: 200, host: 'a.example' },
  );
  session.close();
  await proxy.settled();
});

it('sends a body with its length, and one without', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const { session } = await http2Stage(t, { servers: [web.port] });
  const body = 'x'.repeat(300_000);
  for (const more of [{ 'content-length': body.length }, {}]) {
    const stream = request(session, { ':method': 'POST', ...more });
    stream.end(body);
    assert.equal((await answerOf(stream)).status, 200);
  }
  assert.deepEqual(
    web.requests.map((each) => each.body.length),
    [body.length, body.length],
  );
  assert.deepEqual(
    web.requests.map(({ headers }) => headers['transfer-encoding'] ?? headers['content-length']),
    [String(body.length), 'chunked'],
  );
});

it('balances the streams of one connection', async (t) => {
  const webs = await Promise.all(['a', 'b', 'c'].map((name) => origin(name)));
  t.after(() => webs.map((web) => web.close()));
  const { proxy, session } = await http2Stage(t, { servers: webs.map(({ port }) => port) });
  await Promise.all(Array.from({ length: 90 }, () => get(session)));
  assert.deepEqual(
    webs.map((web) => web.requests.length),
    [30, 30, 30],
  );
  session.close();
  await proxy.settled();
});

it('goes elsewhere where a connection is refused, for a body as well', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const { session, lines } = await http2Stage(t, { servers: [await freePort(), web.port] });
  for (let i = 0; i < 4; i++) {
    const stream = request(session, { ':method': 'POST' });
    stream.end('hello');
    assert.equal((await answerOf(stream)).body, 'web');
  }
  await until(() => lines.length === 4, 'not all are logged');
  assert.ok(lines.some(({ retries }) => retries === 1));
});

it('relays fields as they are, in their order, and none of the connection', async (t) => {
  const port = await answering(
    t,
    [
      'HTTP/1.1 200 OK',
      'Set-Cookie: a=1',
      'X-A: caf\xe9',
      'Set-Cookie: b=2',
      'ETag: "1"',
      'ETag: "2"',
      'Connection: keep-alive, x-gone',
      'X-Gone: 1',
      'Keep-Alive: timeout=9',
      'HTTP2-Settings: x',
      'Content-Length: 0\r\n\r\n',
    ].join('\r\n'),
  );
  const { session } = await http2Stage(t, { servers: [port] });
  const { raw, code } = await get(session);
  assert.equal(code, 0);
  assert.deepEqual(raw, [
    ':status',
    '200',
    'set-cookie',
    'a=1',
    'x-a',
    'café',
    'set-cookie',
    'b=2',
    'etag',
    '"1"',
    'etag',
    '"2"',
    'content-length',
    '0',
  ]);
});

for (const [name, method, bytes, status, length] of [
  ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200, '5'],
  ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204, undefined],
  ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n', 304, '5'],
] as const) {
  it(`${name}: no body, and the connection to the server is used again`, async (t) => {
    let connections = 0;
    const port = await server(t, (socket) => {
      connections++;
      socket.on('data', () => socket.write(bytes));
    });
    const { session } = await http2Stage(t, { servers: [port] });
    for (let i = 0; i < 3; i++) {
      const answer = await get(session, { ':method': method });
      assert.equal(answer.status, status);
      assert.equal(answer.body, '');
      assert.equal(answer.code, 0);
      assert.equal(answer.headers['content-length'], length);
    }
    assert.equal(connections, 1);
  });
}

it('our own answers to HEAD have no body', async (t) => {
  const { session } = await http2Stage(t, { servers: [await freePort()] });
  const { status, body, code } = await get(session, { ':method': 'HEAD' });
  assert.deepEqual({ status, body, code }, { status: 502, body: '', code: 0 });
});

it('interim answers come before the final one', async (t) => {
  const port = await answering(
    t,
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  );
  const { session } = await http2Stage(t, { servers: [port] });
  const stream = request(session);
  const interim: unknown[] = [];
  stream.on('headers', (headers) => interim.push([headers[':status'], headers['link']]));
  assert.equal((await answerOf(stream)).body, 'ok');
  assert.deepEqual(interim, [[103, '</a>, </b>']]);
});

it('a body waits for 100 Continue where the client asks for it', async (t) => {
  const port = await server(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    });
  });
  const { session } = await http2Stage(t, { servers: [port] });
  const stream = request(session, { ':method': 'POST', expect: '100-continue', 'content-length': '5' });
  const answer = answerOf(stream);
  await once(stream, 'continue');
  stream.end('hello');
  assert.equal((await answer).body, 'ok');
});

it('trailers of a server go to every client', async (t) => {
  const port = await answering(
    t,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\nX-Twice: a\r\nX-Twice: b\r\nContent-Length: 9\r\n\r\n',
  );
  const { session } = await http2Stage(t, { servers: [port] });
  const { body, trailers, code } = await get(session);
  assert.deepEqual({ body, code }, { body: 'ok', code: 0 });
  assert.deepEqual(Object.entries(trailers), [
    ['grpc-status', '0'],
    ['x-twice', 'a, b'],
  ]);
});

it('te: trailers goes on, and trailers of a request do no harm', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const { session } = await http2Stage(t, { servers: [web.port] });
  const stream = session.request(
    { ':method': 'POST', ':path': '/', te: 'trailers' },
    { waitForTrailers: true, endStream: false },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '5' }));
  stream.end('hello');
  assert.equal((await answerOf(stream)).status, 200);
  assert.equal(web.requests[0]!.headers['te'], 'trailers');
  assert.equal(web.requests[0]!.body, 'hello');
});

it('answers of our own have their reason', async (t) => {
  const { session, lines } = await http2Stage(t, { servers: [await freePort()] });
  const { status, body, headers } = await get(session);
  assert.equal(status, 502);
  assert.match(body, /connect_failed/);
  assert.equal(headers['connection'], undefined);
  await until(() => lines.length === 1, 'no line');
  assert.equal(lines[0]!.flag, 'connect_failed');
});

it('a status that HTTP/2 of Node does not know is an error', async (t) => {
  const port = await answering(t, 'HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n');
  const { proxy, session, lines } = await http2Stage(t, { servers: [port] });
  const { code } = await get(session);
  assert.equal(code, 2);
  await until(() => lines.length === 1, 'no line');
  assert.equal(lines[0]!.flag, 'bad_answer');
  session.close();
  await proxy.settled();
});

it('CONNECT is not served', async (t) => {
  const { session } = await http2Stage(t, { servers: [await freePort()] });
  const connect = session.request({ ':method': 'CONNECT', ':authority': 'a.example:443' });
  connect.on('error', () => undefined);
  assert.equal((await answerOf(connect)).status, 405);
});
