/** E. Connection and hop-by-hop: cases 77–79 and 85–89. RFC 9110 §7.6.1, §7.8; RFC 9112 §9. */
import assert from 'node:assert/strict';

import { valuesOf, type Field } from './checker.ts';
import { OK, type Exchange, type Origin } from './origin.ts';
import { FIN } from './steps.ts';
import { bounded, forwarded, refused, request, show, suite, SMUGGLED, NEXT, type Case, type Lane } from './suite.ts';

const answers = (text: string) => (origin: Origin) => {
  origin.onRequest = (exchange: Exchange) => exchange.send(text);
};

/** The origin says which request it answers. */
const echo = (origin: Origin) => {
  origin.onRequest = (exchange) =>
    exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${exchange.target.length}\r\n\r\n${exchange.target}`);
};

const fieldsWith = (fields: readonly Field[], text: string) =>
  fields.filter((field) => field.raw.includes(text)).map((field) => field.raw);

const nominated: Case[] = [
  forwarded(
    '77. fields nominated by Connection are removed; framing and Host are not, ours are added after',
    request(
      'POST',
      '/a',
      'Connection: close, X-Forwarded-For, X-Real-IP, Host, Content-Length, Authorization, X-Hop, TE\r\nX-Forwarded-For: 1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nAuthorization: secret\r\nX-Hop: secret\r\nX-Stay: y\r\nContent-Length: 5\r\n',
      'hello',
    ),
    {
      check: ([first]) => {
        assert.equal(first!.body, 'hello');
        assert.deepEqual(valuesOf(first!, 'host'), ['a.example']);
        assert.deepEqual(fieldsWith(first!.fields, 'secret'), []);
        assert.deepEqual(fieldsWith(first!.fields, '1.1.1.1'), []);
        assert.deepEqual(valuesOf(first!, 'x-stay'), ['y']);
        assert.deepEqual(valuesOf(first!, 'x-forwarded-for'), ['127.0.0.1']);
      },
    },
  ),
  forwarded(
    '77. nomination over two Connection fields, in other case, fields before and after',
    request('GET', '/a', 'X-One: secret\r\nConnection: x-ONE\r\nConnection: , X-Two ,\r\nX-TWO: secret\r\n'),
    { check: ([first]) => assert.deepEqual(fieldsWith(first!.fields, 'secret'), []) },
  ),
  forwarded(
    '77. Transfer-Encoding cannot be nominated away',
    request(
      'POST',
      '/a',
      'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n',
      '5\r\nhello\r\n0\r\n\r\n',
    ) + NEXT,
    {
      statuses: [200, 200],
      check: ([first]) => assert.equal(first!.body, 'hello'),
    },
  ),
  forwarded('77. what Connection nominates in an answer is removed, framing is not', request('GET', '/a'), {
    origin: answers(
      'HTTP/1.1 200 OK\r\nConnection: X-Hop, Content-Length\r\nX-Hop: secret\r\nX-Stay: y\r\nContent-Length: 2\r\n\r\nok',
    ),
    check: (_requests, answer) => {
      assert.equal(answer.answers[0]!.body, 'ok');
      assert.equal(answer.text.includes('secret'), false);
      assert.deepEqual(valuesOf(answer.answers[0]!, 'x-stay'), ['y']);
    },
  }),
  forwarded(
    '78. hop-by-hop fields of a request are not forwarded',
    request(
      'GET',
      '/a',
      'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: foo\r\nProxy-Authenticate: secret\r\nProxy-Authorization: secret\r\nTrailer: X\r\nX-Stay: y\r\n',
    ),
    {
      check: ([first]) => {
        // `Connection` with an option of our own is right; the checker looks at the rest.
        for (const name of [
          'keep-alive',
          'proxy-connection',
          'te',
          'upgrade',
          'proxy-authenticate',
          'proxy-authorization',
          'transfer-encoding',
        ]) {
          assert.deepEqual(valuesOf(first!, name), [], name);
        }
        assert.deepEqual(valuesOf(first!, 'x-stay'), ['y']);
      },
    },
  ),
  forwarded('78. hop-by-hop fields of an answer are not relayed', request('GET', '/a'), {
    origin: answers(
      'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=99\r\nProxy-Connection: x\r\nTE: x\r\nUpgrade: foo\r\nProxy-Authenticate: secret\r\nProxy-Authorization: secret\r\nX-Stay: y\r\nContent-Length: 2\r\n\r\nok',
    ),
    check: (_requests, answer) => {
      assert.equal(answer.text.includes('secret'), false);
      assert.equal(answer.text.includes('timeout=99'), false);
      for (const name of ['proxy-connection', 'te', 'upgrade', 'proxy-authenticate', 'proxy-authorization']) {
        assert.deepEqual(valuesOf(answer.answers[0]!, name), [], name);
      }
    },
  }),
  forwarded(
    '78. TE: trailers is regenerated canonically or dropped',
    request('GET', '/a', 'TE: gzip;q=1 ,  Trailers\r\nConnection: TE\r\n'),
    {
      check: ([first]) => assert.ok(valuesOf(first!, 'te').every((value) => value === 'trailers')),
    },
  ),
  forwarded(
    '79. X-Forwarded-*, Forwarded, X-Real-IP and their aliases from untrusted peers are dropped',
    request(
      'GET',
      '/a',
      [
        'X-Forwarded-For',
        'X-Forwarded-Host',
        'X-Forwarded-Proto',
        'X-Forwarded-Port',
        'X-Forwarded-Prefix',
        'X-Forwarded-Server',
        'X-Forwarded-Anything',
        'Forwarded',
        'X-Real-IP',
        'X_Forwarded_Proto',
        'X_Forwarded_For',
        'X_Real_IP',
        'X-Forwarded_For',
        'x-forwarded-FOR',
        'FORWARDED',
      ]
        .map((name) => `${name}: evil\r\n`)
        .join(''),
    ),
    {
      check: ([first]) => {
        assert.deepEqual(fieldsWith(first!.fields, 'evil'), []);
        assert.deepEqual(valuesOf(first!, 'x-forwarded-for'), ['127.0.0.1']);
      },
    },
  ),
];

const tenth = (fields: string, target = '/a') => `GET ${target} HTTP/1.0\r\nHost: a.example\r\n${fields}\r\n`;
/** Chunked and sized bodies in turn. */
const nth = (index: number) =>
  index % 2 === 0
    ? request(
        'POST',
        `/${index}`,
        'Transfer-Encoding: chunked\r\n',
        `${`body ${index}`.length.toString(16)}\r\nbody ${index}\r\n0\r\n\r\n`,
      )
    : request('POST', `/${index}`, `Content-Length: ${`body ${index}`.length}\r\n`, `body ${index}`);

const old: Case[] = [
  {
    name: '85. HTTP/1.0 → closed after the answer',
    run: async (lane) => {
      const answer = await lane.talk(tenth('') + SMUGGLED);
      assert.deepEqual(answer.statuses, [200], show(answer));
      assert.equal(answer.ended, 'fin');
      await lane.verify(1);
    },
  },
  {
    name: '85. HTTP/1.0 with keep-alive → kept, and said so',
    run: async (lane) => {
      const answer = await lane.talk((talk) => [
        tenth('Connection: Keep-Alive\r\n'),
        () => talk.until(() => talk.answers.length === 1),
        tenth('Connection: close\r\n'),
      ]);
      assert.equal(answer.ended, 'fin');
      // Closing is honest too, as long as keep-alive is not promised.
      if (answer.statuses.length === 1) assert.doesNotMatch(answer.text, /^connection: keep-alive/im);
      else {
        assert.deepEqual(answer.statuses, [200, 200], show(answer));
        assert.match(answer.text, /^connection: keep-alive/im);
      }
    },
  },
  {
    name: '85. no chunked to HTTP/1.0, and the end is the close',
    run: async (lane) => {
      answers('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n')(
        lane.origin,
      );
      for (const fields of ['', 'Connection: keep-alive\r\n']) {
        const answer = await lane.talk(tenth(fields));
        assert.doesNotMatch(answer.text, /transfer-encoding/i);
        assert.equal(answer.answers[0]?.body, 'hello!', show(answer));
        assert.equal(answer.ended, 'fin');
      }
    },
  },
  {
    name: '85. no 1xx to HTTP/1.0',
    run: async (lane) => {
      answers(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`)(lane.origin);
      const answer = await lane.talk(tenth(''));
      assert.deepEqual(answer.interim, []);
      assert.deepEqual(answer.statuses, [200], show(answer));
    },
  },
  {
    name: '85. the answer to HTTP/1.0 of a server that closes ends with the close',
    run: async (lane) => {
      lane.origin.onRequest = (exchange) => exchange.send('HTTP/1.0 200 OK\r\n\r\nhello', FIN);
      const answer = await lane.talk(tenth(''));
      assert.equal(answer.answers[0]?.body, 'hello', show(answer));
      assert.equal(answer.ended, 'fin');
    },
  },
  {
    name: '86. 100 pipelined requests in one segment → answers in order',
    run: async (lane) => {
      echo(lane.origin);
      const sent = Array.from({ length: 100 }, (_, index) => request('GET', `/${index}`)).join('');
      const answer = await lane.talk(sent, { answers: 100 });
      assert.deepEqual(
        answer.answers.map((message) => message.body),
        Array.from({ length: 100 }, (_, index) => `/${index}`),
      );
      await lane.verify(100);
    },
  },
  {
    name: '86. pipelined requests with bodies → answers in order, bodies where they belong',
    run: async (lane) => {
      lane.origin.onRequest = (exchange) => {
        const body = `${exchange.target} ${exchange.request.body}`;
        return exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      };
      const answer = await lane.talk(Array.from({ length: 50 }, (_, index) => nth(index)).join(''), { answers: 50 });
      assert.deepEqual(
        answer.answers.map((message) => message.body),
        Array.from({ length: 50 }, (_, index) => `/${index} body ${index}`),
      );
      await lane.verify(50);
    },
  },
  {
    name: '86. the queue of pipelined requests is bounded',
    options: { timeouts: { request: 1500 } },
    run: (lane) => bounded(lane, request('GET', '/never')),
  },
  {
    name: '87. bytes after a request with Connection: close are discarded',
    run: async (lane) => {
      const answer = await lane.talk(request('GET', '/a', 'Connection: close\r\n') + SMUGGLED);
      assert.deepEqual(answer.statuses, [200], show(answer));
      assert.equal(answer.ended, 'fin');
      await lane.verify(1);
    },
  },
  {
    name: '87. Connection: x, Close, y closes too',
    run: async (lane) => {
      const answer = await lane.talk(request('GET', '/a', 'Connection: x, Close, y\r\n') + SMUGGLED);
      assert.deepEqual(answer.statuses, [200], show(answer));
      await lane.verify(1);
    },
  },
  {
    name: '88. client half-closes → the answer is still delivered',
    run: async (lane) => {
      lane.origin.onRequest = async (exchange) => {
        await new Promise((resolve) => {
          setTimeout(resolve, 200);
        });
        await exchange.send(OK);
      };
      const answer = await lane.talk([request('GET', '/a'), FIN]);
      assert.deepEqual(answer.statuses, [200], show(answer));
      assert.equal(answer.ended, 'fin');
      await lane.verify(1);
    },
  },
  {
    name: '88. client half-closes behind a body and pipelined requests → all are answered',
    run: async (lane) => {
      const answer = await lane.talk([request('POST', '/a', 'Content-Length: 5\r\n', 'hello') + NEXT + NEXT, FIN]);
      assert.deepEqual(answer.statuses, [200, 200, 200], show(answer));
      await lane.verify(3);
    },
  },
];

