/** A. Message framing, client → proxy: cases 1–21. RFC 9112 §6. */
import assert from 'node:assert/strict';

import { type Message } from './checker.ts';
import { FIN, RST } from './steps.ts';
import {
  assertRefusal,
  aborted,
  either,
  forwarded,
  refused,
  request,
  show,
  suite,
  SMUGGLED,
  NEXT,
  type Case,
} from './suite.ts';

/** POST with a body of 5 in chunked coding; what follows must not be read as a request. */
const chunked = (fields: string) => request('POST', '/a', fields, `5\r\nhello\r\n0\r\n\r\n${SMUGGLED}`);
const sized = (fields: string) => request('POST', '/a', fields, `hello${SMUGGLED}`);

const both: Case[] = [
  ['CL 0', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n'],
  ['CL of the raw body', 'Content-Length: 15\r\nTransfer-Encoding: chunked\r\n'],
  ['CL longer', 'Content-Length: 400\r\nTransfer-Encoding: chunked\r\n'],
  ['other case', 'CONTENT-LENGTH: 6\r\ntransfer-encoding: Chunked\r\n'],
  ['a field between', 'Content-Length: 6\r\nX: y\r\nTransfer-Encoding: chunked\r\n'],
  ['TE identity', 'Content-Length: 5\r\nTransfer-Encoding: identity\r\n'],
].map(([what, fields]) =>
  refused(`1. CL.TE, ${what} → 400 and close`, chunked(fields!), [400, 501].slice(0, what === 'TE identity' ? 2 : 1)),
);

const swapped: Case[] = [0, 3, 4, 15, 100].map((length) =>
  refused(
    `2. TE.CL, CL ${length} → 400 and close`,
    chunked(`Transfer-Encoding: chunked\r\nContent-Length: ${length}\r\n`),
    [400],
  ),
);

const codings: Case[] = [
  refused(
    '3. two Transfer-Encoding: chunked → 400 and close',
    chunked('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'),
    [400],
  ),
  refused(
    '3. two Transfer-Encoding, second in other case and apart → 400',
    chunked('Transfer-Encoding: chunked\r\nX: y\r\ntransfer-ENCODING: chunked\r\n'),
    [400],
  ),
  refused(
    '3. Transfer-Encoding: chunked and another one of identity → 400/501',
    chunked('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n'),
    [400, 501],
  ),
  refused(
    '3. Transfer-Encoding: x and another one of chunked → 400/501',
    chunked('Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n'),
    [400, 501],
  ),
  ...['chunked, chunked', 'chunked,chunked', 'chunked , chunked', 'chunked,\tCHUNKED'].map((value) =>
    refused(`4. TE \`${value}\` → 400`, chunked(`Transfer-Encoding: ${value}\r\n`), [400]),
  ),
  ...['chunked, identity', 'chunked, gzip', 'chunked,x'].map((value) =>
    refused(`5. TE \`${value}\`, chunked not final → 400 and close`, chunked(`Transfer-Encoding: ${value}\r\n`), [400]),
  ),
  ...['gzip, chunked', 'deflate,chunked', 'compress, gzip, chunked', 'x-unknown, chunked'].map((value) =>
    refused(`6. TE \`${value}\` → 501 and close`, chunked(`Transfer-Encoding: ${value}\r\n`), [501]),
  ),
  ...['gzip', 'unknown'].map((value) =>
    refused(`6. TE \`${value}\` → 501 (or 400) and close`, chunked(`Transfer-Encoding: ${value}\r\n`), [400, 501]),
  ),
  ...[
    'identity',
    'xchunked',
    'chunkedchunked',
    '',
    ',chunked',
    ', chunked',
    'chunked,',
    ',',
    'chunked;a=b',
    '"chunked"',
    "'chunked'",
    'chunked x',
    'chun ked',
    'chunke',
    '[chunked]',
  ].map((value) => refused(`7. TE \`${value}\` → 400/501`, chunked(`Transfer-Encoding: ${value}\r\n`), [400, 501])),
  ...Object.entries({
    VT: '\x0b',
    FF: '\x0c',
    NUL: '\0',
    '0x85': '\x85',
    '0xA0': '\xa0',
    BOM: '\xef\xbb\xbf',
    'U+00AD': '\xc2\xad',
    CR: '\r',
    LF: '\n',
  }).flatMap(([name, bytes]) => [
    refused(`8. ${name} before chunked → 400`, chunked(`Transfer-Encoding: ${bytes}chunked\r\n`), [400]),
    refused(`8. ${name} after chunked → 400`, chunked(`Transfer-Encoding: chunked${bytes}\r\n`), [400]),
  ]),
  forwarded(
    '8. SP and HT around chunked are stripped',
    request('POST', '/a', 'Transfer-Encoding:\t chunked \t\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    {
      check: (requests) => assert.equal(requests[0]!.body, 'hello'),
    },
  ),
  forwarded(
    '8. no white space and upper case: Transfer-Encoding:CHUNKED',
    request('POST', '/a', 'Transfer-Encoding:CHUNKED\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    {
      check: (requests) => assert.equal(requests[0]!.body, 'hello'),
    },
  ),
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    ' Transfer-Encoding: chunked',
    '\tTransfer-Encoding: chunked',
    'Transfer-\x01Encoding: chunked',
    'Transfer-Encoding\xff: chunked',
    '\x0bTransfer-Encoding: chunked',
    'Transfer-Encoding\0: chunked',
    'Transfer Encoding: chunked',
  ].flatMap((line) => [
    refused(`9. ${JSON.stringify(line)} → 400`, chunked(`${line}\r\n`), [400]),
    refused(`9. the same behind another field: ${JSON.stringify(line)} → 400`, chunked(`X: y\r\n${line}\r\n`), [400]),
  ]),
  ...[
    'Content-Length : 5',
    'Content-Length\t: 5',
    ' Content-Length: 5',
    'Content-\x01Length: 5',
    'Content-Length\xff: 5',
  ].map((line) => refused(`9. ${JSON.stringify(line)} → 400`, sized(`X: y\r\n${line}\r\n`), [400])),
  ...['Transfer_Encoding: chunked', 'Content_Length: 5', 'CONTENT_LENGTH: 5', 'Transfer_Encoding: gzip'].map((line) =>
    forwarded(`10. \`${line}\` is unknown, dropped, no framing`, request('POST', '/a', `${line}\r\n`) + NEXT, {
      statuses: [200, 200],
      check: ([first]) => assert.equal(first!.length, 0),
    }),
  ),
  refused(
    '11. Transfer-Encoding in HTTP/1.0 → 400 and close',
    `POST /a HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${SMUGGLED}`,
    [400],
  ),
  refused(
    '11. the same with keep-alive → 400 and close',
    `POST /a HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    [400],
  ),
];

const five = (requests: readonly Message[]) => {
  assert.equal(requests[0]!.body, 'hello');
};

/** Either refused with 400, or one request with the body of five bytes. */
function strictOrFive(name: string, text: string): Case {
  return {
    name,
    run: async (lane) => {
      const answer = await lane.talk((talk) => [text, () => talk.until(() => talk.answers.length === 1), FIN]);
      await either(
        async () => {
          assertRefusal(answer, [400]);
          await lane.verify(0);
        },
        async () => {
          assert.deepEqual(answer.statuses, [200], show(answer));
          await lane.verify(1);
          five(lane.origin.requests);
        },
      );
    },
  };
}

const lengths: Case[] = [
  refused(
    '12. two Content-Length, different → 400 and close',
    sized('Content-Length: 5\r\nContent-Length: 6\r\n'),
    [400],
  ),
  refused(
    '12. two Content-Length, different and apart, other case → 400 and close',
    sized('content-length: 0\r\nX: y\r\nCONTENT-LENGTH: 5\r\n'),
    [400],
  ),
  strictOrFive(
    '13. two Content-Length, same → 400 (or one)',
    request('POST', '/a', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
  ),
  strictOrFive('13. Content-Length `5, 5` → 400 (or one)', request('POST', '/a', 'Content-Length: 5, 5\r\n', 'hello')),
  refused('14. Content-Length `5, 6` → 400', sized('Content-Length: 5, 6\r\n'), [400]),
  ...[
    '+5',
    '-5',
    '-0',
    '0x5',
    '0o5',
    '5_0',
    '5 0',
    '5.0',
    '1e3',
    '5;',
    '5abc',
    '\xd9\xa5',
    '',
    '5,',
    ',5',
    '"5"',
    '0b1',
    '5\xa0',
    '\x0b5',
    '5\0',
    'NaN',
    'Infinity',
  ].map((value) =>
    refused(`15. Content-Length ${JSON.stringify(value)} → 400`, sized(`Content-Length: ${value}\r\n`), [400]),
  ),
  ...[
    ['0005', 'hello'],
    ['00', ''],
    ['000', ''],
    ['000000000000005', 'hello'],
  ].map(([value, body]): Case => ({
    name: `16. Content-Length ${value} → decimal and canonical (or 400)`,
    run: async (lane) => {
      const text = request('POST', '/a', `Content-Length: ${value}\r\n`, body);
      const answer = await lane.talk((talk) => [text, () => talk.until(() => talk.answers.length === 1), FIN]);
      if (answer.statuses[0] === 400) return lane.verify(0);
      assert.deepEqual(answer.statuses, [200], show(answer));
      await lane.verify(1);
      assert.equal(lane.origin.requests[0]!.body, body);
    },
  })),
  forwarded(
    '16. Content-Length 0200 is 200, not octal',
    request('POST', '/a', 'Content-Length: 0200\r\n', 'x'.repeat(200)) + NEXT,
    {
      statuses: [200, 200],
      check: ([first]) => assert.equal(first!.length, 200),
    },
  ),
  ...[
    '9007199254740992',
    '9007199254740993',
    '9223372036854775808',
    '18446744073709551615',
    '18446744073709551616',
    '18446744073709551621',
    '4294967301000000000000',
    '9'.repeat(400),
    '1' + '0'.repeat(16),
  ].map((value) =>
    refused(
      `17. Content-Length ${value.slice(0, 24)} (${value.length} digits) → 400/413`,
      sized(`Content-Length: ${value}\r\n`),
      [400, 413],
    ),
  ),
  {
    name: '18. Content-Length larger than sent, then FIN → never complete, upstream connection gone',
    run: async (lane) => {
      const answer = await lane.talk([request('POST', '/a', 'Content-Length: 10\r\n', 'hello'), FIN]);
      assert.ok(
        answer.statuses.every((status) => status === 400),
        show(answer),
      );
      await aborted(lane);
      await lane.verify(0);
    },
  },
  {
    name: '18. the same once the origin has the head: its connection is closed, not pooled',
    run: async (lane) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      lane.origin.onHead = () => resolve();
      const text = request('POST', '/a', 'Content-Length: 200000\r\n', 'x'.repeat(100_000));
      const answer = await lane.talk([text, () => promise, FIN]);
      assert.ok(
        answer.statuses.every((status) => status === 400),
        show(answer),
      );
      await lane.origin.connections[0]!.closed;
      await lane.verify(0);
      assert.equal(lane.origin.connections.length, 2);
    },
  },
  {
    name: '18. the same with RST of the client',
    run: async (lane) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      lane.origin.onHead = () => resolve();
      await lane.talk([request('POST', '/a', 'Content-Length: 200000\r\n', 'x'.repeat(100_000)), () => promise, RST]);
      await lane.origin.connections[0]!.closed;
      await lane.verify(0);
    },
  },
  refused(
    '19. Content-Length 0 and garbage → answered, then 400 and close',
    request('POST', '/a', 'Content-Length: 0\r\n', 'garbage\r\n\r\n'),
    [400],
    { before: 1 },
  ),
  forwarded(
    '19. Content-Length 0 and a request → two requests',
    request('POST', '/a', 'Content-Length: 0\r\n') + NEXT,
    { statuses: [200, 200] },
  ),
];

const methods: Case[] = ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'TRACE', 'PATCH', 'FOO'].flatMap((method) =>
  [
    ['Content-Length', 'Content-Length: 5\r\n', 'hello'],
    ['chunked', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
    // The body is a request: were it dropped and the length kept (or the other way round), it would be read as one.
    ['a request as body', `Content-Length: ${SMUGGLED.length}\r\n`, SMUGGLED],
  ].map(([what, fields, body]): Case => ({
    name: `20. ${method} with ${what}: framing does not depend on the method`,
    run: async (lane) => {
      const answer = await lane.talk(
        (talk) => [request(method, '/a', fields, body) + NEXT, () => talk.until(() => talk.answers.length === 2), FIN],
        { methods: [method] },
      );
      await either(
        async () => {
          assert.deepEqual(answer.statuses, [200, 200], show(answer));
          await lane.verify(2);
          assert.equal(lane.origin.requests[0]!.body, what === 'a request as body' ? SMUGGLED : 'hello');
        },
        async () => {
          assertRefusal(answer, [400]);
          await lane.verify(0);
        },
      );
    },
  })),
);

suite('A. framing of requests', [
  ...both,
  ...swapped,
  ...codings,
  ...lengths,
  ...methods,
  forwarded('21. POST without framing has no body; what follows is a request', request('POST', '/a') + NEXT, {
    statuses: [200, 200],
    check: ([first]) => assert.equal(first!.length, 0),
  }),
  refused(
    '21. POST without framing, followed by what is no request → 400',
    request('POST', '/a', '', 'hello=world\r\n\r\n'),
    [400],
    { before: 1 },
  ),
]);
