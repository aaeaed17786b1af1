import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { answered, writeAnswerBlock } from './answer-block.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { mostBlock } from './hpack-writer.ts';

function fieldsOf(text: string, tunnel = false): string[] {
  const head = Buffer.from(text, 'latin1');
  const out = Buffer.alloc(10 + mostBlock(head.length));
  const end = writeAnswerBlock(head, tunnel, out, 10);
  assert.ok(end - 10 <= mostBlock(head.length));
  const decoder = new HpackDecoder(1 << 20);
  assert.equal(decoder.decode(out, 10, end), true);
  assert.equal(decoder.touched, false, 'something about the dynamic table is said');
  return decoder.fields;
}

/** All that the static table has for answers, and some that it has not. */
const NAMES = (
  'Age Via Date ETag Vary Link Allow Server Expires Location Set-Cookie Retry-After Content-Type Cache-Control ' +
  'Last-Modified Accept-Ranges Content-Range Content-Encoding Content-Language X-Any Grpc-Status Sec-WebSocket-Accept'
).split(' ');

/** Fields of a connection, and one line more. */
const withLine = (line: string) =>
  `HTTP/1.1 200\r\nConnection: close\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: x\r\nHTTP2-Settings: x\r\n${line}X-A: b\r\n\r\n`;

describe('the head of an answer as a block', () => {
  test('decodes to what it said, in lower case and in its order', () => {
    const lines = fc.array(
      fc.tuple(
        fc.constantFrom(...NAMES),
        fc.stringMatching(/^[\x21-\x7e\xa0-\xff]{0,200}$/),
        fc.constantFrom('', ' ', '\t '),
      ),
    );
    fc.assert(
      fc.property(fc.integer({ min: 102, max: 999 }), lines, fc.boolean(), (status, fields, tunnel) => {
        const text = fields.map(([name, value, blank]) => `${name}:${blank}${value}${blank}\r\n`).join('');
        assert.deepEqual(fieldsOf(`HTTP/1.1 ${status} Any Phrase\r\n${text}\r\nbody: x\r\n\r\n`, tunnel), [
          ':status',
          String(status),
          ...fields.flatMap(([name, value]) => [name.toLowerCase(), value]),
        ]);
        assert.equal(answered.status, status);
        assert.equal(answered.bodyLength, 0);
      }),
    );
  });

  test('none of a connection goes on; how the body comes is told', () => {
    assert.deepEqual(fieldsOf(withLine('Transfer-Encoding: chunked\r\n')), [':status', '200', 'x-a', 'b']);
    assert.equal(answered.bodyLength, -1);
    assert.deepEqual(fieldsOf(withLine('Content-Length: 1234\r\n')), [
      ':status',
      '200',
      'content-length',
      '1234',
      'x-a',
      'b',
    ]);
    assert.equal(answered.bodyLength, 1234);
    assert.equal(answered.end, withLine('Content-Length: 1234\r\n').length);
  });

  test('101 is 200 where a tunnel was asked for, without what is between the server and us', () => {
    const text =
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\nSec-WebSocket-Protocol: talk\r\n\r\n';
    assert.deepEqual(fieldsOf(text, true), [':status', '200', 'sec-websocket-protocol', 'talk']);
    assert.equal(text.slice(answered.accept, answered.acceptEnd), 'abc=');
    assert.equal(answered.status, 101);
  });

  test('nobody may keep a cookie in a table', () => {
    const head = Buffer.from('HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n\r\n');
    const out = Buffer.alloc(mostBlock(head.length));
    writeAnswerBlock(head, false, out, 0);
    // RFC 7541 §6.2.3: 0001, then the index 55 behind a prefix of four bits
    assert.deepEqual([...out.subarray(0, 5)], [0x88, 0x1f, 55 - 15, 1, 0x61]);
  });
});
