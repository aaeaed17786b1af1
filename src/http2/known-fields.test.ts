import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { mostBlock } from './hpack-writer.ts';
import { KnownFields } from './known-fields.ts';
import { writeRequestBlock, written } from './request-block.ts';

const LINES = [
  'Host: shop.example',
  'Host:\tshop.example ',
  'Accept: */*',
  'Accept: text/html',
  'Cookie: a=b',
  'Content-Length: 5',
  'Content-Length: 55',
  'Transfer-Encoding: chunked',
  'Connection: close',
  'X-Forwarded-For: 127.0.0.1',
  `X-Long: ${'long'.repeat(600)}`,
];
const FIRST = ['GET / HTTP/1.1', 'HEAD /a?b HTTP/1.1', 'POST /upload HTTP/1.1'];

/** Requests of a client that has but few sets of fields, some of them for a tunnel. */
const requests = fc
  .tuple(
    fc.array(fc.subarray(LINES, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.constantFrom(...FIRST), fc.nat(2), fc.constantFrom('', 'hello', '\r\n\r\n'), fc.boolean()), {
      maxLength: 20,
    }),
  )
  .map(([sets, picks]) =>
    picks.map(([first, pick, body, tunnel]) => ({
      head: Buffer.from(`${[first, ...sets[pick % sets.length]!].join('\r\n')}\r\n\r\n${body}`, 'latin1'),
      tunnel,
    })),
  );

function blockOf(head: Uint8Array, known: KnownFields | null, tunnel = false) {
  const out = Buffer.alloc(10 + mostBlock(head.length));
  const end = writeRequestBlock(head, false, tunnel, known, out, 10);
  return { block: out.subarray(10, end).toString('latin1'), ...written };
}

/** After so many requests, each with fields of its own. */
function after(count: number): KnownFields {
  const fields = new KnownFields();
  for (let i = 0; i < count; i++) blockOf(Buffer.from(`GET / HTTP/1.1\r\nHost: a${i}\r\n\r\n`), fields);
  return fields;
}

const isKnown = (fields: KnownFields, text: string) => fields.isAt(Buffer.from(text), 0);

describe('fields of the request before', () => {
  test('change nothing in a block, nor in what is told of it', () => {
    fc.assert(
      fc.property(requests, (all) => {
        const known = new KnownFields();
        for (const { head, tunnel } of all) {
          assert.deepEqual(blockOf(head, known, tunnel), blockOf(head, null, tunnel));
        }
      }),
    );
  });

  test('are found again, where they stand whole', () => {
    assert.equal(isKnown(after(1), 'Host: a0\r\n\r\n'), true);
    assert.equal(isKnown(after(1), 'Host: a0\r\n\r\nbody'), true);
    for (const text of ['Host: a0\r\n\r', 'Host: a1\r\n\r\n', 'Host: a0\r\nA: b\r\n\r\n', '']) {
      assert.equal(isKnown(after(1), text), false, text);
    }
  });

  test('are given up where each request has others', () => {
    assert.equal(isKnown(after(8), 'Host: a7\r\n\r\n'), true);
    const fields = after(9);
    assert.equal(isKnown(fields, 'Host: a8\r\n\r\n'), false);
    assert.equal(fields.length, 0);
    blockOf(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), fields);
    assert.equal(isKnown(fields, 'Host: a\r\n\r\n'), false);
  });

  test('that are long are not kept', () => {
    const fields = new KnownFields();
    const text = `Host: a\r\nX: ${'x'.repeat(2048)}\r\n\r\n`;
    blockOf(Buffer.from(`GET / HTTP/1.1\r\n${text}`), fields);
    assert.equal(isKnown(fields, text), false);
  });
});
