/** B. Chunked coding, client → proxy: cases 23–37. RFC 9112 §7.1. */
import assert from 'node:assert/strict';

import { FIN } from './steps.ts';
import { aborted, forwarded, refused, request, show, suite, SMUGGLED, NEXT, type Case } from './suite.ts';

const post = (body: string, fields = '') => request('POST', '/a', `Transfer-Encoding: chunked\r\n${fields}`, body);

function bad(number: number, what: string, body: string, statuses: readonly number[] = [400]): Case[] {
  const name = `${number}. ${what} → ${statuses.join('/')} and close`;
  return [
    refused(name, post(body + SMUGGLED), statuses, { begun: true }),
    // The same where the head has gone to the origin before.
    refused(
      `${name} (body later)`,
      (talk) => [post('1\r\na\r\n'), () => talk.until(() => true), body + SMUGGLED],
      statuses,
      { begun: true },
    ),
  ];
}

function good(number: number, what: string, body: string, expected: string): Case {
  return forwarded(`${number}. ${what} → accepted`, post(body) + NEXT, {
    statuses: [200, 200],
    check: ([first]) => assert.equal(first!.body, expected),
  });
}

const sizes: Case[] = [
  ...[
    '1'.repeat(17),
    '0'.repeat(16) + '5',
    'ffffffffffffffff',
    '10000000000000005',
    '8000000000000005',
    'f'.repeat(400),
    '100000005'.padStart(17, '0'),
  ].flatMap((size) => bad(23, `size ${size.slice(0, 20)} (${size.length} digits)`, `${size}\r\nhello\r\n0\r\n\r\n`)),
  ...[
    '0x5',
    '0X5',
    '+5',
    '-1',
    '-0',
    '5_0',
    ' 5',
    '5 ',
    '5\t',
    '\t5',
    '',
    'zz',
    '5these',
    '5h',
    '5.0',
    '5,5',
    '"5"',
    '\xd9\xa5',
    '5\0',
    '\x0b5',
    '5\x0b',
    'g',
  ].flatMap((size) => bad(24, `size ${JSON.stringify(size)}`, `${size}\r\nhello\r\n0\r\n\r\n`)),
];

const extensions: Case[] = [
  good(25, 'extension a=b;c="d"', '5;a=b;c="d"\r\nhello\r\n0\r\n\r\n', 'hello'),
  good(25, 'extension without value', '5;a\r\nhello\r\n0;z\r\n\r\n', 'hello'),
  good(25, 'extension with a quoted pair', '5;a="x\\"y;z"\r\nhello\r\n0;a=b\r\n\r\n', 'hello'),
  good(25, 'extension that looks like a size', '5;0=0\r\nhello\r\n0;5=5\r\n\r\n', 'hello'),
  ...[
    '5;',
    '5;;a',
    '5;=x',
    '5;a=',
    '5;a b',
    '5;a@=b',
    '5;a="open',
    '5;a="x"y',
    '5;a=b;',
    '5;a=b c',
    '5;"a"=b',
    '5;a=\xe9',
    '5;(a)',
  ].flatMap((line) => bad(26, `extension ${JSON.stringify(line)}`, `${line}\r\nhello\r\n0\r\n\r\n`)),
  ...bad(27, 'an extension of 5 KB', `5;a=${'x'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`, [400, 413]),
  ...bad(27, 'extensions of 6 KB in all', `${`1;a=${'x'.repeat(60)}\r\nx\r\n`.repeat(100)}0\r\n\r\n`, [400, 413]),
  ...bad(27, 'an extension on the last chunk of 5 KB', `5\r\nhello\r\n0;a=${'x'.repeat(5000)}\r\n\r\n`, [400, 413]),
  ...[
    '5;a=b\nX',
    '5;\na',
    '5;a\rb',
    '5;\r a=b',
    '5 \r;a',
    '5;a=\rb',
    '5;a="x\0y"',
    '5;a\0',
    '5;a="x\r\ny"',
    '5;a="x\ny"',
    '5;a="x\\\ny"',
    '5;a=b\x7f',
  ].flatMap((line) => bad(28, `extension ${JSON.stringify(line)}`, `${line}\r\nhello\r\n0\r\n\r\n`)),
];

const data: Case[] = [
  ...bad(29, 'data longer than the size', '5\r\nhelloX\r\n0\r\n\r\n'),
  ...bad(29, 'data longer by a whole chunk', '5\r\nhello5\r\nhello\r\n0\r\n\r\n'),
  ...bad(29, 'data shorter than the size', '5\r\nhel\r\n0\r\n\r\n'),
  ...bad(30, 'two other bytes instead of CRLF', '5\r\nhelloXX0\r\n\r\n'),
  ...bad(30, 'LFCR instead of CRLF', '5\r\nhello\n\r0\r\n\r\n'),
  ...bad(30, 'CR and another byte', '5\r\nhello\rX0\r\n\r\n'),
  ...bad(31, 'bare LF after the size', '5\nhello\r\n0\r\n\r\n'),
  ...bad(31, 'bare LF after the data', '5\r\nhello\n0\r\n\r\n'),
  ...bad(31, 'bare LF after the last size', '5\r\nhello\r\n0\n\r\n'),
  ...bad(31, 'bare LF after a trailer', '5\r\nhello\r\n0\r\nA: b\n\r\n'),
  ...bad(31, 'bare LF at the end', '5\r\nhello\r\n0\r\n\n'),
  ...bad(31, 'bare LF throughout', '5\nhello\n0\n\n'),
  ...bad(31, 'bare CR after the size', '5\rhello\r\n0\r\n\r\n'),
  ...bad(31, 'bare CR in a trailer', '5\r\nhello\r\n0\r\nA: b\rc\r\n\r\n'),
  ...bad(31, 'CR CR LF after the size', '5\r\r\nhello\r\n0\r\n\r\n'),
  ...bad(32, 'the last chunk followed by other bytes', '5\r\nhello\r\n0\r\nXX\r\n\r\n'),
  ...bad(32, 'an extra CRLF between chunks', '5\r\nhello\r\n\r\n5\r\nhello\r\n0\r\n\r\n'),
  ...bad(32, 'an extra CRLF before the first chunk', '\r\n5\r\nhello\r\n0\r\n\r\n'),
  ...[
    '',
    '5',
    '5\r\n',
    '5\r\nhel',
    '5\r\nhello',
    '5\r\nhello\r\n',
    '5\r\nhello\r\n0',
    '5\r\nhello\r\n0\r\n',
    '5\r\nhello\r\n0\r\nA: b\r\n',
  ].map((body): Case => ({
    name: `33. end of file after ${JSON.stringify(body)} → upstream aborted, no last chunk`,
    run: async (lane) => {
      const answer = await lane.talk([post(body), FIN]);
      assert.ok(
        answer.statuses.every((status) => status === 400),
        show(answer),
      );
      await aborted(lane);
      await lane.verify(0);
    },
  })),
];

