import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { KubeObject } from '../../api-client.ts';
import { readQuestion, TYPE_A, writeAnswer } from './wire.ts';
import { resolve, type World } from './zone.ts';

const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', spec }) as unknown as KubeObject;
const slice = (...endpoints: object[]) => ({ addressType: 'IPv4', endpoints }) as unknown as KubeObject;

const SERVICES: Readonly<Record<string, KubeObject>> = {
  'shop/web': service({ clusterIP: '10.96.0.7' }),
  'shop/all': service({ clusterIP: 'None' }),
  'shop/alias': service({ type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
};
const WORLD: World = {
  service: (namespace, name) => SERVICES[`${namespace}/${name}`],
  slices: (_, name) =>
    name === 'all'
      ? [
          slice(
            { addresses: ['10.244.1.2'], conditions: { ready: true }, hostname: 'a' },
            { addresses: ['10.244.1.3'], conditions: { ready: false } },
          ),
          slice({ addresses: ['10.244.2.2'] }),
        ]
      : [],
};

const ask = (name: string, type = TYPE_A) => resolve(name, type, WORLD);

describe('names of the cluster', () => {
  test('a Service is its address, and has none of another type', () => {
    assert.deepEqual(ask('web.shop.svc.cluster.local'), { code: 'ok', addresses: ['10.96.0.7'] });
    assert.deepEqual(ask('web.shop.svc.cluster.local', 28), { code: 'ok', addresses: [] });
  });

  test('a headless Service is what is ready behind it, or one of these by its host name', () => {
    assert.deepEqual(ask('all.shop.svc.cluster.local').addresses, ['10.244.1.2', '10.244.2.2']);
    assert.deepEqual(ask('a.all.shop.svc.cluster.local').addresses, ['10.244.1.2']);
  });

  test('an external name is an alias', () => {
    const answer = ask('alias.shop.svc.cluster.local');
    assert.deepEqual(answer.aliases, ['web.shop.svc.cluster.local']);
    assert.deepEqual(answer.addresses, ['10.96.0.7']);
  });

  for (const name of [
    'web',
    'example.com',
    'no.shop.svc.cluster.local',
    'b.all.shop.svc.cluster.local',
    'svc.cluster.local',
  ])
    test(`${name} is no name`, () => assert.equal(ask(name).code, 'no such name'));
});

describe('DNS messages', () => {
  // id, recursion desired, one question; 3 WEB 0; A, IN
  const query = Buffer.from('abcd01000001000000000000 0357454200 00010001'.replaceAll(' ', ''), 'hex');

  test('a question is read, in lower case', () => {
    assert.deepEqual(readQuestion(query), { id: 0xabcd, name: 'web', type: 1, recursionDesired: true, end: 21 });
  });

  test('an answer repeats the question as it was asked, and refers to it', () => {
    const answer = { code: 'ok', addresses: ['10.96.0.7'] } as const;
    const message = writeAnswer(query, readQuestion(query)!, answer, 512).toString('hex');
    assert.equal(
      message,
      'abcd85800001000100000000 0357454200 00010001 c00c00010001000000050004 0a600007'.replaceAll(' ', ''),
    );
  });

  test('an answer that is too long says so and has nothing', () => {
    const addresses = Array.from({ length: 40 }, (_, index) => `10.0.0.${index}`);
    const message = writeAnswer(query, readQuestion(query)!, { code: 'ok', addresses }, 512);
    assert.equal(message[2]! & 0x02, 0x02);
    assert.equal(message.readUInt16BE(6), 0);
    assert.equal(writeAnswer(query, readQuestion(query)!, { code: 'ok', addresses }, 65_535).readUInt16BE(6), 40);
  });

  test('what is no query is not read, wherever it is cut', () => {
    for (let length = 0; length < query.length; length++) assert.equal(readQuestion(query.subarray(0, length)), null);
    const response = Buffer.from(query);
    response[2] = 0x81;
    assert.equal(readQuestion(response), null);
  });
});
