import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ResponseHead, parseResponse } from '../http/parse-response.ts';
import { answerText, BEHIND } from './answer-text.ts';
import { trailerText } from './field-rules.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { KnownHeads, recall } from './known-heads.ts';
import { integer, string, TestEncoder } from './testing.ts';

const text = (fields: string[], behind: number = BEHIND.body) => answerText(fields, behind)?.text ?? null;

describe('an answer in the terms of HTTP/1.1', () => {
  test('its framing says what is to come', () => {
    const ok = [':status', '200'];
    assert.equal(text(ok), 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    assert.equal(text(ok, BEHIND.nothing), 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    assert.equal(text(ok, BEHIND.never), 'HTTP/1.1 200 OK\r\n\r\n');
    assert.equal(text([...ok, 'content-length', '5']), 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
    assert.equal(text([...ok, 'content-length', '5'], BEHIND.never), 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
    for (const status of ['204', '304', '103']) assert.match(text([':status', status])!, /^HTTP\/1\.1 ... .+\r\n\r\n$/);
    assert.equal(text([':status', '599']), 'HTTP/1.1 599 \r\ntransfer-encoding: chunked\r\n\r\n');
  });

  test('fields keep their order, and bytes above 127', () => {
    const fields = [':status', '404', 'set-cookie', 'a=1', 'x-name', 'caf\u00E9', 'set-cookie', 'b=2'];
    assert.match(text(fields)!, /\r\nset-cookie: a=1\r\nx-name: caf\u00E9\r\nset-cookie: b=2\r\n/);
  });

  const malformed: [string, string[], number?][] = [
    ['no status', ['server', 'x']],
    ['the status comes later', ['server', 'x', ':status', '200']],
    ['two of them', [':status', '200', ':status', '200']],
    ['99', [':status', '99']],
    ['1000', [':status', '1000']],
    ['600', [':status', '600']],
    ['+20', [':status', '+20']],
    ['a pseudo-field of requests', [':status', '200', ':path', '/']],
    ['switching protocols', [':status', '101']],
    ['a capital', [':status', '200', 'Server', 'x']],
    ['an empty name', [':status', '200', '', 'x']],
    ['a blank in a name', [':status', '200', 'a b', 'x']],
    ['a colon in a name', [':status', '200', 'a:b', 'x']],
    ['CR in a value', [':status', '200', 'a', 'x\ry']],
    ['LF in a value', [':status', '200', 'a', 'x\ny']],
    ['NUL in a value', [':status', '200', 'a', 'x\0y']],
    ['a blank before a value', [':status', '200', 'a', ' x']],
    ['a tab behind a value', [':status', '200', 'a', 'x\t']],
    ['connection', [':status', '200', 'connection', 'close']],
    ['keep-alive', [':status', '200', 'keep-alive', 'timeout=5']],
    ['transfer-encoding', [':status', '200', 'transfer-encoding', 'chunked']],
    ['upgrade', [':status', '200', 'upgrade', 'websocket']],
    ['proxy-connection', [':status', '200', 'proxy-connection', 'close']],
    ['two lengths', [':status', '200', 'content-length', '5', 'content-length', '5']],
    ['a length with a sign', [':status', '200', 'content-length', '+5']],
    ['a list of lengths', [':status', '200', 'content-length', '5, 5']],
    ['a length of 16 digits', [':status', '200', 'content-length', '1234567890123456']],
    ['a length without content', [':status', '200', 'content-length', '5'], BEHIND.nothing],
  ];
  for (const [name, fields, behind] of malformed)
    test(`malformed: ${name}`, () => assert.equal(text(fields, behind), null));

  test('trailers', () => {
    assert.equal(trailerText(['grpc-status', '0', 'x', '']), 'grpc-status: 0\r\nx: \r\n');
    assert.equal(trailerText([':status', '200']), null);
    assert.equal(trailerText(['X', 'a']), null);
    assert.equal(trailerText(['x', 'a\r\nb: c']), null);
    assert.equal(trailerText(['connection', 'x']), null);
  });
});

describe('heads that have come before', () => {
  const plain = Uint8Array.from([0x88, 0x00, ...string('x-a'), ...string('1')]);

  test('the same bytes are the same head, and another where something else is behind it', () => {
    const heads = new KnownHeads();
    const decoder = new HpackDecoder(1024);
    const first = heads.find(decoder, plain, 0, plain.length, BEHIND.body);
    assert.equal(heads.find(decoder, plain, 0, plain.length, BEHIND.body), first);
    const empty = heads.find(decoder, plain, 0, plain.length, BEHIND.nothing);
    assert.match(Buffer.from(empty!.bytes).toString(), /content-length: 0/);
  });

  test('what a table has to do with is decoded each time', () => {
    const heads = new KnownHeads();
    const decoder = new HpackDecoder(1024);
    const encoder = new TestEncoder();
    const x = (value: string) => encoder.encode([{ name: 'x', value, how: 'indexed', huffman: false }]);
    const read = (bytes: number[]) => {
      const head = heads.find(decoder, Uint8Array.from([0x88, ...bytes]), 0, bytes.length + 1, BEHIND.body);
      return /x: (.)/.exec(Buffer.from(head!.bytes).toString('latin1'))?.[1];
    };
    assert.equal(read(x('a')), 'a');
    assert.equal(read(x('b')), 'b');
    // both are in the table now, the newest first
    const newest = integer(0x80, 0x7f, 62);
    assert.equal(read(newest), 'b');
    assert.equal(read(x('c')), 'c');
    assert.equal(read(newest), 'c');
    // a table without room: putting something into it changes nothing, and is kept
    decoder.decode(Uint8Array.from([0x20]), 0, 1);
    const indexing = Uint8Array.from([0x88, 0x40, ...string('x'), ...string('d')]);
    const kept = heads.find(decoder, indexing, 0, indexing.length, BEHIND.body);
    assert.equal(heads.find(decoder, indexing, 0, indexing.length, BEHIND.body), kept);
    // another connection has a table with room: for it the same bytes are more than their head
    const other = new HpackDecoder(1024);
    assert.notEqual(heads.find(other, indexing, 0, indexing.length, BEHIND.body), kept);
    assert.equal(other.decode(Uint8Array.from(newest), 0, 1), true);
    assert.deepEqual(other.fields, ['x', 'd']);
  });

  test('what is plain is what a parser takes for it', () => {
    const heads = new KnownHeads();
    const decoder = new HpackDecoder(100_000);
    const find = (fields: readonly string[]) => {
      const bytes = Uint8Array.from(fields.flatMap((each, i) => (i % 2 ? string(each) : [0, ...string(each)])));
      return heads.find(decoder, bytes, 0, bytes.length, BEHIND.body)!;
    };
    const long = find([':status', '200', 'content-length', '12', 'server', 'x']);
    assert.equal(long.isPlain, true);
    const recalled = new ResponseHead();
    // whatever was looked at before
    const before = Buffer.from('HTTP/1.0 404 \r\nKeep-Alive: timeout=4\r\nTransfer-Encoding: chunked\r\n\r\n\0');
    parseResponse(recalled, before, 0, before.length - 1);
    recall(recalled, long);
    const parsed = new ResponseHead();
    const { length } = long.bytes;
    assert.equal(parseResponse(parsed, new Uint8Array(long.bytes.buffer), 0, length), length);
    for (const name of TOLD) assert.equal(recalled[name], parsed[name], name);
    assert.deepEqual(recalled.bytes.subarray(0, length), parsed.bytes.subarray(0, length));
    for (const fields of [
      [':status', '200'],
      [':status', '200', 'content-length', '012'],
      [':status', '200', 'content-length', '12', 'trailer', 'x'],
      [':status', '200', 'content-length', '12', 'x', 'a'.repeat(16_384)],
      [':status', '103', 'content-length', '12'],
    ])
      assert.equal(find(fields).isPlain, false, String(fields).slice(0, 60));
  });

  test('malformed heads and blocks', () => {
    const heads = new KnownHeads();
    const decoder = new HpackDecoder(100);
    const find = (bytes: number[]) => heads.find(decoder, Uint8Array.from(bytes), 0, bytes.length, BEHIND.body);
    assert.equal(find([0x82]), null);
    assert.equal(find([0x88, 0x00, ...string('x'), ...string('v'.repeat(100))]), null);
    assert.equal(find([0xff]), undefined);
  });
});

/** What whoever relays an answer asks its head, but for the list of its fields. */
const TOLD = [
  'start',
  'status',
  'minor',
  'plainLine',
  'special',
  'end',
  'hasLength',
  'plainFraming',
  'length',
  'chunked',
  'keepAlive',
  'upgrade',
  'keepAliveSeconds',
] as const;