const same = (lane: Lane, count: number) => {
  assert.deepEqual(lane.origin.problems, []);
  const seen = new Set(
    lane.origin.requests.map((message) =>
      JSON.stringify([message.start, message.fields.map((field) => field.raw), message.body]),
    ),
  );
  assert.equal(lane.origin.requests.length, count);
  assert.equal(seen.size, 1, [...seen].join('\n'));
  assert.equal(lane.origin.requests[0]!.body, 'hello world');
};

const cut: Case[] = [
  request('POST', '/a?b=c', 'Content-Length: 11\r\nX: y\r\n', 'hello world'),
  request(
    'POST',
    '/a',
    'Transfer-Encoding: chunked\r\nX:  y \r\n',
    '5;a="b"\r\nhello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n',
  ),
].flatMap((text, kind) => {
  const what = kind === 0 ? 'Content-Length' : 'chunked';
  return [
    {
      name: `89. a request with ${what}, cut at every byte → same as whole`,
      run: async (lane) => {
        for (let at = 1; at <= text.length; at++) {
          const answer = await lane.talk([text.slice(0, at), text.slice(at)], { answers: 1 });
          assert.deepEqual(answer.statuses, [200], `cut at ${at}: ${show(answer)}`);
        }
        same(lane, text.length);
      },
    },
    {
      name: `89. a request with ${what}, one byte at a time, and again behind it → same as whole`,
      run: async (lane) => {
        const answer = await lane.talk((text + text).split(''), { answers: 2 });
        assert.deepEqual(answer.statuses, [200, 200], show(answer));
        same(lane, 2);
      },
    },
  ] satisfies Case[];
});

suite('E. connection and hop-by-hop', [
  ...nominated,

  ...old,
  ...cut,
  refused('87. a request behind a refused one is discarded', `${request('GET', '/a', 'X: \0\r\n')}${NEXT}`, [400]),
]);
