/** The codec by itself: every way of cutting the input gives the same result. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ChunkedDecoder } from '../../src/http/chunked.ts';
import { parseRequest } from '../../src/http/parse-request.ts';
import { parseResponse, ResponseHead } from '../../src/http/parse-response.ts';
import { RequestHead } from '../../src/http/request-head.ts';
import { request } from './suite.ts';

const requests = [
  request('GET', '/'),
  `\r\n${request('GET', '/a/b?c=d')}`,
  request('POST', '/a/../b/%2e/c?x', 'Content-Length: 005\r\nX:  y \r\n'),
  request(
    'PUT',
    '/',
    'Transfer-Encoding:\tCHUNKED \r\nTrailer: X\r\nTE: trailers\r\nConnection: TE, X-Y\r\nX-Y: z\r\n',
  ),
  'GET http://b.example:80/x?y HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
  'GET http://b.example HTTP/1.0\r\n\r\n',
  request('OPTIONS', '*'),
  request('GET', '/ws', 'Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n'),
  'get /\xe9 HTTP/1.1\r\n\r\n',
  request('GET', '/', 'X_Y: z\r\n__proto__: a\r\nCookie: b=c\r\n'),
  request('GET', '/', 'Content-Length: 5\r\nContent-Length: 5\r\n'),
  request('GET', '/', 'X: \0\r\n'),
  request('GET', '/..'),
  request('GET', '/', 'Y: z\r\n'.repeat(101)),
  'GET / HTTP/1.1\nHost: a\n\n',
  'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
  'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  `${request('GET', '/one')}${request('GET', '/two')}`,
];

const responses = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200\r\n\r\n',
  'HTTP/1.0 404 \r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=9\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close, X\r\nX: y\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: \xe9\r\n\r\n',
  'HTTP/1.1 2000 OK\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/2 200\r\n\r\n',
  '<html>hello</html>\r\n\r\n',
];

const bodies = [
  '5\r\nhello\r\n0\r\n\r\n',
  '00A;a=b;c="d\\"e";f\r\n0123456789\r\n1 ;x\r\ny\r\n000;z\r\nX: y\r\nHost: z\r\nZ:\r\n\r\nGET /',
  '0\r\n\r\n',
  'fffff\r\nabc',
  '5\r\nhelloX\r\n',
  '5;\r\nhello\r\n0\r\n\r\n',
  '0\r\nX : y\r\n\r\n',
  '10000000000000000\r\n',
];

const ROOM = 1 << 16;
const buffer = new Uint8Array(ROOM);

/** Everything that a parse left in the head, with offsets made relative. */
function stateOf(head: RequestHead | ResponseHead, end: number): unknown {
  if (end <= 0) return end;
  const { bytes: _bytes, fields, kinds, ...rest } = head;
  const path =
    head instanceof RequestHead
      ? Buffer.from(head.pathBytes.subarray(head.pathStart, head.pathEnd)).toString('latin1')
      : null;
  const { pathBytes: _pathBytes, ...flat } = rest as typeof rest & { pathBytes?: Uint8Array };
  return structuredClone({
    ...flat,
    path,
    fields: fields.slice(0, 4 * head.fieldCount),
    kinds: kinds.slice(0, head.fieldCount),
  });
}

function cuts(text: string, head: RequestHead | ResponseHead, parse: (bytes: Uint8Array, end: number) => number): void {
  const load = (length: number) => {
    // Behind the cut stands something else than what will come.
    buffer.fill(0x47, 0, length + 16);
    for (let index = 0; index < length; index++) buffer[index] = text.charCodeAt(index);
    buffer[length] = 0;
  };
  load(text.length);
  const whole = parse(buffer, text.length);
  const state = stateOf(head, whole);
  for (let cut = 0; cut < text.length; cut++) {
    load(cut);
    const got = parse(buffer, cut);
    if (whole > 0 && cut >= whole) assert.deepEqual(stateOf(head, got), state, `cut at ${cut}`);
    else if (whole >= 0) assert.equal(got, 0, `cut at ${cut}`);
    else assert.ok(got <= 0, `cut at ${cut}: ${got}`);
    // What is refused early stays refused.
    if (got < 0) assert.ok(whole < 0);
  }
}

function decode(text: string, pieces: readonly [number, number][]): unknown {
  const decoder = new ChunkedDecoder();
  const output = new Uint8Array(ROOM);
  let data = '';
  for (const [from, to] of pieces) {
    const input = Buffer.from(text.slice(from, to), 'latin1');
    const verdict = decoder.decode(input, 0, input.length, output, 0);
    if (verdict < 0) return 'bad';
    data += Buffer.from(output.subarray(0, decoder.written)).toString('latin1');
    if (verdict > 0) return { data, end: from + decoder.position, trailers: decoder.trailers };
  }
  return { data, end: null };
}

describe('cut at every byte', () => {
  for (const text of requests) {
    test(`request ${JSON.stringify(text.slice(0, 60))}`, () => {
      const head = new RequestHead();
      cuts(text, head, (bytes, end) => parseRequest(head, bytes, 0, end));
    });
  }
  for (const text of responses) {
    test(`answer ${JSON.stringify(text.slice(0, 60))}`, () => {
      const head = new ResponseHead();
      cuts(text, head, (bytes, end) => parseResponse(head, bytes, 0, end));
    });
  }
  for (const text of bodies) {
    test(`chunked body ${JSON.stringify(text.slice(0, 60))}`, () => {
      const whole = decode(text, [[0, text.length]]);
      for (let a = 0; a <= text.length; a++) {
        for (let b = a; b <= text.length; b++) {
          assert.deepEqual(
            decode(text, [
              [0, a],
              [a, b],
              [b, text.length],
            ]),
            whole,
            `cut at ${a} and ${b}`,
          );
        }
      }
      const single = Array.from({ length: text.length }, (_, index): [number, number] => [index, index + 1]);
      assert.deepEqual(decode(text, single), whole, 'byte by byte');
    });
  }
});

test('a head is found wherever it stands in the buffer', () => {
  const head = new RequestHead();
  for (const text of requests) {
    const parse = (start: number) => {
      buffer.fill(0x0a);
      for (let index = 0; index < text.length; index++) buffer[start + index] = text.charCodeAt(index);
      buffer[start + text.length] = 0;
      return parseRequest(head, buffer, start, start + text.length);
    };
    const whole = parse(0);
    for (const start of [1, 7, 4096]) {
      const got = parse(start);
      assert.equal(got, whole > 0 ? whole + start : whole, JSON.stringify(text.slice(0, 60)));
    }
  }
});
