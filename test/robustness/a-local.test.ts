/** A, second half. Answers of the proxy's own to requests with bodies: case 22. */
import assert from 'node:assert/strict';

import { FIN } from './steps.ts';
import { refused, request, show, suite, SMUGGLED, NEXT, type Case } from './suite.ts';

const localRules = {
  rules: [
    { match: { path: { type: 'Exact', value: '/next' } } },
    {
      match: { path: { type: 'Prefix', value: '/r' } },
      filters: [{ type: 'Redirect', scheme: null, host: 'b.example', port: null, path: null, status: 302 }],
    },
  ],
} as const;

/** A request that the proxy answers itself, its body, and then a good one: served, or the connection is closed. */
function local(what: string, target: string, status: number, fields: string, parts: readonly string[]): Case {
  return {
    name: `22. ${what}: the next request does not start inside the body`,
    options: localRules,
    run: async (lane) => {
      const [first, ...rest] = parts;
      const answer = await lane.talk((talk) => [
        request('POST', target, fields, first),
        ...(rest.length > 0 ? [() => talk.until(() => talk.reader.messages.length > 0)] : []),
        ...rest.slice(0, -1),
        (rest.at(-1) ?? '') + NEXT,
        () => talk.until(() => talk.answers.length === 2),
        FIN,
      ]);
      assert.deepEqual(answer.reader.problems, []);
      assert.notEqual(answer.ended, 'hang', show(answer));
      assert.equal(answer.statuses[0], status, show(answer));
      assert.ok(
        answer.statuses.length === 1 || (answer.statuses.length === 2 && answer.statuses[1] === 200),
        show(answer),
      );
      await lane.verify(answer.statuses.length - 1);
    },
  };
}

const hidden = SMUGGLED.repeat(4);
const hiddenChunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
const long = SMUGGLED.repeat(Math.ceil(200_000 / SMUGGLED.length));
const locals: Case[] = [
  ['404', '/nothing', 404],
  ['redirect', '/r', 302],
].flatMap(([what, target, status]) => [
  local(`${what}, body in the same segment`, String(target), Number(status), `Content-Length: ${hidden.length}\r\n`, [
    hidden,
  ]),
  ...['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n'].map((fields): Case => ({
    name: `22. ${what}, ${fields.trim()}, body and next request in one segment: both are answered`,
    options: localRules,
    run: async (lane) => {
      const body = fields.startsWith('C') ? 'hello' : '5\r\nhello\r\n0\r\n\r\n';
      const answer = await lane.talk(request('POST', String(target), fields, body) + NEXT, { answers: 2 });
      assert.deepEqual(answer.statuses, [status, 200], show(answer));
      await lane.verify(1);
    },
  })),
  local(`${what}, body after the answer`, String(target), Number(status), `Content-Length: ${hidden.length}\r\n`, [
    '',
    hidden,
  ]),
  local(
    `${what}, half a body after the answer`,
    String(target),
    Number(status),
    `Content-Length: ${hidden.length}\r\n`,
    [hidden.slice(0, 100), hidden.slice(100)],
  ),
  local(`${what}, chunked body`, String(target), Number(status), 'Transfer-Encoding: chunked\r\n', [hiddenChunk]),
  local(`${what}, chunked body after the answer`, String(target), Number(status), 'Transfer-Encoding: chunked\r\n', [
    '',
    hiddenChunk,
  ]),
  local(`${what}, body of 200 KB`, String(target), Number(status), `Content-Length: ${long.length}\r\n`, [long]),
]);

const limits: Case[] = [
  refused(
    '22. 413 for a declared length above the limit → close',
    request('POST', '/a', 'Content-Length: 1000\r\n', SMUGGLED.repeat(4)),
    [413],
    { options: { limits: { bodyBytes: 100 } } },
  ),
  refused(
    '22. 413 for a chunked body above the limit → close',
    request('POST', '/a', 'Transfer-Encoding: chunked\r\n', `200\r\n${'x'.repeat(512)}\r\n0\r\n\r\n${SMUGGLED}`),
    [413],
    {
      options: { limits: { bodyBytes: 100 } },
      begun: true,
    },
  ),
  {
    name: '22. 404 and a body that never comes → closed, not waited for',
    options: localRules,
    run: async (lane) => {
      const answer = await lane.talk([request('POST', '/nothing', 'Content-Length: 1000\r\n', 'x')]);
      assert.deepEqual(answer.statuses, [404], show(answer));
      assert.notEqual(answer.ended, 'hang', show(answer));
      await lane.verify(0);
    },
  },
];

suite('A. local answers and unread bodies', [...locals, ...limits]);
