import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';

import fc from 'fast-check';

import { carriedV4, contains, formatIp, includes, parseIp, parseNetwork, readHost } from './ip-address.ts';

void test('addresses are read and written as everybody does', () => {
  const texts = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(texts, (text) => {
      const url = new URL(`http://${text.includes(':') ? `[${text}]` : text}/`);
      const expected = url.hostname.replace(/^\[|\]$/g, '');
      const parsed = parseIp(text)!;
      const written = formatIp(parsed);
      // What is IPv4 within IPv6 is written as what it is.
      if (written.includes(':') || !text.includes(':')) assert.equal(written, expected);
      assert.deepEqual(parseIp(written), parsed);
    }),
    { numRuns: 2000 },
  );
});

void test('what is no address is none, as node:net sees it', () => {
  const alphabet = fc.constantFrom('0', '1', '9', 'a', 'f', ':', ':', '::', '.', '255', '256', 'g', '-');
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      assert.equal(parseIp(text) !== null, isIP(text) !== 0, text);
    }),
    { numRuns: 5000 },
  );
});

void test('one address has many texts', () => {
  const texts = [
    '10.0.0.11 10.0.0.11. 167772171 0xa00000b 0x0A00000B 01200000013 10.11 10.0.11 0xa.0.0.0xb 012.0.0.013',
    '::ffff:10.0.0.11 ::ffff:a00:b 0:0:0:0:0:ffff:0a00:000b [::ffff:10.0.0.11] ::FFFF:10.0.0.11%eth0',
  ];
  for (const text of texts.flatMap((each) => each.split(' '))) {
    const address = readHost(text);
    assert.equal(address === null ? null : formatIp(address), '10.0.0.11', text);
  }
  const names = 'web.example 10.example 10.0.0.256 10.0.0.0.11 09.0.0.1 0x 4294967296 1..2 -1 0xg localhost :: ::1:g';
  const read = names.split(' ').flatMap((name) => (readHost(name) === null ? [] : [name]));
  assert.deepEqual(read, ['::']);
});

const lies = (address: string, network: string) => contains(parseNetwork(network)!, parseIp(address)!);

void test('networks contain what they should, of their own family alone', () => {
  assert.ok(lies('10.255.0.1', '10.0.0.0/8'));
  assert.ok(!lies('11.0.0.1', '10.0.0.0/8'));
  assert.ok(lies('10.0.0.129', '10.0.0.128/25'));
  assert.ok(!lies('10.0.0.127', '10.0.0.128/25'));
  assert.ok(lies('1.2.3.4', '0.0.0.0/0'));
  assert.ok(lies('1.2.3.4', '::ffff:0:0/96'));
  assert.ok(!lies('1.2.3.4', '::/0'));
  assert.ok(!lies('fd00::1', '0.0.0.0/0'));
  assert.ok(lies('fd00::1', 'fd00::/7'));
  assert.ok(includes(parseNetwork('10.0.0.0/8')!, parseNetwork('10.1.0.0/16')!));
  assert.ok(!includes(parseNetwork('10.1.0.0/16')!, parseNetwork('10.0.0.0/8')!));
  for (const text of ['10.0.0.0/33', '10.0.0.0/', 'x/8', '10.0.0.0/08', '::/129', '/8', '10/8']) {
    assert.equal(parseNetwork(text), null, text);
  }
});

void test('what an IPv6 address carries is found', () => {
  const carried: Record<string, string[]> = {
    '::10.0.0.11': ['10.0.0.11'],
    '::ffff:0:10.0.0.11': ['10.0.0.11'],
    '64:ff9b::10.0.0.11': ['10.0.0.11'],
    '64:ff9b:1:a00:0:b00::': ['0.0.0.0', '10.0.0.11'],
    '2002:a00:b::1': ['10.0.0.11'],
    '2001:0:a00:b::f5ff:fff4': ['10.0.0.11', '10.0.0.11'],
    'fe80::5efe:10.0.0.11': ['10.0.0.11'],
    'fd00::200:5efe:a00:b': ['10.0.0.11'],
    'fd00::a00:b': [],
    '::ffff:10.0.0.11': [],
  };
  for (const [text, expected] of Object.entries(carried)) {
    assert.deepEqual(carriedV4(parseIp(text)!).map(formatIp), expected, text);
  }
});
