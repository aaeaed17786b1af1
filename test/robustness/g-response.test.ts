/** G. Answers of servers: heads, pools, limits, cases 101–107. RFC 9112 §6.3, §8. */
import assert from 'node:assert/strict';

import { valuesOf } from './checker.ts';
import { OK } from './origin.ts';
import { GET, POISON, first, ask, dropped, bad, assertError, head, pause } from './servers.ts';
import { FIN, RST } from './steps.ts';
import { either, forwarded, request, show, suite, NEXT, type Case, type Step } from './suite.ts';

const statusLines: Case[] = [
  ...[
    'HTTP/1.1 99 OK',
    'HTTP/1.1 1000 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000',
    'HTTP/1.1 200OK',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 000 OK',
    'HTTP/1.1',
    'HTTP/2 200',
    'HTTP/2.0 200 OK',
    'HTTP/0.9 200 OK',
    'HTTP/1.1x 200 OK',
    'http/1.1 200 OK',
    'ICY 200 OK',
    'HTTP/1 200 OK',
    '200 OK',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 O\x7fK',
    '\r\nHTTP/1.1 200 OK',
  ].map((line) =>
    line.startsWith('\r\n')
      ? ({
          name: '101. CRLF before the status line → skipped, or 502',
          run: async (lane) => {
            first(lane, `${line}\r\nContent-Length: 0\r\n\r\n`);
            const answer = await ask(lane);
            assert.deepEqual(answer.reader.problems, []);
            assert.ok([200, 502].includes(answer.statuses[0]!), show(answer));
          },
        } satisfies Case)
      : bad(`101. status line ${JSON.stringify(line)}`, `${line}\r\nContent-Length: 0\r\n\r\n`),
  ),
  bad('101. HTML', '<html><body>hello</body></html>\r\n\r\n'),
  bad('101. binary', '\x16\x03\x01\x02\0\r\n\r\n'),
  ...[
    'HTTP/1.1 200',
    'HTTP/1.1 200 ',
    'HTTP/1.1 200 \t x',
    'HTTP/1.1 200 caf\xe9',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 299 x',
    'HTTP/1.1 599 x',
  ].map((line) =>
    forwarded(`101. status line ${JSON.stringify(line)} is accepted`, GET, {
      statuses: [Number(line.slice(9, 12))],
      origin: (origin) => {
        origin.onRequest = (exchange) =>
          exchange.send(`${line}\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok`);
      },
      check: (_requests, answer) => assert.equal(answer.answers[0]!.body, 'ok'),
    }),
  ),
];

