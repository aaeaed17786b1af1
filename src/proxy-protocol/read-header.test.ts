import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { BAD_PROXY_HEADER, INCOMPLETE, readProxyHeader } from './read-header.ts';

const { missing, malformed, tooLong } = BAD_PROXY_HEADER;
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const read = (bytes: Buffer) => readProxyHeader(bytes, bytes.length);
/** Length and source of a header. */
const known = (bytes: Buffer) => {
  const header = read(bytes);
  return typeof header === 'number' ? header : { length: header.length, source: header.ends?.source ?? null };
};
const SIGNATURE = latin1('\r\n\r\n\0\r\nQUIT\n');

/** A header of version 2. */
const binary = (command: number, family: number, body: Buffer): Buffer =>
  Buffer.concat([SIGNATURE, Buffer.of(command, family, body.length >> 8, body.length & 255), body]);

const V4 = Buffer.of(203, 0, 113, 7, 10, 0, 0, 1, 0xdc, 0x04, 0, 80);
const V6 = Buffer.concat([
  latin1('\x20\x01\x0d\xb8'),
  Buffer.alloc(11),
  Buffer.of(7),
  Buffer.alloc(16),
  Buffer.alloc(4),
]);
const extension = (type: number, length: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.of(type, length >> 8, length & 255), value]);

const good: readonly (readonly [string, Buffer, string | null])[] = [
  ['1, IPv4', latin1('PROXY TCP4 203.0.113.7 10.0.0.1 56324 80\r\n'), '203.0.113.7'],
  ['1, IPv6', latin1('PROXY TCP6 2001:DB8::7 ::1 0 65535\r\n'), '2001:db8::7'],
  ['1, unknown', latin1('PROXY UNKNOWN\r\n'), null],
  ['1, unknown, with whatever', latin1(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), null],
  ['2, IPv4', binary(0x21, 0x11, V4), '203.0.113.7'],
  ['2, IPv6', binary(0x21, 0x21, V6), '2001:db8::7'],
  [
    '2, IPv4 in IPv6',
    binary(0x21, 0x21, Buffer.concat([Buffer.alloc(10), Buffer.of(255, 255, 1, 2, 3, 4), Buffer.alloc(20)])),
    '::ffff:1.2.3.4',
  ],
  [
    '2, extensions',
    binary(0x21, 0x11, Buffer.concat([V4, extension(4, 0, latin1('')), extension(5, 3, latin1('abc'))])),
    '203.0.113.7',
  ],
  ['2, a Unix socket', binary(0x21, 0x31, Buffer.alloc(216)), null],
  ['2, local', binary(0x20, 0, Buffer.alloc(0)), null],
  ['2, local, with whatever', binary(0x20, 0x11, latin1('abc')), null],
  ['2, unspecified', binary(0x21, 0, latin1('xyz')), null],
];

const bad: readonly (readonly [string, Buffer, number])[] = [
  ['a request', latin1('GET / HTTP/1.1\r\n\r\n'), missing],
  ['a request whose method begins alike', latin1('PROPFIND / HTTP/1.1\r\n\r\n'), missing],
  ['TLS', Buffer.of(22, 3, 1, 2, 0), missing],
  ['an empty line', latin1('\r\n\r\nGET'), missing],
  ['1, 108 bytes', latin1(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`), tooLong],
  ['1, no end', latin1(`PROXY ${'f'.repeat(101)}`), tooLong],
  ['1, LF alone', latin1('PROXY UNKNOWN\n'), malformed],
  ['1, nothing', latin1('PROXY \r\n'), malformed],
  ['1, no ports', latin1('PROXY TCP4 1.2.3.4 1.2.3.4\r\n'), malformed],
  ['1, one port', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n'), malformed],
  ['1, three ports', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n'), malformed],
  ['1, a port too large', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n'), malformed],
  ['1, a zero in front', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n'), malformed],
  ['1, two blanks', latin1('PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n'), malformed],
  ['1, the other family', latin1('PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n'), malformed],
  ['1, a zone', latin1('PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n'), malformed],
  ['1, a name', latin1('PROXY TCP4 example.org 1.2.3.4 1 2\r\n'), malformed],
  ['1, lower case', latin1('PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n'), malformed],
  ['2, version 1', binary(0x11, 0x11, V4), malformed],
  ['2, an unknown command', binary(0x22, 0x11, V4), malformed],
  ['2, an unknown family', binary(0x21, 0x41, V4), malformed],
  ['2, datagrams', binary(0x21, 0x12, V4), malformed],
  ['2, addresses cut off', binary(0x21, 0x21, V4), malformed],
  [
    '2, an extension beyond the header',
    binary(0x21, 0x11, Buffer.concat([V4, extension(5, 4, latin1('abc'))])),
    malformed,
  ],
  ['2, half an extension', binary(0x21, 0x11, Buffer.concat([V4, Buffer.of(5, 0)])), malformed],
  ['2, longer than any', binary(0x21, 0x11, Buffer.alloc(5000)), tooLong],
];

describe('the header of the PROXY protocol (117)', () => {
  for (const [name, bytes, source] of good) {
    test(`${name} → ${source ?? 'nobody else'}`, () => {
      const rest = latin1('GET / HTTP/1.1\r\n');
      assert.deepEqual(known(bytes), { length: bytes.length, source });
      assert.deepEqual(
        known(Buffer.concat([bytes, rest])),
        { length: bytes.length, source },
        'what follows is not read',
      );
      for (let cut = 0; cut < bytes.length; cut++) assert.equal(readProxyHeader(bytes, cut), INCOMPLETE);
    });
  }

  for (const [name, bytes, code] of bad) {
    test(`${name} is refused`, () => {
      assert.equal(read(bytes), code);
      let said: unknown = INCOMPLETE;
      for (let cut = 0; said === INCOMPLETE && cut <= bytes.length; cut++) said = readProxyHeader(bytes, cut);
      assert.equal(said, code, 'however it is cut');
    });
  }

  test('both ends are read', () => {
    const ends = { source: '203.0.113.7', sourcePort: 56_324, destination: '10.0.0.1', destinationPort: 80 };
    const line = latin1('PROXY TCP4 203.0.113.7 10.0.0.1 56324 80\r\n');
    assert.deepEqual(read(line), { length: line.length, ends });
    assert.deepEqual(read(binary(0x21, 0x11, V4)), { length: 28, ends });
  });

  test('what is given is read back, for all addresses', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65_535 }), (address, port) => {
        const family = address.includes(':') ? 'TCP6' : 'TCP4';
        const bytes = latin1(`PROXY ${family} ${address} ${address} ${port} ${port}\r\n`);
        const header = read(bytes);
        assert.ok(typeof header === 'object' && header.length === bytes.length);
      }),
    );
  });

  test('no input is an exception', () => {
    fc.assert(
      fc.property(fc.constantFrom(SIGNATURE, latin1('PROXY ')), fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const bytes = Buffer.concat([start, rest]);
        const header = read(bytes);
        if (typeof header === 'object') assert.ok(header.length <= bytes.length);
      }),
    );
  });
});
