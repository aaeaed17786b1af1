import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseObject } from '../api/parse.ts';
import { objectsOfConfiguration } from './manifests.ts';
import { BUILT_IN_SERVICES } from './services.ts';

const read = (text: string) => objectsOfConfiguration(text, 'web.conf', BUILT_IN_SERVICES);

test('a configuration file as valid objects, started, with their lines', () => {
  const { objects, faults } = read(
    '\nVirtual web {\n listen = 127.0.0.1:8000 scheduler = hhttp\n server = r1:www 7\n rule = pattern /a use server r1:80 }\n' +
      'Virtual shop/tcp { scheduler = wlc server = [::1]:25 started = no }',
  );
  assert.deepEqual(faults, []);
  for (const { object } of objects) assert.ok(parseObject(object).ok);
  const named = new Map(
    objects.map((each) => [`${each.object.metadata.namespace}/${each.object.metadata.name}`, each]),
  );
  assert.deepEqual([...named.keys()].toSorted(), ['default/r1-80', 'default/web', 'shop/1-25', 'shop/tcp']);
  assert.deepEqual([named.get('default/web')?.line, named.get('shop/tcp')?.line], [2, 6]);
  assert.deepEqual(named.get('default/web')?.object.spec, {
    listeners: [{ name: 'main', port: 8000, protocol: 'HTTP', address: '127.0.0.1' }],
    scheduler: 'hhttp',
    servers: [{ server: 'r1-80', weight: 7 }],
    rules: [
      { name: 'a', match: { path: { type: 'Pattern', value: '/a' } }, servers: [{ server: 'r1-80', weight: 7 }] },
    ],
  });
  assert.deepEqual(named.get('shop/tcp')?.object.spec, {
    suspend: true,
    listeners: [{ name: 'main', port: 8080, protocol: 'TCP' }],
    scheduler: 'wlc',
    servers: [{ server: '1-25', weight: 1 }],
  });
});

test('the same text makes the same objects', () => {
  const text = 'Virtual a { server = r1:80 server = r1:81 rule = pattern /x use server r1:81 }';
  assert.deepEqual(read(text), read(text));
});

test('a faulty file gives no objects, and faults with their place', () => {
  assert.deepEqual(read('Virtual web {\n schedule = rr }').objects, []);
  const [fault] = read('Virtual web {\n scheduler = rr }').faults;
  assert.deepEqual([fault?.file, fault?.line, fault?.column], ['web.conf', 2, 14]);
  assert.deepEqual(read('Virtual web { listen = web1:80 }').faults, [
    { file: 'web.conf', line: 1, column: 9, message: 'read listen web1, expected an address to listen on' },
  ]);
});

test('localhost to listen on is the one name that needs no look-up', () => {
  const [virtual] = read('Virtual web { listen = localhost:80 }').objects;
  assert.deepEqual(virtual?.object.spec, {
    listeners: [{ name: 'main', port: 80, protocol: 'HTTP', address: '127.0.0.1' }],
    scheduler: 'http',
  });
});
