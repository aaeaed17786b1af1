import assert from 'node:assert/strict';
import { test } from 'node:test';

import { printHostPort, printServer, readHostPort, readIdent, readNumber, readPort, readServer } from './host-port.ts';
import { BUILT_IN_SERVICES, parseServices } from './services.ts';

const named = { services: BUILT_IN_SERVICES, numeric: false };

for (const [text, host, port] of [
  ['127.0.0.1:www', '127.0.0.1', 80],
  ['0.0.0.0:webcache', '0.0.0.0', 8080],
  ['Web1.Example', 'web1.example', null],
  ['r1:80', 'r1', 80],
  ['[::1]:443', '::1', 443],
  ['[2001:DB8:0::1]', '2001:db8::1', null],
  ['fe80::1', 'fe80::1', null],
  ['[::1:80]', '::1:80', null],
  ['2001:db8:1:2:3:4:5:80', '2001:db8:1:2:3:4:5:80', null],
  ['*:8000', '*', 8000],
  ['my_host:1', 'my_host', 1],
] as const) {
  test(`read: ${text}`, () =>
    assert.deepEqual(readHostPort(text, BUILT_IN_SERVICES), { ok: true, value: { host, port } }));
}

for (const text of [
  '',
  ':80',
  'a:',
  'a:0',
  'a:65536',
  'a:nosuch',
  '1.2.3:80',
  '256.0.0.1',
  '1.2.3.04',
  '[::1',
  '::1:80',
  'fd00::1:8080',
  '[zz]:80',
  '-a',
  'a b',
  'a..b',
  'a:80x',
]) {
  test(`refused: ${JSON.stringify(text)}`, () => assert.equal(readHostPort(text, BUILT_IN_SERVICES).ok, false));
}

test('a server is one host, or an object by its name', () => {
  assert.deepEqual(readServer('@pool-1', BUILT_IN_SERVICES), { ok: true, value: { kind: 'Object', name: 'pool-1' } });
  assert.equal(readServer('@Pool', BUILT_IN_SERVICES).ok, false);
  assert.equal(readServer('*:80', BUILT_IN_SERVICES).ok, false);
});

test('idents are DNS labels, with a namespace or without', () => {
  assert.deepEqual(readIdent('http'), { ok: true, value: { namespace: 'default', name: 'http' } });
  assert.deepEqual(readIdent('shop/http'), { ok: true, value: { namespace: 'shop', name: 'http' } });
  for (const bad of ['', 'Http', '-a', 'a-', 'a/b/c', '/a', 'a/', 'a.b', 'a'.repeat(64)]) {
    assert.equal(readIdent(bad).ok, false, bad);
  }
});

test('numbers are decimal and in range', () => {
  assert.deepEqual(readNumber('65535', 0, 65_535), { ok: true, value: 65_535 });
  for (const bad of ['65536', '-1', '', ' 1', '1e3', '0x10', '1.0', '99999999999999999999']) {
    assert.equal(readNumber(bad, 0, 65_535).ok, false, bad);
  }
  assert.equal(readPort('0', BUILT_IN_SERVICES).ok, false);
});

test('printed by name or number', () => {
  assert.equal(printHostPort({ host: '::1', port: 80 }, named), '[::1]:http');
  assert.equal(printHostPort({ host: 'r1', port: 81 }, named), 'r1:81');
  const ref = { kind: 'Address', host: '10.0.0.12', port: 8080, alias: 'web2' } as const;
  assert.equal(printServer(ref, named), 'web2:http-alt');
  assert.equal(printServer(ref, { ...named, numeric: true }), '10.0.0.12:8080');
});

test('the services file wins over the built-in table, and what it does not have is built in', () => {
  const services = parseServices('shop 80/tcp mine # http\nother 81/udp\nbroken\nbad 99999/tcp\nhttp 8081/tcp\n');
  assert.equal(services.names.get(80), 'shop');
  assert.equal(services.ports.get('mine'), 80);
  assert.equal(services.ports.get('http'), 8081);
  assert.equal(services.ports.get('other'), undefined);
  assert.equal(services.ports.get('bad'), undefined);
  assert.equal(services.ports.get('webcache'), 8080);
  for (const [port, name] of services.names) assert.equal(services.ports.get(name), port);
});
