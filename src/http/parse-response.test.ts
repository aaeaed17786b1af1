import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { INCOMPLETE } from './bad.ts';
import { BAD_RESPONSE, ResponseHead, parseResponse } from './parse-response.ts';

const head = new ResponseHead();

function parse(text: string): number {
  const bytes = Buffer.from(`${text}\0\r\n\r\n`, 'latin1');
  return parseResponse(head, bytes, 0, text.length);
}

const good: [string, Partial<ResponseHead>][] = [
  ['HTTP/1.1 200 OK\r\n\r\n', { status: 200, keepAlive: true, length: -1, chunked: false, plainLine: true }],
  ['HTTP/1.1 200\r\n\r\n', { status: 200, plainLine: false }],
  ['HTTP/1.0 404 No\r\n\r\n', { status: 404, keepAlive: false, plainLine: false }],
  ['HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n', { keepAlive: true }],
  ['HTTP/1.1 200 OK\r\nConnection: x, close\r\n\r\n', { keepAlive: false, special: true }],
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', { length: 5, hasLength: true, plainFraming: true, special: false }],
  ['HTTP/1.1 200 OK\r\nContent-Length:05 \r\n\r\n', { length: 5, plainFraming: false }],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', { chunked: true, plainFraming: true }],
  ['HTTP/1.1 200 OK\r\nKeep-Alive: timeout=15, max=3\r\n\r\n', { keepAliveSeconds: 15, special: true }],
  ['HTTP/1.1 200 OK\r\nKeep-Alive: max=3, timeout=9\r\n\r\n', { keepAliveSeconds: 9 }],
  ['HTTP/1.1 200 OK\r\nKeep-Alive: timeout=99999999999999999\r\n\r\n', { keepAliveSeconds: 999_999 }],
  ['HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', { status: 101, upgrade: true }],
  ['HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n', { upgrade: false }],
  ['HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n', { upgrade: false }],
];
const bad = [
  'HTTP/2 200\r\n\r\n',
  'HTTP/1.1 99 X\r\n\r\n',
  'HTTP/1.1 2000 X\r\n\r\n',
  'HTTP/1.1 20 OK\r\n\r\n',
  'HTTP/1.1  200 OK\r\n\r\n',
  'HTTP/1.1 200OK\r\n\r\n',
  'HTTP/1.1 200\n\n',
  'http/1.1 200 OK\r\n\r\n',
  '<html></html>\r\n\r\n',
  'x\r\n',
  'HTTP/1.1 200 OK\r\nX : y\r\n\r\n',
  'HTTP/1.1 200 OK\r\n X: y\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX: y\n\r\n',
  'HTTP/1.1 200 OK\r\nX: \0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
  `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(201)}\r\n`,
];

describe('parseResponse', () => {
  for (const [text, expected] of good)
    it(JSON.stringify(text), () => {
      assert.equal(parse(text), text.length);
      for (const [key, value] of Object.entries(expected)) assert.equal(head[key as keyof ResponseHead], value, key);
      for (let length = 0; length < text.length; length++)
        assert.equal(parse(text.slice(0, length)), INCOMPLETE, `${length}`);
    });
  for (const text of bad)
    it(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => assert.equal(parse(text), BAD_RESPONSE));
});