const fields: Case[] = [
  ...[
    'X: a\rb',
    'X: a\nb',
    'X: a\0b',
    'X: a\x0bb',
    'X: a\x7fb',
    'X\0: a',
    ': a',
    'nonsense',
    'X Y: a',
    'X\x80: a',
    'X: a\r',
    '(X): a',
  ].map((line) => bad(`102. field ${JSON.stringify(line)}`, `HTTP/1.1 200 OK\r\n${line}\r\nContent-Length: 0\r\n\r\n`)),
  ...[
    ['HTTP/1.1 200 OK\nContent-Length: 0\n\n', 'LF throughout'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n', 'LF after a field'],
    [`HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 0\r\n\r\n`, 'white space before the first field'],
  ].map(([text, what]) => bad(`102. ${what}`, text!)),
  ...[
    ['obs-fold', 'X: a\r\n b\r\n', /^X: a +b$/im],
    ['white space before the colon', 'X : a\r\n', /^X: a$/im],
  ].map(([what, line, right]): Case => ({
    name: `102. ${String(what)} → mended, or 502`,
    run: async (lane) => {
      first(lane, `HTTP/1.1 200 OK\r\n${String(line)}Content-Length: 2\r\n\r\nok`);
      const answer = await ask(lane);
      assert.deepEqual(answer.reader.problems, []);
      await either(
        () => {
          assert.deepEqual(answer.statuses, [200], show(answer));
          assert.match(answer.text, right as RegExp);
        },
        () => assert.deepEqual(answer.statuses, [502], show(answer)),
      );
    },
  })),
  bad(
    '102. white space before the colon of Content-Length and another one',
    'HTTP/1.1 200 OK\r\nContent-Length : 5\r\nContent-Length: 2\r\n\r\nhello',
  ),
];

const pools: Case[] = [
  ...[POISON, 'x', '\r\n', 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'].map((text): Case => ({
    name: `103. ${JSON.stringify(text.slice(0, 20))} on an idle pooled connection → destroyed, the next answer is right`,
    run: async (lane) => {
      const answer = await lane.talk(
        (talk) => [
          request('GET', '/one'),
          () => talk.until(() => talk.answers.length === 1),
          async () => {
            const [connection] = lane.origin.connections;
            connection!.socket.write(text, 'latin1');
            await connection!.closed;
          },
          request('GET', '/two'),
        ],
        { answers: 2 },
      );
      assert.deepEqual(
        answer.answers.map((message) => message.body),
        ['ok', 'ok'],
        show(answer),
      );
      assert.equal(lane.origin.connections.length, 2);
      await lane.verify(2);
    },
  })),
  ...[
    [POISON, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['x', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    [POISON, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    [POISON, 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ].map(([extra, text]): Case => ({
    name: `104. ${JSON.stringify(extra!.slice(0, 8))} behind ${JSON.stringify(text!.slice(9, 40))} → dropped with its connection`,
    run: async (lane) => {
      first(lane, text! + extra!);
      const answer = await lane.talk((talk) => [GET, () => talk.until(() => talk.answers.length === 1), NEXT], {
        answers: 2,
      });
      assert.deepEqual(answer.reader.problems, []);
      assert.deepEqual(answer.statuses, [Number(text!.slice(9, 12)), 200], show(answer));
      assert.equal(answer.text.includes('poison'), false, show(answer));
      await lane.origin.connections[0]!.closed;
      await lane.verify(2);
    },
  })),
  {
    name: '104. the same with pipelined requests',
    run: async (lane) => {
      first(lane, OK + POISON);
      const answer = await lane.talk(GET + NEXT + NEXT, { answers: 3 });
      assert.deepEqual(
        answer.answers.map((message) => message.body),
        ['ok', 'ok', 'ok'],
        show(answer),
      );
      await lane.verify(3);
    },
  },
];

/** Sends for as long as the proxy lets it. */
function endless(piece: string): Step[] {
  const bytes = Buffer.alloc(1 << 16, piece);
  return Array.from({ length: 2000 }, () => bytes);
}

const LONG_HEAD = `HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(1000)}\r\n`.repeat(70)}Content-Length: 0\r\n\r\n`;

const limits: Case[] = [
  bad('105. a head of 70 KB', LONG_HEAD),
  bad('105. a head of 70 KB, 40 KB of it first', LONG_HEAD.slice(0, 40_000), pause, LONG_HEAD.slice(40_000)),
  bad('105. one field of 100 KB', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`),
  bad('105. 300 fields', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(300)}Content-Length: 0\r\n\r\n`),
  bad('105. a status line of 100 KB', `HTTP/1.1 200 ${'x'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`),
  ...[
    ['interim answers', '', 'HTTP/1.1 103 x\r\n\r\n'],
    ['head', 'HTTP/1.1 200 OK\r\n', 'X: y\r\n'],
    ['field', 'HTTP/1.1 200 OK\r\nX: ', 'y'],
  ].map(([what, begin, piece]): Case => ({
    name: `105. endless ${what} → 502, upstream closed`,
    run: async (lane) => {
      first(lane, begin!, ...endless(piece!));
      const answer = await ask(lane);
      assert.deepEqual(answer.statuses, [502], show(answer));
      await dropped(lane);
    },
  })),
  {
    name: '105. endless trailers → an error at the client, upstream closed',
    run: async (lane) => {
      first(lane, `${head('Transfer-Encoding: chunked\r\n')}2\r\nok\r\n0\r\n`, ...endless('X: y\r\n'));
      assertError(await ask(lane));
      await dropped(lane);
    },
  },
  {
    name: '105. a head that stops in the middle → 504 at the timeout',
    options: { timeouts: { request: 500 } },
    run: async (lane) => {
      first(lane, 'HTTP/1.1 200 OK\r\nX: ');
      const answer = await ask(lane);
      assert.deepEqual(answer.statuses, [504], show(answer));
      await lane.origin.connections[0]!.closed;
    },
  },
  forwarded('105. 90 fields and 15 KB pass', GET, {
    origin: (origin) => {
      origin.onRequest = (exchange) =>
        exchange.send(`HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(160)}\r\n`.repeat(90)}Content-Length: 0\r\n\r\n`);
    },
    check: (_requests, answer) => assert.equal(valuesOf(answer.answers[0]!, 'x').length, 90),
  }),
  forwarded('106. several Set-Cookie keep their order and are not joined', GET, {
    origin: (origin) => {
      origin.onRequest = (exchange) =>
        exchange.send(
          `HTTP/1.1 200 OK\r\nSet-Cookie: b=1; Path=/, x\r\nX: y\r\nset-cookie: a=2\r\nSet-Cookie: b=3\r\nContent-Length: 0\r\n\r\n`,
        );
    },
    check: (_requests, answer) =>
      assert.deepEqual(valuesOf(answer.answers[0]!, 'set-cookie'), ['b=1; Path=/, x', 'a=2', 'b=3']),
  }),
];

