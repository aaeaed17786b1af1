import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { HpackDecoder } from './hpack-decoder.ts';
import { type KnownRequest, KnownRequests } from './known-requests.ts';
import { TestEncoder, type Written } from './testing.ts';

const newKey = () => 'a key';
const plain = (name: string, value: string): Written => ({ name, value, how: 'plain', huffman: false });
const FIRST = [plain(':method', 'GET'), plain(':scheme', 'http'), plain(':path', '/')];

/** Requests of a client that says much the same again and again, in any encoding; some say nothing that may be said. */
const requests = fc.array(
  fc.record({
    fields: fc.array(
      fc.record({
        name: fc.constantFrom('x-a', 'x-b', 'cookie', 'content-length', 'Bad'),
        value: fc.constantFrom('1', '2', 'three'),
        how: fc.constantFrom('indexed', 'plain', 'never'),
        huffman: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    ended: fc.boolean(),
    resize: fc.option(fc.constantFrom(0, 100, 4096), { freq: 8 }),
  }),
  { maxLength: 40 },
);

const shown = (known: KnownRequest | null) =>
  known === null
    ? null
    : { request: known.request, text: Buffer.from(known.bytes.subarray(0, known.length)).toString('latin1') };

describe('requests that have come before', () => {
  test('mean the same as when they are decoded, whatever the table has become', () => {
    fc.assert(
      fc.property(requests, (all) => {
        const encoder = new TestEncoder();
        const known = new KnownRequests(newKey);
        const decoder = new HpackDecoder(65_536);
        const other = new HpackDecoder(65_536);
        for (const { fields, ended, resize } of all) {
          const block = Uint8Array.from([
            ...(resize === null ? [] : encoder.resize(resize)),
            ...encoder.encode([...FIRST, ...(fields as Written[])]),
          ]);
          const found = known.find(decoder, block, 0, block.length, ended);
          const fresh = new KnownRequests(newKey).find(other, block, 0, block.length, ended);
          assert.deepEqual(shown(found), shown(fresh));
        }
      }),
    );
  });

  test('are the same object, until the table changes', () => {
    const encoder = new TestEncoder();
    const known = new KnownRequests(newKey);
    const decoder = new HpackDecoder(65_536);
    const find = (fields: Written[]) => {
      const block = Uint8Array.from(encoder.encode([...FIRST, ...fields]));
      return known.find(decoder, block, 0, block.length, true);
    };
    const indexed: Written = { name: 'x-a', value: '1', how: 'indexed', huffman: true };
    find([indexed]);
    const first = find([indexed]);
    assert.equal(find([indexed]), first);
    find([{ ...indexed, value: '2' }]);
    const later = find([indexed]);
    assert.notEqual(later, first);
    assert.deepEqual(shown(later), shown(first));
  });

  test('of tunnels are not kept: each has a key of its own', () => {
    let keys = 0;
    const known = new KnownRequests(() => String(++keys));
    const decoder = new HpackDecoder(65_536);
    const block = Uint8Array.from(
      new TestEncoder().encode([
        plain(':method', 'CONNECT'),
        plain(':protocol', 'websocket'),
        plain(':scheme', 'http'),
        plain(':path', '/'),
        plain(':authority', 'a'),
      ]),
    );
    for (const key of ['1', '2']) {
      const { request } = known.find(decoder, block, 0, block.length, false)!;
      assert.equal(request?.type === 'request' && request.key, key);
    }
  });

  test('that are too large are told from those that are malformed', () => {
    const block = Uint8Array.from(
      new TestEncoder().encode([...FIRST, { name: 'x', value: 'y'.repeat(100), how: 'plain', huffman: false }]),
    );
    const found = new KnownRequests(newKey).find(new HpackDecoder(150), block, 0, block.length, true);
    assert.equal(found?.tooLarge, true);
    assert.equal(new KnownRequests(newKey).find(new HpackDecoder(150), Uint8Array.of(0x80), 0, 1, true), null);
  });
});
