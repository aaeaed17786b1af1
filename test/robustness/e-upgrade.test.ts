/** E. Upgrades: cases 80–84. RFC 9110 §7.6.1, §7.8; RFC 9112 §9. */
import assert from 'node:assert/strict';

import { valuesOf } from './checker.ts';
import { OK, type Exchange, type Origin } from './origin.ts';
import { FIN } from './steps.ts';
import { assertRefusal, bounded, either, forwarded, request, show, suite, SMUGGLED, NEXT, type Case } from './suite.ts';

const answers = (text: string) => (origin: Origin) => {
  origin.onRequest = (exchange: Exchange) => exchange.send(text);
};

const upgradeRequest = (more = '') =>
  request(
    'GET',
    '/ws',
    `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}`,
  );
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';

/** No Upgrade reaches the origin: a plain request; or it is refused. */
function notUpgraded(name: string, sent: string, requests = 1): Case {
  return {
    name,
    run: async (lane) => {
      const answer = await lane.talk((talk) => [sent, () => talk.until(() => talk.answers.length === requests), FIN]);
      await either(
        async () => {
          assert.deepEqual(
            answer.statuses,
            Array.from({ length: requests }, () => 200),
            show(answer),
          );
          await lane.verify(requests);
          for (const { fields } of lane.origin.requests) {
            assert.deepEqual(
              fields
                .filter((field) => field.name === 'upgrade' || field.name === 'http2-settings')
                .map((field) => field.raw),
              [],
            );
          }
        },
        () => assertRefusal(answer, [400]),
      );
    },
  };
}

