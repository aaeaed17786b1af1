/** Tunnels to servers of HTTP/2 that say what they want, frame by frame: settings, ends, faults (RFC 8441, RFC 9113 §8.5). */
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';

import { ERROR, SETTING } from '../../http2/frames.ts';
import { GLOBAL } from '../shared.ts';
import { ask } from './fixture.ts';
import {
  data,
  type FrameConnection,
  frameServer,
  goAway,
  headers,
  reset,
  type SeenRequest,
  settings,
  windowUpdate,
} from './frame-server.ts';
import { until } from './in-process.ts';
import { type Kind, KINDS, proxyTo, SHOWN } from './stream-servers.ts';
import {
  ACCEPT,
  breakOff,
  CLIENTS,
  isOpen,
  open,
  openByUpgrade,
  reading,
  upgradeHead,
  wholeLog,
} from './websocket-stage.ts';

const OK = [':status', '200'];
const OFFER: [number, number] = [SETTING.enableConnectProtocol, 1];

type Serve = (connection: FrameConnection, request: SeenRequest, nth: number) => void;

/** A server whose settings are `first`; null: it says nothing at first. */
async function stage(
  t: Parameters<typeof open>[0],
  kind: Kind,
  serve: Serve,
  first: readonly [number, number][] | null = [OFFER],
  more: Parameters<typeof proxyTo>[3] = {},
) {
  let nth = 0;
  const requests: SeenRequest[] = [];
  const server = await frameServer(
    (connection) => {
      // whatever it says, its settings are first
      if (first === null) connection.acknowledges = false;
      else connection.send(settings(...first));
      connection.onRequest = (request) => {
        requests.push(request);
        serve(connection, request, nth++);
      };
    },
    kind === 'H2' ? { ...SHOWN, ALPNProtocols: ['h2'] } : null,
  );
  t.after(() => server.close());
  const { accessLog, lines } = wholeLog();
  const proxy = await proxyTo(t, kind, [server.port], { accessLog, ...more });
  return { server, proxy, requests, lines };
}

/** More than the buffers of two connections. */
const SENT = 12_000_000;

/** Opens every tunnel, answers everything else. */
const opens: Serve = (connection, { id, fields }) => {
  if (fields[':method'] === 'CONNECT') connection.send(headers(id, OK));
  else connection.send(headers(id, OK), data(id, 'here', true));
};

