import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { HpackDecoder } from './hpack-decoder.ts';
import { decodeHuffman } from './huffman.ts';
import { encodeHuffman, integer, string, TestEncoder, type Written } from './testing.ts';

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

function decode(decoder: HpackDecoder, bytes: Uint8Array): string[] {
  assert.equal(decoder.decode(bytes, 0, bytes.length), true);
  return decoder.fields;
}

const REQUESTS = [
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com', 'cache-control', 'no-cache'],
  [
    ':method',
    'GET',
    ':scheme',
    'https',
    ':path',
    '/index.html',
    ':authority',
    'www.example.com',
    'custom-key',
    'custom-value',
  ],
];
const ANSWERS = [
  [
    ':status',
    '302',
    'cache-control',
    'private',
    'date',
    'Mon, 21 Oct 2013 20:13:21 GMT',
    'location',
    'https://www.example.com',
  ],
];

describe('the vectors of RFC 7541, appendix C', () => {
  const cases: [string, string[], string[][]][] = [
    [
      'C.3 requests without Huffman',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
      REQUESTS,
    ],
    [
      'C.4 requests with Huffman',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
      REQUESTS,
    ],
    [
      'C.6.1 an answer with Huffman',
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      ],
      ANSWERS,
    ],
  ];
  for (const [name, blocks, expected] of cases) {
    test(name, () => {
      const decoder = new HpackDecoder(65_536);
      blocks.forEach((block, i) => assert.deepEqual(decode(decoder, bytesOf(block)), expected[i]));
    });
  }

  test('C.2 each kind of field, and what it says of itself', () => {
    const kinds: [string, string[], boolean, boolean][] = [
      ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header'], true, true],
      ['040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path'], false, false],
      ['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret'], false, false],
      ['82', [':method', 'GET'], false, false],
    ];
    for (const [block, fields, touched, indexes] of kinds) {
      const decoder = new HpackDecoder(65_536);
      assert.deepEqual(decode(decoder, bytesOf(block)), fields);
      assert.deepEqual([decoder.touched, decoder.indexes], [touched, indexes]);
    }
  });
});

describe('malformed blocks', () => {
  const cases: [string, number[]][] = [
    ['index 0', [0x80]],
    ['an entry that is not there', [0xbe]],
    ['a name that is not there', [...integer(0, 0x0f, 62), ...string('x')]],
    ['the name is missing', [0x00]],
    ['the value is missing', [0x00, ...string('a')]],
    ['a string longer than the block', [0x00, 0x05, 0x61]],
    ['an integer that does not end', [0xff, 0xff]],
    ['an integer of five bytes', [0xff, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['a table beyond the default', integer(0x20, 0x1f, 4097)],
    ['a change of the table behind a field', [0x82, 0x20]],
    ['EOS within a string', [0x00, ...string('a'), 0x84, 0xff, 0xff, 0xff, 0xff]],
    ['a padding of eight bits', [0x00, ...string('a'), 0x82, ...encodeHuffman('a'), 0xff]],
    ['a padding of zeros', [0x00, ...string('a'), 0x81, 0x18]],
  ];
  for (const [name, bytes] of cases) {
    test(name, () => {
      const decoder = new HpackDecoder(65_536);
      assert.equal(decoder.decode(Uint8Array.from(bytes), 0, bytes.length), false);
    });
  }

  test('whatever bytes come: an answer, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder(1024);
        for (const block of blocks) assert.equal(typeof decoder.decode(block, 0, block.length), 'boolean');
      }),
      { numRuns: 2000 },
    );
  });
});

const field = (name: string): Written => ({ name, value: 'v'.repeat(40), how: 'indexed', huffman: false });

test('more fields than are allowed: the table is as if they had been', () => {
  const decoder = new HpackDecoder(100);
  const encoder = new TestEncoder();
  const first = Uint8Array.from(encoder.encode([field('a'), field('b'), field('c')]));
  decode(decoder, first);
  assert.equal(decoder.tooLarge, true);
  assert.deepEqual(decode(decoder, Uint8Array.from(encoder.encode([field('c')]))), ['c', 'v'.repeat(40)]);
  assert.equal(decoder.tooLarge, false);
});

test('what another encoder writes is read as it was meant, whatever it does with its table', () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)), maxLength: 30 });
  const written: fc.Arbitrary<Written> = fc.record({
    name: fc.oneof(fc.constantFrom('date', 'etag', 'x-a', 'set-cookie'), text),
    value: text,
    how: fc.constantFrom('indexed', 'plain', 'never'),
    huffman: fc.boolean(),
  });
  const block = fc.record({
    resize: fc.option(fc.integer({ min: 0, max: 200 })),
    fields: fc.array(written, { maxLength: 8 }),
  });
  fc.assert(
    fc.property(fc.array(block, { maxLength: 8 }), (blocks) => {
      const encoder = new TestEncoder();
      const decoder = new HpackDecoder(65_536);
      for (const { resize, fields } of blocks) {
        const bytes = Uint8Array.from([...(resize === null ? [] : encoder.resize(resize)), ...encoder.encode(fields)]);
        assert.deepEqual(
          decode(decoder, bytes),
          fields.flatMap(({ name, value }) => [name, value]),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('Huffman: every text comes back', () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)) });
  fc.assert(
    fc.property(text, (given) => {
      const bytes = Uint8Array.from(encodeHuffman(given));
      assert.equal(decodeHuffman(bytes, 0, bytes.length), given);
    }),
  );
});
