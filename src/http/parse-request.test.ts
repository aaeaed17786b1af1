/** What a head means, and what is no head; the cuts and the rest of the malformed inputs are in test/robustness. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { BAD, INCOMPLETE } from './bad.ts';
import { parseRequest } from './parse-request.ts';
import { FIELD, RequestHead } from './request-head.ts';

const head = new RequestHead();

/** Parses `text`, which is followed by a zero, and by what was read before. */
function parse(text: string): number {
  const bytes = Buffer.from(`..${text}\0\r\n\r\n`, 'latin1');
  const result = parseRequest(head, bytes, 2, 2 + text.length);
  return result > 0 ? result - 2 : result;
}

/** The meaning that the fields have together. */
function meaning(fields: string, line = 'GET / HTTP/1.1'): Partial<RequestHead> | number {
  const text = `${line}\r\nHost: a\r\n${fields}\r\n`;
  const result = parse(text);
  if (result <= 0) return result;
  assert.equal(result, text.length);
  const { bodyLength, keepAlive, upgrade, expectsContinue, acceptsTrailers } = head;
  return { bodyLength, keepAlive, upgrade, expectsContinue, acceptsTrailers };
}

const PLAIN = { bodyLength: 0, keepAlive: true, upgrade: false, expectsContinue: false, acceptsTrailers: false };
const UPGRADE = 'Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n';

const meanings: [string, Partial<RequestHead> | number, string?][] = [
  ['', {}],
  ['', { keepAlive: false }, 'GET / HTTP/1.0'],
  ['Connection: keep-alive\r\n', {}, 'GET / HTTP/1.0'],
  ['Connection: Keep-Alive, CLOSE\r\n', { keepAlive: false }],
  ['Connection: connection\r\nConnection: x, close\r\n', { keepAlive: false }],
  ['Content-Length: 007\r\n', { bodyLength: 7 }],
  ['Content-Length: 999999999999999\r\n', { bodyLength: 999_999_999_999_999 }],
  ['Content-Length: 0000000000000001\r\n', BAD.framing],
  ['Content-Length: 1\r\nContent-Length: 1\r\n', BAD.framing],
  ['Content-Length: 1, 1\r\n', BAD.framing],
  ['Content-Length:\r\n', BAD.framing],
  ['Transfer-Encoding: Chunked\r\n', { bodyLength: -1 }],
  ['Transfer-Encoding: chunked\r\n', BAD.framing, 'POST / HTTP/1.0'],
  ['Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', BAD.framing],
  ['Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', BAD.framing],
  ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', BAD.framing],
  ['Transfer-Encoding: gzip, chunked\r\n', BAD.notImplemented],
  ['Transfer-Encoding: chunked, gzip\r\n', BAD.framing],
  ['Transfer-Encoding: chunked, chunked\r\n', BAD.framing],
  ['Transfer-Encoding: chunked;a=b\r\n', BAD.framing],
  [UPGRADE, { upgrade: true }],
  [UPGRADE, {}, 'POST / HTTP/1.1'],
  [UPGRADE, {}, 'GET / HTTP/1.0'],
  [`${UPGRADE}Content-Length: 1\r\n`, { bodyLength: 1 }],
  [`${UPGRADE}Upgrade: h2c\r\n`, {}],
  ['Upgrade: websocket\r\n', {}],
  ['Expect: 100-continue\r\n', {}],
  ['Expect: 100-Continue\r\nContent-Length: 1\r\n', { bodyLength: 1, expectsContinue: true }],
  ['Expect: 100-continue, x\r\n', BAD.expectation],
  ['TE: gzip, trailers\r\n', { acceptsTrailers: true }],
  ['Host: a\r\n', BAD.host],
  [': x\r\n', BAD.request],
  ['X : y\r\n', BAD.request],
  [' X: y\r\n', BAD.request],
  ['X: y\n', BAD.request],
  ['X: \x7f\r\n', BAD.request],
  ['X: y\r\n'.repeat(99), {}],
  ['X: y\r\n'.repeat(100), BAD.tooManyFields],
  ['', BAD.version, 'GET / HTTP/2.0'],
  ['', BAD.request, 'GET / HTTP/1.11'],
  ['', BAD.target, 'GET  / HTTP/1.1'],
  ['', BAD.target, 'GET /\\ HTTP/1.1'],
  ['', BAD.target, 'GET /a#b HTTP/1.1'],
  ['', BAD.target, 'GET * HTTP/1.1'],
  ['', BAD.target, 'GET https://a/ HTTP/1.1'],
  ['', BAD.target, 'GET http://u@a/ HTTP/1.1'],
  ['', BAD.method, 'CONNECT a:80 HTTP/1.1'],
  ['', BAD.request, `${'A'.repeat(33)} / HTTP/1.1`],
];

describe('parseRequest', () => {
  for (const [fields, expected, line] of meanings) {
    it(JSON.stringify(`${line ?? ''} ${fields.slice(0, 60)}`), () => {
      const want = typeof expected === 'number' ? expected : { ...PLAIN, ...expected };
      assert.deepEqual(meaning(fields, line), want);
    });
  }

  it('never reads beyond the end', () => {
    const text = 'GET /a/../b?c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: x\r\nX: y\r\n\r\n';
    for (let length = 0; length < text.length; length++)
      assert.equal(parse(text.slice(0, length)), INCOMPLETE, `${length}`);
    assert.equal(parse(text), text.length);
  });

  it('the authority of the target wins over Host', () => {
    assert.ok(parse('GET http://B.example:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n') > 0);
    assert.equal(Buffer.from(head.bytes).toString('latin1', head.hostStart, head.hostEnd), 'B.example');
    assert.ok(head.rewriteLine);
  });

  it('what Connection nominates is dropped, but for framing, Host and itself', () => {
    const fields = 'X-A: 1\r\nContent-Length: 1\r\nConnection: connection, host\r\nConnection: x-a, Content-Length\r\n';
    assert.ok(parse(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`) > 0);
    const { plain, dropped, connection } = FIELD;
    assert.deepEqual([...head.kinds.subarray(0, head.fieldCount)], [plain, dropped, plain, connection, connection]);
  });
});
