import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { HpackDecoder } from './hpack-decoder.ts';
import { mostBlock, writeTrailerBlock } from './hpack-writer.ts';
import { writeRequestBlock, written } from './request-block.ts';

function write(text: string, secure = false, tunnel = false) {
  const head = Buffer.from(text, 'latin1');
  const out = new Uint8Array(mostBlock(head.length));
  const end = writeRequestBlock(head, secure, tunnel, null, out, 0);
  const decoder = new HpackDecoder(1 << 20);
  assert.equal(decoder.decode(out, 0, end), true);
  assert.equal(decoder.touched, false);
  return { fields: decoder.fields, ...written };
}

describe('a request head as a block of fields', () => {
  test('pseudo-fields first, wherever Host stands; names in lower case, values without the blanks around them', () => {
    const text = 'PUT /a?b=c HTTP/1.1\r\nX-One:  1 \t\r\nHost: \tshop.example:81 \r\nAccept:*/*\r\n\r\n';
    const { fields, end, isHead, bodyLength } = write(text);
    assert.deepEqual(fields, [
      ':method',
      'PUT',
      ':scheme',
      'http',
      ':path',
      '/a?b=c',
      ':authority',
      'shop.example:81',
      'x-one',
      '1',
      'accept',
      '*/*',
    ]);
    assert.deepEqual([end, isHead, bodyLength], [text.length, false, 0]);
  });

  test('what is of one connection stays behind', () => {
    const lines =
      'Connection: TE\r\nTE: trailers\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 1\r\n';
    const { fields, bodyLength } = write(`POST / HTTP/1.1\r\nHost: a\r\n${lines}Proxy-Connection: x\r\n\r\n`, true);
    assert.deepEqual(fields, [
      ':method',
      'POST',
      ':scheme',
      'https',
      ':path',
      '/',
      ':authority',
      'a',
      'te',
      'trailers',
    ]);
    assert.equal(bodyLength, -1);
  });

  test('a request for an upgrade, as an extended CONNECT', () => {
    const lines =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://a\r\nSec-WebSocket-Protocol: chat, talk\r\n';
    const { fields, end, isHead, bodyLength } = write(`GET /c?d HTTP/1.1\r\n${lines}Host: a\r\n\r\n`, true, true);
    assert.deepEqual(fields, [
      ':method',
      'CONNECT',
      ':protocol',
      'websocket',
      ':scheme',
      'https',
      ':path',
      '/c?d',
      ':authority',
      'a',
      'sec-websocket-version',
      '13',
      'origin',
      'http://a',
      'sec-websocket-protocol',
      'chat, talk',
    ]);
    assert.deepEqual([end, isHead, bodyLength], [`GET /c?d HTTP/1.1\r\n${lines}Host: a\r\n\r\n`.length, false, 0]);
  });

  test('lengths, methods and fields of the static table', () => {
    const { fields, isHead, bodyLength } = write(
      'HEAD / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nAuthorization: x\r\nUser-Agent: u\r\nContent-Length: 1234567890123\r\n\r\n',
    );
    assert.deepEqual(fields.slice(8), [
      'cookie',
      'a=b',
      'authorization',
      'x',
      'user-agent',
      'u',
      'content-length',
      '1234567890123',
    ]);
    assert.deepEqual([isHead, bodyLength], [true, 1_234_567_890_123]);
  });

  test('long values, and every byte that a value may have', () => {
    const value = Buffer.from(
      [...Array(95).keys()].map((c) => c + 0x20).concat([...Array(128).keys()].map((c) => c + 128)),
    )
      .toString('latin1')
      .trim();
    const long = 'x'.repeat(20_000);
    const { fields } = write(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${value}\r\nX-B: ${long}\r\n\r\n`);
    assert.deepEqual(fields.slice(8), ['x-a', value, 'x-b', long]);
  });

  test('a section of trailers', () => {
    const out = new Uint8Array(256);
    const end = writeTrailerBlock([...Buffer.from('Grpc-Status: 0\r\nx-sum:  abc \r\n')], out, 0);
    const decoder = new HpackDecoder(1024);
    decoder.decode(out, 0, end);
    assert.deepEqual(decoder.fields, ['grpc-status', '0', 'x-sum', 'abc']);
  });
});
