import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { INCOMPLETE } from './bad.ts';
import { parseResponse, ResponseHead } from './parse-response.ts';
import { isWorthParsing, PartialHead } from './partial-head.ts';

const SIZE = 65_536;

/** A head of `SIZE` bytes whose lines have `length` of them. */
const headOf = (length: number) => {
  const line = `${'x'.repeat(length - 2)}\r\n`;
  return Buffer.from(`${line.repeat(SIZE / length).slice(0, -4)}\r\n\r\n`, 'latin1');
};

describe('a head in pieces', () => {
  for (const [name, length] of [
    ['one line', SIZE / 2],
    ['lines of 64 bytes', 64],
    ['lines of 4 bytes', 4],
  ] as const) {
    it(`is looked at about as often as it is long, byte by byte: ${name}`, () => {
      const bytes = headOf(length);
      const head = new PartialHead(bytes, 0, 1);
      let buffers = 0;
      let last = false;
      for (let p = 1; p < bytes.length; p++) {
        const before = head.bytes;
        last = head.append(bytes.subarray(p, p + 1), 1);
        if (last) head.parsed += head.length;
        if (head.bytes !== before) buffers++;
      }
      assert.ok(last, 'the end of the head is not missed');
      assert.ok(head.parsed <= 18 * SIZE, `${head.parsed} bytes parsed for ${SIZE}`);
      assert.ok(buffers <= 16, `copied ${buffers} times`);
      assert.deepEqual(Buffer.from(head.bytes.subarray(0, head.length)), bytes);
      assert.equal(head.bytes[head.length], 0, 'room for the zero behind it');
    });
  }

  it('is seen to be whole with its last byte, however it is cut', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n';
    const body = fc.string({ maxLength: 8 });
    const cuts = fc.array(fc.nat(text.length + 8), { maxLength: 12 });
    fc.assert(
      fc.property(body, cuts, fc.nat(SIZE * 100), (rest, at, spent) => {
        const bytes = Buffer.from(text + rest, 'latin1');
        const ends = [...new Set([...at, bytes.length])].filter((end) => end > 0 && end <= bytes.length);
        let from = 0;
        for (const end of ends.toSorted((a, b) => a - b)) {
          if (from < text.length && end >= text.length && !isWorthParsing(bytes, from, end, spent)) return false;
          from = end;
        }
        return true;
      }),
    );
  });

  it('is refused before a sixteenth more of it has come, where it is malformed', () => {
    const good = `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(100)}`;
    const bytes = Buffer.from(`${good}X y\r\n${'X: y\r\n'.repeat(100)}`, 'latin1');
    const answer = new ResponseHead();
    const head = new PartialHead(bytes, 0, 1);
    for (let p = 1; p < bytes.length; p++) {
      if (!head.append(bytes.subarray(p, p + 1), 1)) continue;
      head.parsed += head.length;
      head.bytes[head.length] = 0;
      if (parseResponse(answer, head.bytes, 0, head.length) !== INCOMPLETE) break;
    }
    assert.ok(head.length > good.length && head.length < (good.length + 4) * (17 / 16), `found at ${head.length}`);
  });
});
