/** Streams that were not taken up or were broken off, windows, and servers that stop: in plain text and through TLS. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ERROR, FRAME } from '../../http2/frames.ts';
import { frame } from '../../http2/testing.ts';
import { ask } from './fixture.ts';
import {
  data,
  goAway,
  headers,
  reset,
  settings,
  windowUpdate,
  type FrameConnection,
  type SeenRequest,
} from './frame-server.ts';
import { until } from './in-process.ts';
import { frameStage, KINDS, type Serve } from './stream-servers.ts';

const OK = [':status', '200'];
const PING = frame(FRAME.ping, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]);

/** The second request of all breaks its connection. */
const breaksOnce: Serve = (connection, { id }, nth) => {
  if (nth === 1) connection.socket.destroy();
  else connection.send(headers(id, OK), data(id, 'well', true));
};

for (const kind of KINDS) {
  describe(`${kind}: what was not taken up goes elsewhere, whatever it is`, () => {
    const post = { method: 'POST', body: 'once' };

    test('RST_STREAM with REFUSED_STREAM', async (t) => {
      const { server, proxy, requests } = await frameStage(t, kind, (connection, { id }, nth) => {
        if (nth === 0) connection.send(reset(id, ERROR.refusedStream));
        else connection.send(headers(id, OK), data(id, 'well', true));
      });
      assert.equal((await ask(proxy.port, '/', post)).body, 'well');
      assert.equal(requests(), 2);
      assert.deepEqual(
        proxy.reports.filter(({ type }) => type === 'suspect'),
        [],
      );
      assert.ok(server.connections.some(({ bodies }) => [...bodies.values()].includes('once')));
      await proxy.settled();
    });

    test('GOAWAY: streams above its last one on another connection, those below are answered', async (t) => {
      const seen: [FrameConnection, SeenRequest][] = [];
      const { server, proxy } = await frameStage(t, kind, (connection, request) => {
        if (connection !== server.connections[0])
          connection.send(headers(request.id, OK), data(request.id, 'again', true));
        else seen.push([connection, request]);
      });
      const all = Array.from({ length: 4 }, () => ask(proxy.port, '/', post));
      await until(() => seen.length === 4, 'they are not there');
      const [connection] = seen[0]!;
      connection.send(goAway(3, 0), headers(1, OK), data(1, 'first', true), headers(3, OK), data(3, 'first', true));
      const bodies = (await Promise.all(all)).map(({ body }) => body);
      assert.deepEqual(bodies.toSorted(), ['again', 'again', 'first', 'first']);
      assert.equal(server.connections.length, 2);
      await until(() => proxy.streamConnections().length === 1, 'the connection that was sent away is left');
      await proxy.settled();
    });

    test('a connection that breaks: what may not be done twice is not', async (t) => {
      const { proxy, requests } = await frameStage(t, kind, breaksOnce);
      assert.equal((await ask(proxy.port, '/')).body, 'well');
      const answer = await ask(proxy.port, '/', post);
      assert.equal(answer.status, 502);
      assert.match(answer.body, /reset_by_server/);
      assert.equal(requests(), 2);
      await proxy.settled();
    });

    test('a connection that breaks: what may be done twice is', async (t) => {
      const { proxy, requests } = await frameStage(t, kind, breaksOnce);
      assert.equal((await ask(proxy.port, '/')).body, 'well');
      assert.equal((await ask(proxy.port, '/')).body, 'well');
      assert.equal(requests(), 3);
      await proxy.settled();
    });
  });

  describe(`${kind}: flow control`, () => {
    test('not a byte more than the server takes: of the stream, of the connection, of a window that shrinks', async (t) => {
      const { server, proxy } = await frameStage(t, kind, () => {});
      const body = 'x'.repeat(200_000);
      const answer = ask(proxy.port, '/', { method: 'POST', body });
      const got = () => server.connections[0]?.bodies.get(1)?.length ?? 0;
      await until(() => got() === 65_535, 'not what it takes');
      const connection = server.connections[0]!;
      // the connection takes more, the stream does not
      connection.send(windowUpdate(0, 1_000_000));
      connection.send(PING);
      await until(() => connection.pongs === 1, 'no answer to PING');
      assert.equal(got(), 65_535);
      connection.send(windowUpdate(1, 1000));
      await until(() => got() === 66_535, 'not a thousand more');
      // a first window of 1000: the stream owes 64,535 now
      connection.send(settings([4, 1000]), windowUpdate(1, 64_536), PING);
      await until(() => connection.pongs === 2, 'no answer to the second PING');
      assert.equal(got(), 66_536);
      connection.send(windowUpdate(1, 1_000_000));
      await until(() => got() === 200_000, 'the rest does not come');
      connection.send(headers(1, OK), data(1, 'taken', true));
      assert.equal((await answer).body, 'taken');
      await proxy.settled();
    });

    test('a server is given more as the client reads, of the stream and of the connection', async (t) => {
      const { server, proxy } = await frameStage(t, kind, (connection, { id }) => {
        connection.send(headers(id, OK));
        for (let i = 0; i < 6; i++) connection.send(data(id, 'x'.repeat(16_384)));
      });
      const answer = ask(proxy.port, '/');
      await until(() => server.connections[0]?.windows.some(({ id }) => id === 1) === true, 'nothing is given');
      const connection = server.connections[0]!;
      const first = connection.windows.find(({ id }) => id === 1)!;
      assert.ok(first.bytes >= 65_536 && first.bytes <= 6 * 16_384, `${first.bytes}`);
      connection.send(data(1, '', true));
      assert.equal((await answer).body.length, 6 * 16_384);
      await proxy.settled();
    });

    test('where no connection takes another stream, it waits for one to end', async (t) => {
      const seen: [FrameConnection, number][] = [];
      const { server, proxy } = await frameStage(t, kind, (connection, { id }) => {
        if (seen.push([connection, id]) <= 16) connection.send(settings([3, 1]));
      });
      const all: Promise<{ body: string }>[] = [];
      for (let i = 0; i < 18; i++) {
        all.push(ask(proxy.port, '/'));
        if (i >= 16) continue;
        await until(() => seen.length === i + 1, `request ${i} is not there`);
        await until(() => proxy.streamConnections().every(({ room }) => room === 0), 'the limit is not known');
      }
      await until(() => proxy.upstreams().filter(({ connecting }) => connecting).length === 2, 'none waits');
      assert.equal(server.connections.length, 16);
      for (let i = 0; i < 18; i++) {
        await until(() => seen.length > i, `request ${i} does not go`);
        const [connection, id] = seen[i]!;
        connection.send(headers(id, OK), data(id, 'done', true));
      }
      for (const { body } of await Promise.all(all)) assert.equal(body, 'done');
      await proxy.settled();
    });
  });

  test(`${kind}: a server that has stopped: its request is 504, and the next one goes by another connection`, async (t) => {
    const { server, proxy } = await frameStage(
      t,
      kind,
      (connection, { id }) => {
        if (connection === server.connections[0]) connection.socket.pause();
        else connection.send(headers(id, OK), data(id, 'well', true));
      },
      { rule: { timeouts: { request: 200, connect: 1000, idle: 10_000 } } },
    );
    assert.equal((await ask(proxy.port, '/')).status, 504);
    await until(() => proxy.streamConnections().length === 0, 'the connection is left');
    assert.equal((await ask(proxy.port, '/')).body, 'well');
    await proxy.settled();
  });
}
