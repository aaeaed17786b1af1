/** HTTP through TLS, as clients and servers see it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { describe, test } from 'node:test';
import tls from 'node:tls';

import { ask, freePort, realServer, rule, to, virtualServer } from './fixture.ts';
import { clientOptions, authority, connected, get, secureServer, stage } from './tls-stage.ts';

describe('HTTP over TLS', () => {
  test('a request, and what the server is told of it', async (t) => {
    const { port, web } = await stage(t);
    const answer = await get(port, '/a');
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'web');
    assert.equal(answer.socket.alpnProtocol, false);
    const { headers } = web.requests[0]!;
    assert.equal(headers['x-forwarded-proto'], 'https');
    assert.equal(headers['forwarded'], 'for=127.0.0.1;proto=https');
  });

  test('many requests over one connection, and pipelined ones', async (t) => {
    const { port, proxy } = await stage(t);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    for (let i = 0; i < 20; i++) assert.equal((await get(port, `/${i}`, { agent })).body, 'web');
    assert.equal(proxy.serving.totals().connectionsAccepted, 1);
    const socket = await connected(port);
    const requests = Array.from({ length: 50 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    socket.write(`${requests.join('')}GET /last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 51);
  });

  test('long bodies both ways, byte for byte', async (t) => {
    const { port, serve } = await stage(t);
    const server = http
      .createServer((request, response) => {
        response.setHeader('content-length', request.headers['content-length'] ?? '0');
        request.pipe(response);
      })
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    await serve(
      realServer('echo', (server.address() as net.AddressInfo).port),
      secureServer(port, { rules: [rule('all', to('echo'))] }),
    );
    const body = Buffer.alloc(5_000_000, 'all kinds of bytes ');
    const request = https.request({ ...clientOptions(port), method: 'POST', path: '/', agent: false });
    request.setHeader('content-length', body.length);
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(body));
  });

  test('a redirect keeps the scheme', async (t) => {
    const { port } = await stage(t, (at) => [
      secureServer(at, {
        rules: [
          rule(
            'all',
            to('web'),
            {},
            {
              filters: [
                {
                  type: 'Redirect',
                  scheme: null,
                  host: null,
                  port: null,
                  path: { type: 'Full', value: '/there' },
                  status: 302,
                },
              ],
            },
          ),
        ],
      }),
    ]);
    assert.equal((await get(port, '/')).headers.location, 'https://shop.example/there');
  });

  test('a client that ends its side gets its answer, and TLS is closed as it should be', async (t) => {
    const { port } = await stage(t);
    const raw = net.connect(port, '127.0.0.1');
    const socket = tls.connect({ socket: raw, ca: authority.certificate, servername: 'shop.example' });
    await once(socket, 'secureConnect');
    socket.end('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 200 [^]*web$/);
  });
});

describe('a listener of TLS on a virtual server with other listeners', () => {
  test('the same rules by HTTP and by HTTPS', async (t) => {
    const plainPort = await freePort();
    const { port } = await stage(t, (at) => {
      const secure = secureServer(at);
      const plain = virtualServer(plainPort, { rules: secure.rules });
      return [{ ...secure, listeners: [...secure.listeners, ...plain.listeners] }];
    });
    assert.equal((await get(port, '/')).status, 200);
    assert.equal((await ask(plainPort, '/')).status, 200);
  });
});
