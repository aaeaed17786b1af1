import assert from 'node:assert/strict';
import { it } from 'node:test';

import fc from 'fast-check';

import { parseRequest } from '../http/parse-request.ts';
import { RequestHead } from '../http/request-head.ts';
import { trailerText } from './field-rules.ts';
import { requestText } from './request-text.ts';

const GET = [':method', 'GET', ':scheme', 'http', ':authority', 'a.example', ':path', '/a'];
const key = () => 'KEY';
const textOf = (fields: readonly string[], ended = true): string => {
  const request = requestText(fields, ended, key);
  assert.equal(request?.type, 'request');
  return (request as { text: string }).text;
};

it('writes a request', () => {
  assert.equal(textOf(GET), 'GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n');
  assert.equal(textOf([...GET, 'x-a', 'b']), 'GET /a HTTP/1.1\r\nHost: a.example\r\nx-a: b\r\n\r\n');
});

it('frames a body', () => {
  assert.match(textOf(GET, false), /\r\nTransfer-Encoding: chunked\r\n/);
  assert.match(textOf([...GET, 'content-length', '007'], false), /\r\nContent-Length: 7\r\n/);
  assert.match(textOf([...GET, 'content-length', '0']), /\r\nContent-Length: 0\r\n/);
  assert.equal(requestText([...GET, 'content-length', '1'], true, key), null);
});

it('joins crumbs, and asks for trailers', () => {
  const text = textOf([...GET, 'cookie', 'a=1', 'te', 'trailers', 'cookie', 'b=2']);
  assert.match(text, /\r\ncookie: a=1; b=2\r\n/);
  assert.match(text, /\r\nTE: trailers\r\n/);
});

it('turns an extended CONNECT into an upgrade', () => {
  const fields = GET.with(1, 'CONNECT');
  const text = textOf([...fields, ':protocol', 'websocket', 'sec-websocket-key', 'other'], false);
  assert.equal(
    text,
    'GET /a HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: KEY\r\n\r\n',
  );
  assert.deepEqual(requestText([...fields, ':protocol', 'connect-udp'], false, key), {
    type: 'refused',
    word: 'not_implemented',
  });
  assert.deepEqual(requestText([':method', 'CONNECT', ':authority', 'a:1'], false, key), {
    type: 'refused',
    word: 'method_not_allowed',
  });
  assert.equal(requestText(fields, false, key), null, 'no :protocol, and yet a :path');
});

// what nghttp2 takes out before we see it, and must not come through where it does not
for (const [name, value] of [
  ['x-a', 'b\r\nx-evil: 1'],
  ['x-a', 'b\0'],
  ['x-a', ' b'],
  ['x-a', 'b\t'],
  ['x-a', 'b\u{100}'],
  ['x a', 'b'],
  ['x-a\r\nx', 'b'],
  ['x:a', 'b'],
  ['', 'b'],
  ['X-A', 'b'],
  ['x-\xe9', 'b'],
  ['host', 'b.example'],
  ['te', 'Trailers'],
  ['upgrade', 'h2c'],
  [':path', '/b'],
  [':x', 'b'],
] as const) {
  it(`114. ${JSON.stringify(name)}: ${JSON.stringify(value)} is malformed`, () => {
    assert.equal(requestText([...GET, name, value], true, key), null);
    assert.equal(requestText([...GET, 'x-before', '1', name, value], true, key), null);
  });
}

const character = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...'abc/:-_=; \t\r\n\0#"*%.'.split('')) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
);
const text = fc.string({ unit: character, maxLength: 12 });
const pseudo = fc.constantFrom(':method', ':path', ':scheme', ':authority', ':protocol');
const field = fc.tuple(fc.oneof(pseudo, fc.constantFrom('host', 'cookie', 'content-length', 'te', 'x-a'), text), text);

it('what is accepted is one whole request to the codec, or refused by it; never two, never a beginning', () => {
  const head = new RequestHead();
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(field, { maxLength: 6 }), fc.boolean(), fc.boolean(), (more, ended, first) => {
      const fields = first ? [...more.flat(), ...GET] : [...GET, ...more.flat()];
      const request = requestText(fields, ended, key);
      if (request?.type !== 'request') return;
      accepted++;
      const bytes = Buffer.alloc(request.text.length + 1);
      bytes.write(request.text, 'latin1');
      const end = parseRequest(head, bytes, 0, request.text.length);
      assert.ok(end === request.text.length || end < 0, `${end} of ${request.text.length}`);
      if (end < 0) return;
      assert.equal(head.bodyLength, request.body === 'chunked' ? -1 : request.length);
      assert.equal(request.body === 'none' ? 0 : head.bodyLength, head.bodyLength);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted > 500, `only ${accepted} of them were accepted`);
});

it('trailers', () => {
  assert.equal(trailerText(['grpc-status', '0', 'x-a', 'b']), 'grpc-status: 0\r\nx-a: b\r\n');
  for (const bad of [':path', 'X-A', '', 'x a', 'connection']) assert.equal(trailerText([bad, 'b']), null);
  assert.equal(trailerText(['x-a', 'b\r\nc: d']), null);
});
