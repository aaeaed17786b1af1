/** WebSocket to servers that are spoken to by HTTP/2 (RFC 8441): node's own on the other side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http2 from 'node:http2';
import { describe, test } from 'node:test';

import { GLOBAL } from '../shared.ts';
import { ask } from './fixture.ts';
import { until } from './in-process.ts';
import { KINDS, proxyTo, streamServer, type Tunnel } from './stream-servers.ts';
import { ACCEPT, CLIENTS, isOpen, open, openByUpgrade, reading, upgradeHead, wholeLog } from './websocket-stage.ts';

const OFFERED: http2.ServerOptions = { settings: { enableConnectProtocol: true } };

/** Says hello, sends back what comes, and says goodbye. */
const echo: Tunnel = (stream) => {
  stream.respond({ ':status': 200, 'sec-websocket-protocol': 'talk' });
  stream.write('hello;');
  stream.on('data', (chunk: Buffer) => stream.write(chunk));
  stream.on('end', () => stream.end(';bye'));
};

for (const kind of KINDS) {
  for (const by of CLIENTS) {
    describe(`a WebSocket by ${by} to a server by ${kind}`, () => {
      test('bytes go both ways, and each side may end', async (t) => {
        const seen: http2.IncomingHttpHeaders[] = [];
        const { port, opened } = await streamServer(
          t,
          kind,
          (request, response) => response.end(request.url),
          OFFERED,
          (stream, headers) => {
            seen.push(headers);
            echo(stream, headers);
          },
        );
        const { accessLog, lines } = wholeLog();
        const proxy = await proxyTo(t, kind, [port], { accessLog });
        const client = await open(t, by, proxy.port, '/chat?room=1');
        assert.ok(isOpen(client, by), String(client.status));
        assert.equal(client.fields['sec-websocket-protocol'], 'talk');
        assert.equal(client.fields['sec-websocket-accept'], by === 'HTTP/1.1' ? ACCEPT : undefined);
        const { ':method': method, ':protocol': protocol, ':scheme': scheme, ':path': path, ...fields } = seen[0]!;
        assert.deepEqual(
          { method, protocol, scheme, path, authority: fields[':authority'] },
          {
            method: 'CONNECT',
            protocol: 'websocket',
            scheme: kind === 'H2' ? 'https' : 'http',
            path: '/chat?room=1',
            authority: 'a.example',
          },
        );
        assert.equal(fields['sec-websocket-version'], '13');
        assert.equal(fields['x-forwarded-for'], '127.0.0.1');
        for (const name of ['sec-websocket-key', 'connection', 'upgrade']) assert.equal(fields[name], undefined, name);
        const got = reading(client.stream);
        await until(() => got.text === 'hello;', got.text);
        client.stream.write('one');
        await until(() => got.text === 'hello;one', got.text);
        client.stream.end('two');
        await until(() => got.ended, 'no end');
        assert.equal(got.text, 'hello;onetwo;bye');
        await until(() => lines.length === 1, 'no line');
        const { status, flag, protocol: spoken } = lines[0]!;
        assert.deepEqual({ status, flag, spoken }, { status: 101, flag: '', spoken: by });
        // requests have a connection of their own
        assert.equal((await ask(proxy.port, '/other')).body, '/other');
        assert.equal(opened(), 2);
        assert.equal(proxy.loop.state.counters.global[GLOBAL.upstreamStreams], 2);
        client.stream.destroy();
        await proxy.settled();
      });

      test('the server ends first', async (t) => {
        const heard: string[] = [];
        const { port } = await streamServer(
          t,
          kind,
          () => {},
          OFFERED,
          (stream) => {
            stream.respond({ ':status': 200 });
            stream.end('that is all');
            stream.on('data', (chunk: Buffer) => heard.push(String(chunk)));
            stream.on('end', () => heard.push('end'));
          },
        );
        const proxy = await proxyTo(t, kind, [port]);
        const { stream } = await open(t, by, proxy.port);
        const got = reading(stream);
        await until(() => got.ended, 'no end');
        assert.equal(got.text, 'that is all');
        stream.write('and');
        await until(() => heard.join('') === 'and', heard.join(''));
        stream.end();
        await until(() => heard.at(-1) === 'end', heard.join(''));
        await proxy.settled();
      });

      test('larger than every window, both ways at once', async (t) => {
        const { port } = await streamServer(
          t,
          kind,
          () => {},
          OFFERED,
          (stream) => {
            stream.respond({ ':status': 200 });
            stream.pipe(stream);
          },
        );
        const proxy = await proxyTo(t, kind, [port]);
        const { stream } = await open(t, by, proxy.port);
        const sent = Buffer.allocUnsafe(5_000_000);
        for (let i = 0; i < sent.length; i++) sent[i] = (i * 7 + (i >> 8)) & 255;
        const parts: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => parts.push(chunk));
        stream.resume();
        stream.end(sent);
        await once(stream, 'end');
        assert.ok(Buffer.concat(parts).equals(sent));
        await proxy.settled();
      });

      test('a server that does not read stops its client, and fills nothing', async (t) => {
        const tunnels: http2.ServerHttp2Stream[] = [];
        const { port } = await streamServer(
          t,
          kind,
          (_request, response) => response.end('here'),
          OFFERED,
          (stream) => {
            stream.respond({ ':status': 200 });
            stream.pause();
            tunnels.push(stream);
          },
        );
        const proxy = await proxyTo(t, kind, [port]);
        const { stream } = await open(t, by, proxy.port);
        stream.end(Buffer.alloc(20_000_000, 120));
        await until(() => proxy.clients().some(({ paused }) => paused), 'the client is not paused');
        const { counters } = proxy.loop.state;
        // a window of the server, a read, and what a window of the client let through
        assert.ok(counters.global[GLOBAL.bytesReceived]! < 500_000, String(counters.global[GLOBAL.bytesReceived]));
        assert.equal((await ask(proxy.port, '/')).body, 'here');
        assert.ok(proxy.clients().some(({ paused }) => paused));
        let length = 0;
        tunnels[0]!.on('data', (chunk: Buffer) => (length += chunk.length));
        tunnels[0]!.resume();
        await until(() => length === 20_000_000, 'the rest does not come');
        tunnels[0]!.end();
        stream.resume();
        await proxy.settled();
      });

      test('a client that does not read stops its server, and fills nothing', async (t) => {
        let sent = 0;
        const { port } = await streamServer(
          t,
          kind,
          (_request, response) => response.end('here'),
          OFFERED,
          (stream) => {
            stream.respond({ ':status': 200 });
            stream.resume();
            const more = () => {
              while (sent < 32_000_000) {
                sent += 65_536;
                if (!stream.write(Buffer.alloc(65_536, 121))) {
                  stream.once('drain', more);
                  return;
                }
              }
              stream.end();
            };
            more();
          },
        );
        const proxy = await proxyTo(t, kind, [port]);
        const { stream } = await open(t, by, proxy.port);
        await until(() => proxy.upstreams().some(({ paused }) => paused), 'the stream is not paused');
        assert.equal((await ask(proxy.port, '/')).body, 'here');
        assert.ok(sent < 20_000_000, `${sent} bytes have left the server`);
        const got = reading(stream);
        // an end that came while nobody read is told behind all that came before
        await until(() => got.ended, 'the rest does not come');
        assert.equal(got.length, sent);
        stream.end();
        await proxy.settled();
      });

      test('an answer instead of a tunnel is that', async (t) => {
        const ended: boolean[] = [];
        const { port } = await streamServer(
          t,
          kind,
          (request, response) => response.end(request.url),
          OFFERED,
          (stream) => {
            stream.respond({ ':status': 403, 'x-why': 'not you' });
            stream.resume();
            // it waits for the end of what the client has to say
            stream.on('end', () => stream.end('no'));
            stream.on('close', () => ended.push(stream.rstCode === 0));
          },
        );
        const proxy = await proxyTo(t, kind, [port]);
        const { status, fields, stream } = await open(t, by, proxy.port);
        assert.deepEqual({ status, why: fields['x-why'] }, { status: 403, why: 'not you' });
        const got = reading(stream);
        await until(() => got.text.includes('no'), 'no body');
        await until(() => ended.length === 1, 'the stream is left');
        assert.deepEqual(ended, [true]);
        stream.destroy();
        await proxy.settled();
      });

      test('without SETTINGS_ENABLE_CONNECT_PROTOCOL: 502, and nothing is held against the server', async (t) => {
        const asked: string[] = [];
        const { port, opened } = await streamServer(t, kind, (request, response) => {
          asked.push(request.url);
          response.end('here');
        });
        const proxy = await proxyTo(t, kind, [port]);
        for (let i = 0; i < 10; i++) {
          const { status, stream } = await open(t, by, proxy.port);
          assert.equal(status, 502);
          const got = reading(stream);
          await until(() => got.text.includes('no_websocket'), got.text);
        }
        assert.deepEqual(asked, []);
        // it was asked once, not once for each
        assert.equal(opened(), 1);
        assert.deepEqual(
          proxy.reports.filter(({ type }) => type === 'suspect'),
          [],
        );
        assert.equal((await ask(proxy.port, '/')).body, 'here');
      });

      test('one that offers it gets what the other does not', async (t) => {
        const without = await streamServer(t, kind, (_request, response) => response.end('plain'));
        const { port } = await streamServer(t, kind, (_request, response) => response.end('offered'), OFFERED, echo);
        const proxy = await proxyTo(t, kind, [without.port, port]);
        for (let i = 0; i < 6; i++) {
          const client = await open(t, by, proxy.port);
          assert.ok(isOpen(client, by), String(client.status));
          client.stream.end();
          const got = reading(client.stream);
          await until(() => got.ended, 'no end');
        }
        const bodies = await Promise.all([1, 2, 3, 4].map(async () => (await ask(proxy.port, '/')).body));
        assert.deepEqual(bodies.toSorted(), ['offered', 'offered', 'plain', 'plain']);
        await proxy.settled();
      });

      test('more tunnels than streams at once: other connections, and requests go on', async (t) => {
        const { port, opened } = await streamServer(
          t,
          kind,
          (_request, response) => response.end('here'),
          { settings: { enableConnectProtocol: true, maxConcurrentStreams: 3 } },
          echo,
        );
        const proxy = await proxyTo(t, kind, [port]);
        const all = await Promise.all(Array.from({ length: 40 }, () => open(t, by, proxy.port)));
        for (const client of all) assert.ok(isOpen(client, by), String(client.status));
        assert.ok(opened() >= 14, `${opened()} connections`);
        assert.equal((await ask(proxy.port, '/')).body, 'here');
        const readings = all.map(({ stream }) => {
          stream.end('x');
          return reading(stream);
        });
        await until(() => readings.every(({ ended }) => ended), 'not all have ended');
        for (const { text } of readings) assert.equal(text, 'hello;x;bye');
        await proxy.settled();
      });
    });
  }

  test(`${kind}: 83. bytes behind a request for an upgrade are held, and are the next request if it is refused`, async (t) => {
    const heard: string[] = [];
    const { port } = await streamServer(
      t,
      kind,
      (request, response) => response.end(`<${request.url}>`),
      OFFERED,
      (stream, headers) => {
        stream.on('data', (chunk: Buffer) => heard.push(String(chunk)));
        setImmediate(() => stream.respond({ ':status': headers[':path'] === '/yes' ? 200 : 404 }, { endStream: true }));
      },
    );
    const proxy = await proxyTo(t, kind, [port]);
    const next = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const refused = await openByUpgrade(t, proxy.port, upgradeHead('/no') + next);
    assert.equal(refused.status, 404);
    const got = reading(refused.stream);
    await until(() => got.ended, 'no end');
    assert.match(got.text, /^HTTP\/1\.1 200 OK[^]*<\/next>/);
    assert.deepEqual(heard, []);
    const opened = await openByUpgrade(t, proxy.port, upgradeHead('/yes') + next);
    assert.equal(opened.status, 101);
    await until(() => heard.join('') === next, 'they have not come');
    const rest = reading(opened.stream);
    opened.stream.end();
    await until(() => rest.ended, 'no end');
    assert.equal(rest.text, '');
    await proxy.settled();
  });

  test(`${kind}: a key that is none is 400: nobody else would look at it`, async (t) => {
    let tunnels = 0;
    const { port } = await streamServer(
      t,
      kind,
      (_request, response) => response.end('here'),
      OFFERED,
      () => tunnels++,
    );
    const proxy = await proxyTo(t, kind, [port]);
    for (const lines of ['', 'Sec-WebSocket-Key: x\r\n', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'.repeat(2)]) {
      const { status, stream } = await openByUpgrade(t, proxy.port, upgradeHead('/', lines));
      assert.equal(status, 400);
      const got = reading(stream);
      await until(() => got.text.includes('bad_request'), got.text);
      // the connection goes on
      stream.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await until(() => got.text.includes('here'), got.text);
      stream.end();
    }
    assert.equal(tunnels, 0);
    await proxy.settled();
  });
}
