/** Servers that are spoken to by HTTP/2: node's own on the other side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { describe, test } from 'node:test';

import { GLOBAL } from '../shared.ts';
import { ask } from './fixture.ts';
import { until } from './in-process.ts';
import { KINDS, proxyTo, streamServer } from './stream-servers.ts';

const TE = 'Transfer-Encoding: chunked\r\n';

/** All that a client gets that says `text`, up to the end of the connection. */
async function raw(port: number, text: string): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(text, 'latin1');
  let got = '';
  for await (const chunk of socket) got += (chunk as Buffer).toString('latin1');
  return got;
}

for (const kind of KINDS) {
  describe(`servers that are spoken to by HTTP/2: ${kind}`, () => {
    test('requests and answers as they are, over one connection', async (t) => {
      const { port: at, opened } = await streamServer(t, kind, (request, response) => {
        response.setHeader('x-seen', `${request.method} ${request.url} ${request.authority} ${request.scheme}`);
        response.setHeader('set-cookie', ['a=1', 'b=2']);
        response.end(String(request.headers['x-forwarded-for']));
      });
      const proxy = await proxyTo(t, kind, [at]);
      const all = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(proxy.port, `/a?n=${i}`)));
      all.forEach((answer, i) => {
        assert.equal(
          answer.headers['x-seen'],
          `GET /a?n=${i} 127.0.0.1:${proxy.port} ${kind === 'H2' ? 'https' : 'http'}`,
        );
        assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
        assert.equal(answer.body, '127.0.0.1');
      });
      assert.equal(opened(), 1);
      assert.equal(proxy.loop.state.counters.global[GLOBAL.upstreamConnections], 1);
      assert.equal(proxy.loop.state.counters.global[GLOBAL.upstreamStreams], 50);
      await proxy.settled();
    });

    test('requests of one client whose fields are those of the one before, and others', async (t) => {
      const { port: at } = await streamServer(t, kind, (request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk));
        request.on('end', () => {
          response.end(`${request.method} ${request.url} ${String(request.headers['x-n'])} ${body};`);
        });
      });
      const proxy = await proxyTo(t, kind, [at]);
      const length = 'Content-Length: 2\r\n';
      const requests = [
        ...['/a', '/b'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\nX-N: 1\r\n\r\n`),
        `GET /c HTTP/1.1\r\nHost: a\r\nX-N: 2\r\n\r\n`,
        ...['d1', 'd2'].map((body) => `POST /d HTTP/1.1\r\nHost: a\r\nX-N: 2\r\n${length}\r\n${body}`),
        ...['e1', 'e2'].map((body) => `PUT /e HTTP/1.1\r\nHost: a\r\n${TE}\r\n2\r\n${body}\r\n0\r\n\r\n`),
        `GET /f HTTP/1.1\r\nHost: a\r\nX-N: 1\r\nConnection: close\r\n\r\n`,
      ];
      const seen = (await raw(proxy.port, requests.join(''))).match(/[A-Z]+ \/[^;]*;/g);
      assert.deepEqual(seen, [
        'GET /a 1 ;',
        'GET /b 1 ;',
        'GET /c 2 ;',
        'POST /d 2 d1;',
        'POST /d 2 d2;',
        'PUT /e undefined e1;',
        'PUT /e undefined e2;',
        'GET /f 1 ;',
      ]);
      await proxy.settled();
    });

    test('bodies both ways, larger than every window, many at once', async (t) => {
      const { port: at } = await streamServer(t, kind, (request, response) => void request.pipe(response));
      const proxy = await proxyTo(t, kind, [at]);
      const bodies = Array.from({ length: 8 }, (_, i) => String.fromCharCode(97 + i).repeat(1_500_000 + i));
      const answers = await Promise.all(
        bodies.map((body, i) => ask(proxy.port, '/', { method: 'POST', body, ...(i % 2 ? CHUNKED : {}) })),
      );
      answers.forEach((answer, i) => assert.ok(answer.body === bodies[i], `body ${i}`));
      await proxy.settled();
    });

    test('a client that does not read stops its own stream, and nobody else', async (t) => {
      let sent = 0;
      const { port: at } = await streamServer(t, kind, (request, response) => {
        if (request.url === '/small') {
          response.end('small');
          return;
        }
        const part = Buffer.alloc(65_536, 120);
        const more = () => {
          while (sent < 64_000_000) {
            sent += part.length;
            if (!response.write(part)) {
              response.once('drain', more);
              return;
            }
          }
          response.end();
        };
        more();
      });
      const proxy = await proxyTo(t, kind, [at]);
      const slow = net.connect(proxy.port, '127.0.0.1');
      slow.pause();
      slow.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
      await until(() => proxy.upstreams().some((stream) => stream.paused), 'the stream is not paused');
      for (let i = 0; i < 20; i++) assert.equal((await ask(proxy.port, '/small')).body, 'small');
      assert.ok(sent < 20_000_000, `${sent} bytes have left the server`);
      let got = 0;
      slow.on('data', (chunk: Buffer) => (got += chunk.length));
      slow.resume();
      await until(() => got > 64_000_000, 'the rest does not come');
      slow.destroy();
      await proxy.settled();
    });

    test('an answer begins, and goes on, while the request still comes', async (t) => {
      const { port: at } = await streamServer(t, kind, (request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.write('begun;');
        request.on('data', (chunk: Buffer) => response.write(`<${String(chunk)}>`));
        request.on('end', () => response.end(';ended'));
      });
      const proxy = await proxyTo(t, kind, [at]);
      const request = http.request({ port: proxy.port, host: '127.0.0.1', method: 'POST', agent: false, ...CHUNKED });
      request.flushHeaders();
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      let got = '';
      response.on('data', (chunk: Buffer) => (got += String(chunk)));
      for (const word of ['one', 'two', 'three']) {
        request.write(word);
        await until(() => got.endsWith(`<${word}>`), `${word} does not come back`);
      }
      request.end();
      await once(response, 'end');
      assert.equal(got, 'begun;<one><two><three>;ended');
      await proxy.settled();
    });

    test('trailers both ways', async (t) => {
      let seen: http2.IncomingHttpHeaders = {};
      const { port: at } = await streamServer(t, kind, (request, response) => {
        assert.equal(request.headers.te, 'trailers');
        request.stream.on('trailers', (trailers) => (seen = trailers));
        request.resume();
        request.on('end', () => {
          response.addTrailers({ 'grpc-status': '7', age: '1' });
          response.end('body');
        });
      });
      const proxy = await proxyTo(t, kind, [at]);
      const text = await raw(
        proxy.port,
        'POST / HTTP/1.1\r\nHost: a\r\nConnection: TE, close\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n' +
          '3\r\nabc\r\n0\r\nX-Sum: 42\r\nCookie: no\r\n\r\n',
      );
      assert.match(text, /\r\n\r\n4\r\nbody\r\n0\r\ngrpc-status: 7\r\n\r\n$/);
      assert.deepEqual(Object.entries(seen), [['x-sum', '42']]);
      await proxy.settled();
    });

    test('interim answers, HEAD, 204, 304 and empty answers', async (t) => {
      const { port: at } = await streamServer(t, kind, (request, response) => {
        if (request.url === '/hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        const status = /^\/([0-9]{3})$/.exec(request.url)?.[1];
        if (request.url === '/length') response.setHeader('content-length', '5');
        response.statusCode = Number(status ?? 200);
        if (status === undefined && request.url !== '/empty') response.write('12345');
        response.end();
      });
      const proxy = await proxyTo(t, kind, [at]);
      const get = (method: string, path: string) =>
        raw(proxy.port, `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      assert.match(await get('GET', '/hints'), /^HTTP\/1\.1 103 Early Hints\r\nlink: .*\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
      for (const path of ['/204', '/304', '/empty', '/length', '/other']) {
        const text = await get('HEAD', path);
        assert.match(text, /^HTTP\/1\.1 [0-9]{3} [^]*\r\n\r\n$/);
        assert.equal(text.split('\r\n\r\n').length, 2);
        if (path === '/length') assert.match(text, /content-length: 5\r\n/);
      }
      for (const path of ['/204', '/304'])
        assert.match(await get('GET', path), /^(?![^]*(content-length|chunked))[^]*\r\n\r\n$/i);
      assert.match(await get('GET', '/empty'), /content-length: 0\r\n[^]*\r\n\r\n$/);
      assert.match(await get('GET', '/length'), /content-length: 5\r\n[^]*\r\n\r\n12345$/);
      assert.match(await get('GET', '/other'), /transfer-encoding: chunked\r\n[^]*\r\n\r\n5\r\n12345\r\n0\r\n\r\n$/);
      await proxy.settled();
    });

    test('100-continue comes from the server', async (t) => {
      const { port: at } = await streamServer(t, kind, (request, response) => void request.pipe(response));
      const proxy = await proxyTo(t, kind, [at]);
      const request = http.request({
        port: proxy.port,
        host: '127.0.0.1',
        method: 'PUT',
        agent: false,
        headers: {
          expect: '100-continue',
          'content-length': 4,
        },
      });
      request.flushHeaders();
      await once(request, 'continue');
      request.end('body');
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      response.resume();
      await once(response, 'end');
      await proxy.settled();
    });

    test('HTTP/1.0, and pipelined requests', async (t) => {
      const { port: at } = await streamServer(t, kind, (request, response) => response.end(request.url));
      const proxy = await proxyTo(t, kind, [at]);
      assert.match(
        await raw(proxy.port, 'GET /old HTTP/1.0\r\nHost: a\r\n\r\n'),
        /^HTTP\/1\.1 200 OK\r\n(?![^]*chunked)[^]*\r\n\/old$/,
      );
      const pipelined = await raw(
        proxy.port,
        Array.from({ length: 20 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
      );
      assert.deepEqual(
        [...pipelined.matchAll(/\r\n(\/[0-9]+)\r\n/g)].map((match) => match[1]),
        Array.from({ length: 20 }, (_, i) => `/${i}`),
      );
      await proxy.settled();
    });

    test('a client that goes away ends its stream, and no other', async (t) => {
      const cancelled: number[] = [];
      const { port: at, opened } = await streamServer(t, kind, (request, response) => {
        if (request.url !== '/never') response.end('here');
        else request.stream.on('close', () => cancelled.push(request.stream.rstCode));
      });
      const proxy = await proxyTo(t, kind, [at]);
      const clients = Array.from({ length: 5 }, () => {
        const client = net.connect(proxy.port, '127.0.0.1');
        client.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
        return client;
      });
      await until(() => proxy.upstreams().filter(({ sent }) => sent).length === 5, 'the requests are not on their way');
      for (const client of clients) client.resetAndDestroy();
      await until(() => cancelled.length === 5, 'the streams are not ended');
      assert.deepEqual(cancelled, Array(5).fill(http2.constants.NGHTTP2_CANCEL));
      assert.equal((await ask(proxy.port, '/')).body, 'here');
      assert.equal(opened(), 1);
      await proxy.settled();
    });

    test('more streams than a connection takes: another one; more than all take: they wait', async (t) => {
      const held: http2.Http2ServerResponse[] = [];
      const { port: at, opened } = await streamServer(
        t,
        kind,
        (request, response) => {
          if (request.url === '/first') response.end();
          else held.push(response);
        },
        { settings: { maxConcurrentStreams: 2 } },
      );
      const proxy = await proxyTo(t, kind, [at]);
      await ask(proxy.port, '/first');
      const all = Array.from({ length: 5 }, () => ask(proxy.port, '/held'));
      await until(() => held.length === 5, 'they are not there');
      assert.ok(opened() >= 3, `${opened()} connections`);
      for (const response of held) response.end('done');
      for (const answer of await Promise.all(all)) assert.equal(answer.body, 'done');
      await proxy.settled();
    });

    test('a server that ends its connection gets another one', async (t) => {
      const { port: at, sessions, opened } = await streamServer(t, kind, (_request, response) => response.end('here'));
      const proxy = await proxyTo(t, kind, [at]);
      for (let i = 0; i < 5; i++) {
        assert.equal((await ask(proxy.port, '/')).body, 'here');
        for (const session of sessions) session.close();
        await until(() => proxy.streamConnections().length === 0, 'the connection is left');
      }
      assert.equal(opened(), 5);
      await proxy.settled();
    });

    test('swaps: connections of an endpoint that stays stay, those of one that is gone finish and end', async (t) => {
      const held: http2.Http2ServerResponse[] = [];
      const { port: at, opened } = await streamServer(t, kind, (request, response) => {
        if (request.url === '/held') held.push(response);
        else response.end('here');
      });
      const other = await streamServer(t, kind, (_request, response) => response.end('other'));
      const proxy = await proxyTo(t, kind, [at]);
      await ask(proxy.port, '/');
      proxy.swap([at]);
      assert.equal((await ask(proxy.port, '/')).body, 'here');
      assert.equal(opened(), 1);
      const last = ask(proxy.port, '/held');
      await until(() => held.length === 1, 'it is not on its way');
      proxy.swap([other.port]);
      assert.equal((await ask(proxy.port, '/')).body, 'other');
      held[0]!.end('finished');
      assert.equal((await last).body, 'finished');
      await until(() => proxy.streamConnections().length === 1, 'the old connection is left');
      await proxy.settled();
    });

    test('nobody there: the next one, and 502 where there is none', async (t) => {
      const dead = await streamServer(t, kind, () => {});
      dead.close();
      const { port: at } = await streamServer(t, kind, (_request, response) => response.end('here'));
      const proxy = await proxyTo(t, kind, [dead.port, at]);
      for (let i = 0; i < 10; i++)
        assert.equal((await ask(proxy.port, '/', { method: 'POST', body: 'once' })).body, 'here');
      await proxy.settled();
      const alone = await proxyTo(t, kind, [dead.port]);
      assert.equal((await ask(alone.port, '/')).status, 502);
      await alone.settled();
    });
  });
}

const CHUNKED = { headers: { 'transfer-encoding': 'chunked' } };