const upgrades: Case[] = [
  ...['h2c', 'H2C', 'h2c, websocket', 'foo, h2c', 'h2c/1', ' h2c '].map((value) =>
    forwarded(
      `80. Upgrade: ${value} with HTTP2-Settings is stripped`,
      request(
        'GET',
        '/a',
        `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${value}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n`,
      ) + NEXT,
      {
        statuses: [200, 200],
        check: ([first]) => {
          assert.deepEqual(valuesOf(first!, 'http2-settings'), []);
          assert.equal(valuesOf(first!, 'upgrade').join().toLowerCase().includes('h2c'), false);
        },
      },
    ),
  ),
  forwarded(
    '80. two Upgrade fields, one of them h2c',
    request('GET', '/a', 'Connection: Upgrade\r\nUpgrade: foo\r\nUpgrade: h2c\r\n'),
    {
      check: ([first]) => assert.deepEqual(valuesOf(first!, 'upgrade'), []),
    },
  ),
  notUpgraded(
    '81. websocket via POST',
    request('POST', '/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n') + NEXT,
    2,
  ),
  notUpgraded(
    '81. websocket in HTTP/1.0',
    'GET /ws HTTP/1.0\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ),
  notUpgraded('81. websocket without Connection: upgrade', request('GET', '/ws', 'Upgrade: websocket\r\n') + NEXT, 2),
  notUpgraded(
    '81. websocket with a body',
    request('GET', '/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n', 'hello') + NEXT,
    2,
  ),
  notUpgraded(
    '81. websocket with a chunked body',
    request(
      'GET',
      '/ws',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n',
      '5\r\nhello\r\n0\r\n\r\n',
    ) + NEXT,
    2,
  ),
  ...['foo', 'foo/1', 'TLS/1.0', 'HTTP/2.0', 'websocketx', 'connect-udp'].map((value) =>
    notUpgraded(
      `82. Upgrade: ${value} is stripped`,
      request('GET', '/a', `Connection: Upgrade\r\nUpgrade: ${value}\r\n`) + NEXT,
      2,
    ),
  ),
  {
    name: '83. an upgrade works: bytes flow both ways after 101, both ends close',
    run: async (lane) => {
      lane.origin.onHead = async ({ connection }) => {
        connection.reader.tunnel();
        connection.socket.write(`${SWITCH}from origin`);
        await lane.origin.until(() => connection.reader.tunnelled === 'from client');
        connection.socket.end('bye');
      };
      lane.origin.onRequest = () => {};
      const answer = await lane.talk((talk) => [
        upgradeRequest(),
        () => talk.until(() => talk.text.includes('from origin')),
        'from client',
      ]);
      assert.equal(answer.ended, 'fin');
      assert.equal(answer.reader.messages[0]!.start[1], '101', show(answer));
      assert.ok(answer.text.endsWith('\r\n\r\nfrom originbye'), show(answer));
      const { fields } = lane.origin.started[0]!;
      assert.ok(fields.some((field) => field.name === 'upgrade' && field.value.toLowerCase() === 'websocket'));
      assert.ok(fields.some((field) => field.name === 'connection' && field.value.toLowerCase() === 'upgrade'));
    },
  },
  {
    name: '83. bytes after an Upgrade head are held; the answer is 200, so they are the next request',
    run: async (lane) => {
      lane.origin.onRequest = async (exchange) => {
        if (exchange.target === '/ws') {
          await new Promise((resolve) => {
            setTimeout(resolve, 100);
          });
          assert.equal(exchange.connection.reader.partial, 'no', 'bytes before the answer');
        }
        await exchange.send(OK);
      };
      const answer = await lane.talk(upgradeRequest() + NEXT, { answers: 2 });
      assert.deepEqual(answer.statuses, [200, 200], show(answer));
      await lane.verify(2);
    },
  },
  {
    name: '83. the same, the bytes are no request → 200, then 400; never tunnelled',
    run: async (lane) => {
      const answer = await lane.talk(`${upgradeRequest()}\x81\x05hello${SMUGGLED}`);
      assertRefusal(answer, [400], { before: 1 });
      await lane.verify(1);
    },
  },
  {
    name: '83. the answer is 101: what was held comes first',
    run: async (lane) => {
      const early = `\x81\x05hello${SMUGGLED}`;
      let before = '';
      lane.origin.onHead = async ({ connection }) => {
        connection.reader.tunnel();
        await new Promise((resolve) => {
          setTimeout(resolve, 100);
        });
        before = connection.reader.tunnelled;
        connection.socket.write(SWITCH);
        await lane.origin.until(() => connection.reader.tunnelled.length >= early.length);
        connection.socket.end();
      };
      lane.origin.onRequest = () => {};
      const answer = await lane.talk(upgradeRequest() + early);
      assert.equal(answer.ended, 'fin');
      assert.equal(before, '', 'bytes before 101');
      assert.equal(lane.origin.connections[0]!.reader.tunnelled, early);
    },
  },
  {
    name: '83. what is held is bounded',
    options: { timeouts: { request: 1500 } },
    run: (lane) => bounded(lane, upgradeRequest()),
  },
  {
    name: '84. 101 without an Upgrade request → 502, closed',
    run: async (lane) => {
      answers(`${SWITCH}tunnel`)(lane.origin);
      const answer = await lane.talk((talk) => [
        request('GET', '/a'),
        () => talk.until(() => talk.answers.length > 0),
        FIN,
      ]);
      assert.deepEqual(answer.statuses, [502], show(answer));
      await lane.origin.connections[0]!.closed;
      assert.equal(answer.text.includes('tunnel'), false);
    },
  },
  {
    name: '84. 101 to another protocol → 502, closed',
    run: async (lane) => {
      answers('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\ntunnel')(lane.origin);
      const answer = await lane.talk((talk) => [
        upgradeRequest(),
        () => talk.until(() => talk.answers.length > 0),
        FIN,
      ]);
      assert.deepEqual(answer.statuses, [502], show(answer));
      await lane.origin.connections[0]!.closed;
      assert.equal(answer.text.includes('tunnel'), false);
    },
  },
];

suite('E. upgrades', upgrades);
