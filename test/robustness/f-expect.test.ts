/** F. Expect, 1xx, early answers: cases 90–96. RFC 9110 §10.1.1, §15.2; RFC 9112 §9.5. */
import assert from 'node:assert/strict';

import { valuesOf } from './checker.ts';
import { OK, type Exchange } from './origin.ts';
import { FIN } from './steps.ts';
import {
  assertRefusal,
  either,
  forwarded,
  request,
  show,
  suite,
  SMUGGLED,
  NEXT,
  type Case,
  type Lane,
} from './suite.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** An origin that sends 100 where the request still asks for it. */
const polite = (exchange: Exchange) =>
  valuesOf(exchange.request, 'expect').length > 0 ? exchange.send(CONTINUE) : undefined;

const expects = (value: string, more = '', body = '') => request('POST', '/a', `Expect: ${value}\r\n${more}`, body);

const continues: Case[] = [
  ...['100-continue', '100-Continue', '100-CONTINUE'].map((value): Case => ({
    name: `90. Expect: ${value}, body withheld → 100, then the body, then the answer`,
    run: async (lane) => {
      lane.origin.onHead = polite;
      const answer = await lane.talk(
        (talk) => [
          expects(value, 'Content-Length: 5\r\n'),
          () => talk.until(() => talk.interim.includes(100)),
          'hello',
          NEXT,
        ],
        { answers: 2 },
      );
      assert.deepEqual(answer.interim, [100], show(answer));
      assert.deepEqual(answer.statuses, [200, 200], show(answer));
      await lane.verify(2);
      assert.equal(lane.origin.requests[0]!.body, 'hello');
    },
  })),
  {
    name: '90. the same with a chunked body',
    run: async (lane) => {
      lane.origin.onHead = polite;
      const answer = await lane.talk(
        (talk) => [
          expects('100-continue', 'Transfer-Encoding: chunked\r\n'),
          () => talk.until(() => talk.interim.includes(100)),
          '5\r\nhello\r\n0\r\n\r\n',
        ],
        { answers: 1 },
      );
      assert.deepEqual(answer.statuses, [200], show(answer));
      await lane.verify(1);
      assert.equal(lane.origin.requests[0]!.body, 'hello');
    },
  },
  ...[401, 417, 200].map((status): Case => ({
    name: `90. the server answers ${status} without 100 → relayed; the body is never read as a request`,
    run: async (lane) => {
      lane.origin.onHead = (exchange) =>
        valuesOf(exchange.request, 'expect').length > 0
          ? exchange.send(`HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nno`)
          : undefined;
      // Where the head has been answered already, the body's end asks for nothing more.
      lane.origin.onRequest = (exchange) =>
        valuesOf(exchange.request, 'expect').length > 0 ? undefined : exchange.send(OK);
      const answer = await lane.talk((talk) => [
        expects('100-continue', `Content-Length: ${SMUGGLED.length}\r\n`),
        () => talk.until(() => talk.reader.messages.length > 0),
        SMUGGLED,
        NEXT,
        () => talk.until(() => talk.answers.length === 2),
        FIN,
      ]);
      assert.deepEqual(answer.reader.problems, []);
      assert.ok(answer.statuses.length >= 1 && [status, 200].includes(answer.statuses[0]!), show(answer));
      await lane.probe();
      assert.deepEqual(lane.origin.problems, []);
      assert.deepEqual(
        lane.origin.started.filter((message) => message.start[1] === '/smuggled'),
        [],
      );
    },
  })),
  {
    name: '90. the server answers without 100, the client sends its next request instead of the body → never read as two',
    run: async (lane) => {
      lane.origin.onHead = (exchange) =>
        exchange.target === '/a' ? exchange.send('HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n') : undefined;
      lane.origin.onRequest = (exchange) => (exchange.target === '/a' ? undefined : exchange.send(OK));
      const answer = await lane.talk((talk) => [
        expects('100-continue', 'Content-Length: 1000\r\n'),
        () => talk.until(() => talk.answers.length > 0),
        NEXT,
        () => talk.until(() => talk.answers.length === 2),
      ]);
      assert.equal(answer.statuses[0], 401, show(answer));
      // The declared body was not sent: what follows belongs to it, or the connection is closed. Nobody may see /next.
      await lane.probe();
      assert.deepEqual(
        lane.origin.started.filter((message) => message.start[1] === '/next'),
        [],
      );
    },
  },
  forwarded('91. Expect with the body sent at once', expects('100-continue', 'Content-Length: 5\r\n', 'hello') + NEXT, {
    statuses: [200, 200],
    origin: (origin) => {
      origin.onHead = polite;
    },
    check: ([first]) => assert.equal(first!.body, 'hello'),
  }),
  ...[
    'foo',
    '200-ok',
    '100-continue, foo',
    'foo, 100-continue',
    '100-continued',
    '100',
    'y 100-continue',
    '"100-continue"',
    '100-continue;x',
    'x=y',
  ].map((value): Case => ({
    name: `92. Expect: ${value} → 417`,
    run: async (lane) => {
      const answer = await lane.talk((talk) => [
        expects(value, `Content-Length: ${SMUGGLED.length}\r\n`, SMUGGLED) + NEXT,
        () => talk.until(() => talk.answers.length === 2),
        FIN,
      ]);
      assert.equal(answer.statuses[0], 417, show(answer));
      assert.ok(answer.statuses.length === 1 || answer.statuses[1] === 200, show(answer));
      await lane.verify(answer.statuses.length - 1);
    },
  })),
];

