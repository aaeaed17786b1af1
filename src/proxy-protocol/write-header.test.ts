import assert from 'node:assert/strict';
import { SocketAddress } from 'node:net';
import { test } from 'node:test';

import fc from 'fast-check';

import { readProxyHeader } from './read-header.ts';
import { proxyHeader, type Ends } from './write-header.ts';

const V4: Ends = { source: '203.0.113.7', sourcePort: 56_324, destination: '192.0.2.1', destinationPort: 80 };
const V6: Ends = { source: '2001:db8::7', sourcePort: 1, destination: '2001:db8::1', destinationPort: 65_535 };

void test('version 1 is a line', () => {
  assert.equal(proxyHeader('V1', V4).toString(), 'PROXY TCP4 203.0.113.7 192.0.2.1 56324 80\r\n');
  assert.equal(proxyHeader('V1', V6).toString(), 'PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n');
  assert.equal(proxyHeader('V1', null).toString(), 'PROXY UNKNOWN\r\n');
});

void test('version 2 is binary', () => {
  assert.equal(proxyHeader('V2', V4).toString('hex'), '0d0a0d0a000d0a515549540a2111000ccb007107c0000201dc040050');
  assert.equal(
    proxyHeader('V2', V6).toString('hex'),
    '0d0a0d0a000d0a515549540a' +
      '21210024' +
      '20010db8000000000000000000000007' +
      '20010db8000000000000000000000001' +
      '0001' +
      'ffff',
  );
  assert.equal(proxyHeader('V2', null).toString('hex'), '0d0a0d0a000d0a515549540a20000000');
});

void test('addresses of two families are both written as IPv6', () => {
  const mixed = { ...V4, source: '2001:db8::7' };
  assert.equal(proxyHeader('V1', mixed).toString(), 'PROXY TCP6 2001:db8::7 ::ffff:192.0.2.1 56324 80\r\n');
  assert.match(proxyHeader('V2', mixed).toString('hex'), /00000000000000000000ffffc0000201/);
});

void test('a zone stays at home', () => {
  const zoned = { ...V6, source: 'fe80::1%eth0' };
  assert.equal(proxyHeader('V1', zoned).toString(), 'PROXY TCP6 fe80::1 2001:db8::1 1 65535\r\n');
});

void test('what has no address is not made up', () => {
  assert.equal(proxyHeader('V1', { ...V4, source: '' }).toString(), 'PROXY UNKNOWN\r\n');
  assert.deepEqual(proxyHeader('V2', { ...V4, destination: '/run/socket' }), proxyHeader('V2', null));
});

void test('what is written is read again', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const ends = fc.record({ source: address, sourcePort: port, destination: address, destinationPort: port });
  fc.assert(
    fc.property(ends, fc.constantFrom('V1' as const, 'V2' as const), (given, version) => {
      const bytes = proxyHeader(version, given);
      const header = readProxyHeader(bytes, bytes.length);
      assert.ok(typeof header === 'object');
      assert.equal(header.length, bytes.length);
      const family = given.source.includes(':') || given.destination.includes(':') ? 'ipv6' : 'ipv4';
      const source = family === 'ipv6' && !given.source.includes(':') ? `::ffff:${given.source}` : given.source;
      assert.equal(header.ends?.source, new SocketAddress({ address: source, family }).address);
      assert.equal(header.ends.sourcePort, given.sourcePort);
      assert.equal(header.ends.destinationPort, given.destinationPort);
    }),
  );
});
