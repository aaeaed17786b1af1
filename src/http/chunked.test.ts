import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { ChunkedDecoder, writeChunkSize } from './chunked.ts';

interface Decoded {
  readonly result: number;
  readonly data: string;
  readonly rest: string;
  readonly trailers: string | null;
}

/** Decodes `pieces` one after another. */
function decode(pieces: readonly string[], decoder = new ChunkedDecoder()): Decoded {
  let data = '';
  for (const [i, piece] of pieces.entries()) {
    const input = Buffer.from(piece, 'latin1');
    const output = Buffer.alloc(input.length);
    const result = decoder.decode(input, 0, input.length, output, 0);
    if (result < 0) return { result, data: '', rest: '', trailers: null };
    data += output.toString('latin1', 0, decoder.written);
    if (result === 0) continue;
    const trailers = decoder.trailers === null ? null : Buffer.from(decoder.trailers).toString('latin1');
    return { result, data, rest: piece.slice(decoder.position) + pieces.slice(i + 1).join(''), trailers };
  }
  return { result: 0, data, rest: '', trailers: null };
}

const good: [string, string, string, string | null][] = [
  ['0\r\n\r\n', '', '', null],
  ['5\r\nhello\r\n0\r\n\r\nGET', 'hello', 'GET', null],
  ['00A;a=b;c="d\\";e" ; f\r\n0123456789\r\n000\r\n\r\n', '0123456789', '', null],
  ['1\r\n\n\r\n0\r\nX: y\r\nContent-Length: 5\r\nx_y: z\r\nZ:\r\n\r\n', '\n', '', 'X: y\r\nZ:\r\n'],
  ['0000000000000001\r\na\r\n0\r\n\r\n', 'a', '', null],
];
const bad = [
  '\r\n',
  ' 5\r\n',
  '5 \r\n',
  '5;\r\n',
  '5;a=\r\n',
  '5;a="b\r\n',
  '0x5\r\n',
  '-1\r\n',
  '5\nhello',
  '5\r\nhelloX',
  '5\r\nhello\rX',
  '5\r\rh',
  '00000000000000001\r\n',
  'ffffffffffffffff\r\n',
  '20000000000000\r\n\r',
  `1;${'a'.repeat(5000)}`,
  '0\r\nX: y\n',
  '0\r\n: y\r\n',
  '0\r\n X: y\r\n',
  '0\r\nX : y\r\n',
  `0\r\nX: ${'y'.repeat(17_000)}`,
  `0\r\n${'X: y\r\n'.repeat(101)}`,
  '0\r\n\rX',
];

describe('ChunkedDecoder', () => {
  for (const [text, data, rest, trailers] of good)
    it(JSON.stringify(text), () => {
      const whole = { result: 1, data, rest, trailers };
      assert.deepEqual(decode([text]), whole);
      assert.deepEqual(decode(text.split('')), whole);
    });
  for (const text of bad)
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.equal(decode([text]).result, -1);
      assert.equal(decode(text.split('')).result, -1);
    });

  it('takes the largest exact size and no larger one', () => {
    assert.equal(decode(['1fffffffffffff\r\n']).result, 0);
    assert.equal(decode(['20000000000000\r\n']).result, -1);
  });

  it('reads what writeChunkSize writes, however it is cut, and again after reset', () => {
    const decoder = new ChunkedDecoder();
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 300 })), fc.nat(), (chunks, cut) => {
        const latin = chunks.map((chunk) => Buffer.from(chunk).toString('latin1'));
        const head = Buffer.alloc(16);
        const text = `${latin
          .map((chunk) => `${head.toString('latin1', 0, writeChunkSize(head, 0, chunk.length))}${chunk}\r\n`)
          .join('')}0\r\n\r\nrest`;
        const at = cut % text.length;
        decoder.reset();
        const { data, rest } = decode([text.slice(0, at), text.slice(at)], decoder);
        assert.equal(data, latin.join(''));
        assert.equal(rest, 'rest');
      }),
    );
  });
});