/** Whatever is answered: it is answered, and the next request stands for itself. */
function noHang(name: string, sent: string): Case {
  return {
    name: `93. ${name} → no hang, no desync`,
    run: async (lane) => {
      lane.origin.onHead = polite;
      const answer = await lane.talk((talk) => [sent + NEXT, () => talk.until(() => talk.answers.length === 2), FIN]);
      assert.deepEqual(answer.reader.problems, []);
      await either(
        async () => {
          assert.deepEqual(answer.statuses, [200, 200], show(answer));
          await lane.verify(2);
        },
        async () => {
          assertRefusal(answer, [400, 417]);
          await lane.verify(0);
        },
      );
    },
  };
}

const obfuscated: Case[] = [
  noHang('Expect with Content-Length 0', expects('100-continue', 'Content-Length: 0\r\n')),
  noHang('Expect without a body', expects('100-continue')),
  noHang('Expect with GET', request('GET', '/a', 'Expect: 100-continue\r\n')),
  noHang('Expect with an empty chunked body', expects('100-continue', 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n')),
  noHang(
    'two Expect fields',
    request('POST', '/a', 'Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n', 'hello'),
  ),
  noHang('Expect: 100-continue, 100-continue', expects('100-continue, 100-continue', 'Content-Length: 5\r\n', 'hello')),
  noHang('HT and SP around the value', expects('\t 100-continue \t', 'Content-Length: 5\r\n', 'hello')),
  noHang('a folded value', expects('\r\n 100-continue', 'Content-Length: 5\r\n', 'hello')),
  noHang('an empty value', expects('', 'Content-Length: 5\r\n', 'hello')),
  {
    name: '93. Expect in HTTP/1.0 → no 100, no hang',
    run: async (lane) => {
      lane.origin.onHead = polite;
      const answer = await lane.talk(
        'POST /a HTTP/1.0\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
      );
      assert.deepEqual(answer.interim, [], show(answer));
      assert.ok([200, 417].includes(answer.statuses[0]!), show(answer));
    },
  },
];

/** The origin answers while the body is still on its way. */
function early(
  name: string,
  answerWith: (exchange: Exchange) => Promise<void>,
  fields: string,
  first: string,
  rest: string,
): Case {
  return {
    name: `94. ${name}`,
    run: async (lane) => {
      lane.origin.onHead = (exchange) => (exchange.target === '/a' ? answerWith(exchange) : undefined);
      lane.origin.onRequest = (exchange) => (exchange.target === '/a' ? undefined : exchange.send(OK));
      const answer = await lane.talk((talk) => [
        request('POST', '/a', fields, first),
        () => talk.until(() => talk.answers.length === 1),
        rest,
        NEXT,
        () => talk.until(() => talk.answers.length === 2),
        FIN,
      ]);
      assert.deepEqual(answer.reader.problems, []);
      assert.equal(answer.statuses[0], 413, show(answer));
      assert.ok(answer.statuses.length === 1 || answer.statuses[1] === 200, show(answer));
      await onlyOwnRequests(lane);
    },
  };
}

/** After an early answer: the connection that carried it is used for nothing else. */
async function onlyOwnRequests(lane: Lane): Promise<void> {
  await lane.probe();
  assert.deepEqual(lane.origin.problems, []);
  assert.deepEqual(
    lane.origin.started.filter((message) => message.start[1] === '/smuggled'),
    [],
  );
  const [first] = lane.origin.connections;
  assert.deepEqual(
    first!.reader.messages.map((message) => message.start[1]),
    ['/a'],
  );
  await first!.closed;
}

const EARLY = 'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno';
const body = SMUGGLED.repeat(Math.ceil(60_000 / SMUGGLED.length));
const size = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const answersEarly: Case[] = [
  early(
    'early answer, rest of the body later → relayed, upstream connection not pooled',
    (exchange) => exchange.send(EARLY),
    `Content-Length: ${body.length}\r\n`,
    body.slice(0, 500),
    body.slice(500),
  ),
  early(
    'early answer and FIN',
    (exchange) => exchange.send(EARLY, FIN),
    `Content-Length: ${body.length}\r\n`,
    body.slice(0, 500),
    body.slice(500),
  ),
  early(
    'early answer to a chunked body',
    (exchange) => exchange.send(EARLY),
    'Transfer-Encoding: chunked\r\n',
    size(body.slice(0, 500)),
    `${size(body.slice(500))}0\r\n\r\n`,
  ),
  early(
    'early answer with Connection: close',
    (exchange) => exchange.send(EARLY.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'), FIN),
    `Content-Length: ${body.length}\r\n`,
    body.slice(0, 500),
    body.slice(500),
  ),
  {
    name: '94. early answer and no more of the body → closed, not waited for for ever',
    run: async (lane) => {
      lane.origin.onHead = (exchange) => (exchange.target === '/a' ? exchange.send(EARLY) : undefined);
      const answer = await lane.talk([request('POST', '/a', 'Content-Length: 100000\r\n', 'x')]);
      assert.deepEqual(answer.statuses, [413], show(answer));
      assert.notEqual(answer.ended, 'hang');
      await onlyOwnRequests(lane);
    },
    options: { limits: { readTimeout: 1000 } },
  },
];

const interim: Case[] = [
  forwarded('95. 103 and 102 are relayed before the answer', request('GET', '/a') + NEXT, {
    statuses: [200, 200],
    origin: (origin) => {
      origin.onRequest = (exchange) =>
        exchange.send('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n', 'HTTP/1.1 102 Processing\r\n\r\n', OK);
    },
    check: (_requests, answer) => {
      assert.deepEqual(answer.interim, [103, 102, 103, 102]);
      assert.deepEqual(valuesOf(answer.reader.messages[0]!, 'link'), ['</x>']);
    },
  }),
  forwarded('95. the same in one segment with the answer', request('GET', '/a') + NEXT, {
    statuses: [200, 200],
    origin: (origin) => {
      origin.onRequest = (exchange) => exchange.send(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${OK}`);
    },
    check: (_requests, answer) => assert.deepEqual(answer.interim, [103, 103]),
  }),
  forwarded('95. a 100 that nobody asked for is relayed or dropped', request('GET', '/a') + NEXT, {
    statuses: [200, 200],
    origin: (origin) => {
      origin.onRequest = (exchange) => exchange.send(CONTINUE, OK);
    },
  }),
  ...[
    ['more than 32 interim answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40) + OK],
    ['an interim answer with Content-Length', `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello${OK}`],
    [
      'an interim answer with Transfer-Encoding',
      `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${OK}`,
    ],
    ['an interim answer with a body', `HTTP/1.1 103 Early Hints\r\n\r\nhello${OK}`],
  ].map(([what, text]): Case => ({
    name: `96. ${what} → 502`,
    run: async (lane) => {
      lane.origin.onRequest = (exchange) => exchange.send(text!);
      const answer = await lane.talk((talk) => [
        request('GET', '/a'),
        () => talk.until(() => talk.answers.length > 0),
        FIN,
      ]);
      assert.deepEqual(answer.reader.problems, []);
      assert.deepEqual(answer.statuses, [502], show(answer));
      assert.ok(answer.interim.length <= 32);
      await lane.origin.connections[0]!.closed;
    },
  })),
];

suite('F. Expect, interim and early answers', [...continues, ...obfuscated, ...answersEarly, ...interim]);
