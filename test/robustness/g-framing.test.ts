/** G. Answers of servers, which are not trusted either: framing and endings, cases 97–100. RFC 9112 §6.3, §8. */
import assert from 'node:assert/strict';

import { valuesOf } from './checker.ts';
import { type Conversation } from './client.ts';
import { first, ask, bad, broken, head, pause } from './servers.ts';
import { FIN, RST } from './steps.ts';
import { request, show, suite, NEXT, type Case } from './suite.ts';

const framing: Case[] = [
  bad(
    '97. CL and TE',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ),
  bad('97. TE and CL', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n'),
  bad('97. two Content-Length, different', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'),
  bad('97. two Content-Length, different, in a list', 'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!'),
  ...['abc', '-5', '+5', '5 5', '', '0x5', '9'.repeat(30), '5;'].map((value) =>
    bad(`97. Content-Length ${JSON.stringify(value)}`, `HTTP/1.1 200 OK\r\nContent-Length: ${value}\r\n\r\nhello`),
  ),
  ...['gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', 'chunked, gzip', ''].map((value) =>
    bad(
      `97. Transfer-Encoding ${JSON.stringify(value)}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${value}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ),
  ),
  bad(
    '97. two Transfer-Encoding',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ),
  bad(
    '97. Transfer-Encoding in HTTP/1.0',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ),
  {
    name: '97. two Content-Length, same → one, or 502',
    run: async (lane) => {
      first(lane, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello');
      const answer = await ask(lane);
      assert.deepEqual(answer.reader.problems, []);
      assert.ok([200, 502].includes(answer.statuses[0]!), show(answer));
    },
  },
  ...[
    'zz\r\nhello\r\n0\r\n\r\n',
    '5 \r\nhello\r\n0\r\n\r\n',
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhelloXX0\r\n\r\n',
    'ffffffffffffffff\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n-1\r\n\r\n',
    '5;\r\nhello\r\n0\r\n\r\n',
    '\r\n5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nbad trailer\r\n\r\n',
  ].flatMap((chunks) =>
    broken(
      `97. bad chunk ${JSON.stringify(chunks.slice(0, 22))}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
    ),
  ),
];

function bodyless(
  name: string,
  method: string,
  text: string,
  check: (answer: Conversation) => void,
  extra: boolean,
): Case {
  return {
    name: `98. ${name}`,
    run: async (lane) => {
      first(lane, text);
      const answer = await lane.talk(
        (talk) => [
          request(method, '/a'),
          () => talk.until(() => talk.answers.length > 0),
          NEXT,
          () => talk.until(() => talk.answers.length === 2),
          FIN,
        ],
        { methods: [method] },
      );
      assert.deepEqual(answer.reader.problems, []);
      assert.deepEqual(answer.statuses, [Number(text.slice(9, 12)), 200], show(answer));
      assert.equal(answer.text.includes('hello'), false, show(answer));
      check(answer);
      if (extra) await lane.origin.connections[0]!.closed;
      await lane.verify(2);
    },
  };
}

const lengthOf = (answer: Conversation) => valuesOf(answer.answers[0]!, 'content-length');
const bodyLess: Case[] = [
  bodyless(
    'HEAD: Content-Length stays, no body',
    'HEAD',
    'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
    (answer) => assert.deepEqual(lengthOf(answer), ['1234']),
    false,
  ),
  bodyless(
    'HEAD with chunked, no body',
    'HEAD',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    () => {},
    false,
  ),
  bodyless('HEAD without framing, no body', 'HEAD', 'HTTP/1.1 200 OK\r\n\r\n', () => {}, false),
  bodyless(
    'HEAD with a body all the same → not relayed, upstream closed',
    'HEAD',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    () => {},
    true,
  ),
  bodyless('204 without framing', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', () => {}, false),
  bodyless(
    '204 with Content-Length: 0 → stripped',
    'GET',
    'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    (answer) => assert.deepEqual(lengthOf(answer), []),
    false,
  ),
  bodyless(
    '204 with a body → stripped, upstream closed',
    'GET',
    'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
    (answer) => assert.deepEqual(lengthOf(answer), []),
    true,
  ),
  bodyless(
    '304 with Content-Length, no body',
    'GET',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    () => {},
    false,
  ),
  bodyless(
    '304 with a body → stripped, upstream closed',
    'GET',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello',
    () => {},
    true,
  ),
  bodyless(
    '304 with chunked body → stripped, upstream closed',
    'GET',
    'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    () => {},
    true,
  ),
];

const endings: Case[] = (
  [
    ['FIN', FIN],
    ['RST', RST],
  ] as const
).flatMap(([label, end]) => [
  ...broken(`99. ${label} before any byte`, end),
  ...broken(`99. ${label} within the status line`, 'HTTP/1.1 2', end),
  ...broken(`99. ${label} within the head`, 'HTTP/1.1 200 OK\r\nContent-Le', end),
  ...broken(`99. ${label} after the head, with Content-Length`, head('Content-Length: 5\r\n'), pause, end),
  ...broken(`99. ${label} within a body of declared length`, `${head('Content-Length: 5\r\n')}hel`, pause, end),
  ...broken(
    `99. ${label} within a long body of declared length`,
    `${head('Content-Length: 1000000\r\n')}${'x'.repeat(500_000)}`,
    pause,
    end,
  ),
  ...broken(`99. ${label} after the head, chunked`, head('Transfer-Encoding: chunked\r\n'), pause, end),
  ...broken(`99. ${label} within a chunk`, `${head('Transfer-Encoding: chunked\r\n')}5\r\nhel`, pause, end),
  ...broken(`99. ${label} between chunks`, `${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n`, pause, end),
  ...broken(
    `99. ${label} within the last chunk`,
    `${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\n`,
    pause,
    end,
  ),
  ...broken(
    `99. ${label} within the trailers`,
    `${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\nX: y\r\n`,
    pause,
    end,
  ),
  ...broken(`99. ${label} in the segment of the beginning`, `${head('Content-Length: 5\r\n')}hel`, end),
]);

const delimited: Case[] = [
  ...[head(''), head('Connection: close\r\n'), 'HTTP/1.0 200 OK\r\n\r\n'].map((text): Case => ({
    name: `100. ended by FIN (${JSON.stringify(text.slice(0, 40))}) → whole at the client`,
    run: async (lane) => {
      first(lane, `${text}hello`, pause, ' world', FIN);
      const answer = await ask(lane);
      assert.deepEqual(answer.reader.problems, []);
      assert.equal(answer.answers[0]?.body, 'hello world', show(answer));
      assert.equal(answer.answers[0]?.framing, 'chunked', 'chunked to a client of 1.1');
    },
  })),
  {
    name: '100. an empty body ended by FIN',
    run: async (lane) => {
      first(lane, head(''), FIN);
      const answer = await ask(lane);
      assert.deepEqual(answer.statuses, [200], show(answer));
      assert.equal(answer.answers[0]!.length, 0);
    },
  },
  ...broken('100. body without length, ended by RST', `${head('')}hello`, pause, RST),
];

suite('G. framing and endings of answers', [...framing, ...bodyLess, ...endings, ...delimited]);