const trailers: Case[] = [
  forwarded(
    '34. trailers of a request are dropped',
    post('5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n', 'Trailer: X-Sum\r\n') + NEXT,
    {
      statuses: [200, 200],
      check: ([first]) => {
        assert.equal(first!.body, 'hello');
        assert.deepEqual(first!.trailers, []);
      },
    },
  ),
  forwarded(
    '34. framing, routing and credential fields in trailers are dropped',
    post(
      '5\r\nhello\r\n0\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nAuthorization: evil\r\nCookie: evil\r\nContent-Type: evil\r\nConnection: close\r\nX-Forwarded-For: evil\r\n\r\n',
    ) + NEXT,
    {
      statuses: [200, 200],
      check: ([first]) => {
        assert.equal(first!.body, 'hello');
        assert.deepEqual(first!.trailers, []);
      },
    },
  ),
  ...[
    ['client said TE: trailers', 'TE: trailers\r\nConnection: TE\r\n', ['x-sum']],
    ['client did not', '', []],
    ['client said TE: gzip', 'TE: gzip\r\nConnection: TE\r\n', []],
  ].map(([what, fields, names]) =>
    forwarded(`34. trailers of an answer, ${String(what)}`, request('GET', '/a', String(fields)) + NEXT, {
      statuses: [200, 200],
      origin: (origin) => {
        origin.onRequest = (exchange) =>
          exchange.send(
            'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: evil\r\nAuthorization: evil\r\nCookie: evil\r\nContent-Encoding: evil\r\nConnection: evil\r\nX-Forwarded-Proto: evil\r\n\r\n',
          );
      },
      check: (_requests, answer) => {
        assert.equal(answer.answers[0]!.body, 'hello');
        assert.deepEqual(
          answer.answers[0]!.trailers.map((field) => field.name),
          names,
        );
        assert.equal(answer.text.includes('evil'), false);
      },
    }),
  ),
  ...bad(35, 'a trailer of 20 KB', `5\r\nhello\r\n0\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`, [431, 400]),
  ...bad(35, '1,000 trailers', `5\r\nhello\r\n0\r\n${'A: b\r\n'.repeat(1000)}\r\n`, [431, 400]),
  ...bad(35, 'a trailer without colon', '5\r\nhello\r\n0\r\nnonsense\r\n\r\n'),
  ...bad(35, 'white space before the colon of a trailer', '5\r\nhello\r\n0\r\nA : b\r\n\r\n'),
  ...bad(35, 'a folded trailer', '5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n'),
  ...bad(35, 'NUL in a trailer', '5\r\nhello\r\n0\r\nA: b\0\r\n\r\n'),
];

const many = 1_000_000;
const rest: Case[] = [
  forwarded(
    '36. 1,000,000 chunks of one byte → forwarded, coalesced',
    [post(''), Buffer.from('1\r\nx\r\n'.repeat(many)), '0\r\n\r\n'],
    {
      patience: 15_000,
      check: ([first]) => {
        assert.equal(first!.length, many);
        assert.ok(first!.chunks < many / 4, `${first!.chunks} chunks at the origin`);
      },
    },
  ),
  good(37, 'size A', 'A\r\n0123456789\r\n0\r\n\r\n', '0123456789'),
  good(37, 'size a', 'a\r\n0123456789\r\n0\r\n\r\n', '0123456789'),
  good(37, 'size 00a, last 000', '00a\r\n0123456789\r\n000\r\n\r\n', '0123456789'),
  good(37, 'size of 16 digits', '000000000000000a\r\n0123456789\r\n0000000000000000\r\n\r\n', '0123456789'),
  ...bad(37, 'size 2^53', '20000000000000\r\nhello\r\n0\r\n\r\n'),
  {
    name: '37. size 2^53−1 is a size',
    run: async (lane) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      lane.origin.onHead = () => resolve();
      const answer = await lane.talk([post(`1fffffffffffff\r\n${'x'.repeat(1000)}`), () => promise, FIN]);
      assert.ok(
        answer.statuses.every((status) => status === 400),
        show(answer),
      );
      await aborted(lane);
      await lane.verify(0);
    },
  },
];

suite('B. chunked coding', [...sizes, ...extensions, ...data, ...trailers, ...rest]);