/** On a connection that has served one request, the second is not answered: the server closed it while idle. */
function stale(name: string, end: typeof FIN | typeof RST, sent: string, status: readonly number[]): Case {
  return {
    name: `107. ${name}`,
    run: async (lane) => {
      let attempts = 0;
      lane.origin.onRequest = (exchange) => {
        if (exchange.target === '/warm') return exchange.send(OK);
        attempts++;
        return exchange.connection.reader.messages.length > 1 ? exchange.send(end) : exchange.send(OK);
      };
      const answer = await lane.talk(
        (talk) => [request('GET', '/warm'), () => talk.until(() => talk.answers.length === 1), sent],
        { answers: 2 },
      );
      assert.equal(answer.statuses[0], 200);
      assert.ok(status.includes(answer.statuses[1]!), show(answer));
      assert.equal(attempts, status.includes(200) ? 2 : 1, 'how often the server saw it');
    },
  };
}

const races: Case[] = [
  stale('FIN instead of an answer on a reused connection: GET is retried', FIN, request('GET', '/a'), [200]),
  stale('RST instead of an answer on a reused connection: GET is retried', RST, request('GET', '/a'), [200]),
  stale(
    'FIN on a reused connection: PUT with a small body is retried',
    FIN,
    request('PUT', '/a', 'Content-Length: 5\r\n', 'hello'),
    [200],
  ),
  stale(
    'FIN on a reused connection: POST is not retried',
    FIN,
    request('POST', '/a', 'Content-Length: 5\r\n', 'hello'),
    [502],
  ),
  stale(
    'RST on a reused connection: POST is not retried',
    RST,
    request('POST', '/a', 'Content-Length: 5\r\n', 'hello'),
    [502],
  ),
  {
    name: '107. FIN in the middle of the answer is never retried',
    run: async (lane) => {
      first(lane, 'HTTP/1.1 200 OK\r\nContent-', FIN);
      const answer = await ask(lane);
      assert.deepEqual(answer.statuses, [502], show(answer));
      assert.equal(lane.origin.requests.length, 1);
    },
  },
];

suite('G. heads of answers, pools, limits', [...statusLines, ...fields, ...pools, ...limits, ...races]);