for (const kind of KINDS) {
  for (const by of CLIENTS) {
    describe(`${by} to ${kind}: the end of a tunnel`, () => {
      test('the client ends: END_STREAM, behind what waits for a window', async (t) => {
        const { server, proxy, lines } = await stage(t, kind, opens, [OFFER, [SETTING.initialWindowSize, 10]]);
        const client = await open(t, by, proxy.port);
        assert.ok(isOpen(client, by));
        const got = reading(client.stream);
        client.stream.end('ten bytes, and more');
        const [connection] = server.connections;
        await until(() => connection!.bodies.get(1) === 'ten bytes,', 'they do not come');
        assert.ok(!connection!.ended.has(1));
        connection!.send(data(1, 'I hear'), windowUpdate(1, 9));
        await until(() => connection!.ended.has(1), 'no end');
        assert.equal(connection!.bodies.get(1), 'ten bytes, and more');
        connection!.send(data(1, ' you', true));
        await until(() => got.ended, 'no end');
        assert.equal(got.text, 'I hear you');
        await until(() => lines.length === 1, 'no line');
        assert.equal(lines[0]!.flag, '');
        assert.deepEqual(connection!.resets, []);
        await proxy.settled();
      });

      test('the server has ended, and what waits for a window goes to it all the same', async (t) => {
        const { server, proxy } = await stage(t, kind, opens, [OFFER, [SETTING.initialWindowSize, 10]]);
        const client = await open(t, by, proxy.port);
        const got = reading(client.stream);
        const [connection] = server.connections;
        connection!.send(data(1, '', true));
        await until(() => got.ended, 'no end');
        client.stream.end('ten bytes, and more');
        await until(() => connection!.bodies.get(1) === 'ten bytes,', 'they do not come');
        connection!.send(windowUpdate(1, 100));
        await until(() => connection!.ended.has(1), 'no end');
        assert.equal(connection!.bodies.get(1), 'ten bytes, and more');
        assert.deepEqual(connection!.resets, []);
        await proxy.settled();
      });

      test('the client breaks off: RST_STREAM with CANCEL', async (t) => {
        const { server, proxy, lines } = await stage(t, kind, opens);
        const { stream } = await open(t, by, proxy.port);
        breakOff(stream);
        const [connection] = server.connections;
        await until(() => connection!.resets.length === 1, 'no reset');
        assert.deepEqual(connection!.resets, [{ id: 1, code: ERROR.cancel }]);
        await until(() => lines.length === 1, 'no line');
        assert.equal(lines[0]!.flag, 'client_gone');
        assert.equal((await ask(proxy.port, '/')).body, 'here');
        await proxy.settled();
      });

      const breaks: [string, (connection: FrameConnection) => void][] = [
        ['RST_STREAM', (connection) => connection.send(reset(1, ERROR.cancel))],
        ['RST_STREAM without an error', (connection) => connection.send(reset(1, 0))],
        ['the end of its connection', (connection) => connection.socket.end()],
        ['the loss of its connection', (connection) => connection.socket.destroy()],
        ['GOAWAY, and the end of its connection', (connection) => connection.socket.end(Buffer.from(goAway(1, 0)))],
        ['HEADERS in the tunnel', (connection) => connection.send(headers(1, ['x', 'y'], true))],
        ['HEADERS that do not end it', (connection) => connection.send(headers(1, OK))],
      ];
      for (const [name, doIt] of breaks) {
        test(`the server breaks it: ${name}`, async (t) => {
          const { server, proxy, lines } = await stage(t, kind, opens);
          const client = await open(t, by, proxy.port);
          const got = reading(client.stream);
          doIt(server.connections[0]!);
          await until(() => got.broken, 'it is not broken');
          assert.equal(got.ended, false);
          await until(() => lines.length === 1, 'no line');
          assert.deepEqual(
            { status: lines[0]!.status, flag: lines[0]!.flag },
            { status: 101, flag: 'reset_by_server' },
          );
          // and it is there for the next one
          assert.ok(isOpen(await open(t, by, proxy.port), by));
        });
      }

      test('GOAWAY: tunnels go on, and the next one is on another connection', async (t) => {
        const { server, proxy } = await stage(t, kind, opens);
        const first = await open(t, by, proxy.port);
        const got = reading(first.stream);
        const [connection] = server.connections;
        connection!.send(goAway(1, 0), data(1, 'still '));
        await until(() => got.text === 'still ', got.text);
        const second = await open(t, by, proxy.port);
        assert.ok(isOpen(second, by));
        assert.equal(server.connections.length, 2);
        first.stream.end('here');
        await until(() => connection!.ended.has(1), 'no end');
        assert.equal(connection!.bodies.get(1), 'here');
        connection!.send(data(1, 'there', true));
        await until(() => got.ended, 'no end');
        assert.equal(got.text, 'still there');
        // nothing is left on it
        await until(() => proxy.streamConnections().length === 1, 'the connection is left');
        breakOff(second.stream);
        await proxy.settled();
      });

      test('END_STREAM with the 2xx, whose length is nothing', async (t) => {
        const { server, proxy } = await stage(t, kind, (connection, { id }) => {
          connection.send(headers(id, [':status', '204', 'content-length', '7', 'sec-websocket-accept', 'x'], true));
        });
        const client = await open(t, by, proxy.port);
        assert.ok(isOpen(client, by), String(client.status));
        assert.equal(client.fields['content-length'], undefined);
        assert.equal(client.fields['sec-websocket-accept'], by === 'HTTP/1.1' ? ACCEPT : undefined);
        const got = reading(client.stream);
        await until(() => got.ended, 'no end');
        client.stream.end('to be heard');
        await until(() => server.connections[0]!.ended.has(1), 'no end');
        assert.equal(server.connections[0]!.bodies.get(1), 'to be heard');
        await proxy.settled();
      });
    });
  }

  test(`${kind}: what the kernel still has to take when a connection ends with its last tunnel`, async (t) => {
    const { server, proxy } = await stage(t, kind, opens, [OFFER, [SETTING.initialWindowSize, 0x7fffffff]]);
    const { stream } = await open(t, 'HTTP/1.1', proxy.port);
    const [connection] = server.connections;
    const { socket } = connection!;
    connection!.send(windowUpdate(0, 1 << 30), data(1, '', true), goAway(1, 0));
    const got = reading(stream);
    await until(() => got.ended, 'no end');
    socket.pause();
    // a reader that is slower than whoever writes
    socket.on('data', () => {
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    stream.end(Buffer.alloc(SENT, 120));
    const [carrier] = proxy.streamConnections();
    await until(() => carrier!.pending > 0, 'the kernel takes all of it');
    socket.resume();
    await until(() => connection!.ended.has(1) || socket.destroyed, 'no end');
    assert.equal(connection!.bodies.get(1)?.length, SENT);
    await until(() => socket.readableEnded, 'the connection is left');
    assert.equal(connection!.goneAway, 0);
    await proxy.settled();
  });

  test(`${kind}: while the worker drains, a tunnel goes on, and its connection ends with it`, async (t) => {
    const { server, proxy } = await stage(t, kind, opens);
    const { stream } = await open(t, 'HTTP/1.1', proxy.port);
    const got = reading(stream);
    const [connection] = server.connections;
    proxy.loop.handle({ type: 'drain' });
    connection!.send(data(1, 'still here'));
    await until(() => got.text === 'still here', got.text);
    assert.equal(connection!.goneAway, null);
    stream.end('and I');
    await until(() => connection!.ended.has(1), 'no end');
    connection!.send(data(1, '', true));
    await until(() => got.ended && connection!.socket.readableEnded, 'the connection is left');
    assert.deepEqual([connection!.bodies.get(1), connection!.goneAway], ['and I', 0]);
    await proxy.settled();
  });

  describe(`${kind}: the beginning of a tunnel`, () => {
    test('it waits for the settings; requests do not', async (t) => {
      let asked: FrameConnection | null = null;
      const { server, proxy, requests } = await stage(
        t,
        kind,
        (connection, request, nth) => {
          if (nth === 0) asked = connection;
          else opens(connection, request, nth);
        },
        null,
      );
      const tunnel = open(t, 'HTTP/1.1', proxy.port);
      const request = ask(proxy.port, '/');
      await until(() => requests.length === 1, 'the request is not on its way');
      await until(() => server.connections.length === 2, 'there is no connection for the tunnel');
      const unsettled = proxy.streamConnections().find(({ isForTunnels }) => isForTunnels)!;
      await until(() => !unsettled.connecting, 'it does not stand');
      assert.equal(unsettled.load, 1);
      for (const connection of server.connections) connection.send(settings(OFFER));
      opens(asked!, requests[0]!, 0);
      assert.equal((await request).body, 'here');
      const { stream } = await tunnel;
      assert.deepEqual(
        requests.map(({ fields }) => fields[':method']),
        ['GET', 'CONNECT'],
      );
      breakOff(stream);
      await proxy.settled();
    });

    test('settings that do not come: 504, and it is held against the server', async (t) => {
      const { proxy, requests } = await stage(t, kind, opens, null);
      const tunnel = open(t, 'HTTP/1.1', proxy.port);
      await until(() => proxy.streamConnections().some(({ connecting }) => !connecting), 'it does not stand');
      const [connection] = proxy.streamConnections();
      // more than the time to connect, as for a handshake
      assert.equal(connection!.deadline, proxy.upstreams()[0]!.deadline);
      assert.ok(connection!.deadline > proxy.loop.state.now + 5000);
      connection!.deadline = 0;
      const { status, stream } = await tunnel;
      assert.equal(status, 504);
      const got = reading(stream);
      await until(() => got.text.includes('connect_timeout'), got.text);
      assert.equal(requests.length, 0);
      assert.equal(proxy.reports.filter(({ type }) => type === 'suspect').length, 1);
      breakOff(stream);
      await proxy.settled();
    });

    test('a client that does not wait for them leaves nothing', async (t) => {
      const { proxy } = await stage(t, kind, opens, null);
      const client = net.connect(proxy.port, '127.0.0.1');
      client.write(upgradeHead());
      await until(() => proxy.streamConnections().some(({ connecting }) => !connecting), 'it does not stand');
      client.resetAndDestroy();
      await until(() => proxy.upstreams().length === 0, 'the stream is left');
      await proxy.settled();
    });

    test('it may be offered later', async (t) => {
      const { server, proxy } = await stage(t, kind, opens, []);
      const before = await open(t, 'HTTP/1.1', proxy.port);
      assert.equal(before.status, 502);
      breakOff(before.stream);
      server.connections[0]!.send(settings(OFFER));
      const [connection] = proxy.streamConnections();
      await until(() => !connection!.mustWait, 'it is not heard');
      const { status, stream } = await open(t, 'HTTP/1.1', proxy.port);
      assert.equal(status, 101);
      assert.equal(server.connections.length, 1);
      breakOff(stream);
      await proxy.settled();
    });

    for (const [name, values] of [
      ['taken back', [1, 0]],
      ['no boolean', [2]],
    ] as const) {
      test(`an offer that is ${name} ends the connection`, async (t) => {
        const { server, proxy } = await stage(t, kind, opens, [[SETTING.enableConnectProtocol, values[0]]]);
        if (values.length > 1) {
          assert.equal((await open(t, 'HTTP/1.1', proxy.port)).status, 101);
          server.connections[0]!.send(settings([SETTING.enableConnectProtocol, 0]));
        } else {
          assert.equal((await open(t, 'HTTP/1.1', proxy.port)).status, 502);
        }
        await until(() => server.connections[0]!.goneAway === ERROR.protocol, 'no GOAWAY');
        await until(() => proxy.streamConnections().length === 0, 'the connection is left');
        assert.equal(proxy.loop.state.counters.global[GLOBAL.upstreamFaults], 1);
      });
    }

    const refusals: [string, (connection: FrameConnection, id: number) => void][] = [
      ['RST_STREAM with REFUSED_STREAM', (connection, id) => connection.send(reset(id, ERROR.refusedStream))],
      ['GOAWAY', (connection) => connection.send(goAway(0, 0))],
      ['the end of the connection', (connection) => connection.socket.destroy()],
    ];
    for (const [name, refuse] of refusals) {
      test(`what was not taken up goes on another: ${name}`, async (t) => {
        const { proxy, requests } = await stage(t, kind, (connection, request, nth) => {
          if (nth === 0) refuse(connection, request.id);
          else opens(connection, request, nth);
        });
        const { status, stream } = await open(t, 'HTTP/1.1', proxy.port);
        assert.equal(status, name.startsWith('the end') ? 502 : 101);
        assert.equal(requests.length, name.startsWith('the end') ? 1 : 2);
        breakOff(stream);
      });
    }

    test('interim answers go before it', async (t) => {
      const { proxy } = await stage(t, kind, (connection, { id }) => {
        connection.send(headers(id, [':status', '103', 'link', '</a>']), headers(id, OK), data(id, 'first'));
      });
      const { status, stream } = await openByUpgrade(t, proxy.port, upgradeHead());
      assert.equal(status, 103);
      const got = reading(stream);
      await until(() => got.text.endsWith('\r\n\r\nfirst'), got.text);
      assert.match(got.text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
      breakOff(stream);
      await proxy.settled();
    });

    const none: [string, string[]][] = [
      ['101', [':status', '101']],
      ['connection', [...OK, 'connection', 'upgrade']],
      ['LF in a value', [...OK, 'x', 'a\nb: c']],
      ['no status', ['x', 'y']],
    ];
    for (const [name, fields] of none) {
      test(`an answer that is none: ${name}`, async (t) => {
        const { server, proxy } = await stage(t, kind, (connection, { id }) => connection.send(headers(id, fields)));
        const { status, stream } = await open(t, 'HTTP/1.1', proxy.port);
        assert.equal(status, 502);
        const got = reading(stream);
        await until(() => got.text.includes('bad_answer'), got.text);
        assert.deepEqual(server.connections[0]!.resets, [{ id: 1, code: ERROR.protocol }]);
        breakOff(stream);
        await proxy.settled();
      });
    }

    test('nothing said for too long either way ends it', async (t) => {
      const { server, proxy, lines } = await stage(t, kind, opens);
      const { stream } = await open(t, 'HTTP/1.1', proxy.port);
      const got = reading(stream);
      const [client] = proxy.clients();
      assert.ok(client!.deadline < Infinity);
      client!.deadline = 0;
      await until(() => got.broken, 'it goes on');
      await until(() => server.connections[0]!.resets.length === 1, 'no reset');
      assert.equal(server.connections[0]!.resets[0]!.code, ERROR.cancel);
      await until(() => lines.length === 1, 'no line');
      assert.equal(lines[0]!.flag, 'idle_timeout');
      await proxy.settled();
    });
  });
}
