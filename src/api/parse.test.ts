import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { nearest } from './known-fields.ts';
import { parseObject } from './parse.ts';

const virtualServer = (spec: object, metadata: object = { name: 'http', namespace: 'shop' }) => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'TcpVirtualServer',
  metadata,
  spec,
});

const messages = (raw: unknown): string[] => {
  const parsed = parseObject(raw);
  return parsed.ok ? [] : parsed.faults.map((fault) => fault.message);
};

void test('defaults are applied, balance is left open', () => {
  const parsed = parseObject(virtualServer({ listeners: [{ name: 'web', port: 80 }] }, { name: 'http' }));
  assert.ok(parsed.ok && parsed.object.kind === 'TcpVirtualServer');
  assert.equal(parsed.object.metadata.namespace, 'default');
  assert.deepEqual(parsed.object.spec, {
    className: 'tcpvs',
    suspend: false,
    listeners: [{ name: 'web', port: 80, protocol: 'HTTP', proxyProtocol: 'None' }],
    scheduler: 'http',
    servers: [],
    rules: [],
    matrixRefs: [],
    limits: {},
  });
});

void test('a fault names object, field, what was read and what was expected', () => {
  assert.deepEqual(
    messages(
      virtualServer({ listeners: [{ name: 'web', port: 99999 }], scheduler: 'fast', schedulr: 1, redirect: null }),
    ),
    [
      'TcpVirtualServer shop/http: spec.listeners[0].port: read 99999, expected an integer of at most 65535',
      'TcpVirtualServer shop/http: spec.scheduler: read "fast", expected one of "wlc", "http", "phttp", "chttp", "hhttp"',
      'TcpVirtualServer shop/http: spec.redirect: read null, expected an object',
      'TcpVirtualServer shop/http: spec.schedulr: read an unknown field, expected a known field; nearest is "scheduler"',
    ],
  );
});

void test('values of a wrong type are told by what would be right', () => {
  const rules = [{ name: 'a', servers: [{ server: 'web1', weight: '87' }], timeouts: { request: 60 } }];
  const found = messages(virtualServer({ listeners: [{ name: 'web', port: 80 }], rules }));
  assert.match(found.join('\n'), /servers\[0\]\.weight: read "87", expected a number without quotes$/m);
  assert.match(found.join('\n'), /timeouts\.request: read 60, expected a duration of 1ms to 24h such as "500ms"/);
});

void test('what has no known kind or version says what is known', () => {
  const [version] = messages({ ...virtualServer({}), apiVersion: 'tcpvs.io/v1' });
  assert.equal(version, 'TcpVirtualServer shop/http: apiVersion: read "tcpvs.io/v1", expected "tcpvs.io/v1alpha1"');
  const [kind] = messages({ ...virtualServer({}), kind: 'VirtualServer' });
  assert.match(kind ?? '', /kind: read "VirtualServer", expected one of TcpVirtualServer, RealServer, AppWeightMatrix/);
  assert.match(messages(null)[0] ?? '', /read null, expected an object/);
  assert.match(messages({ ...virtualServer({}), extra: 1 })[0] ?? '', /extra: read an unknown field/);
});

void test('messages stay short, however much was read', () => {
  const long = 'x'.repeat(100_000);
  for (const message of messages(virtualServer({ listeners: long, [long]: 1, rules: [{ name: long }] }))) {
    assert.ok(message.length < 1000);
  }
  const many = Array.from({ length: 1000 }, (_, index) => ({ name: `${index}`, port: 0 }));
  assert.ok(messages(virtualServer({ listeners: many })).length <= 20);
});

void test('a status that cannot be read does not take the object out of service', () => {
  const parsed = parseObject({
    ...virtualServer({ listeners: [{ name: 'web', port: 80 }] }),
    status: { conditions: 3 },
  });
  assert.ok(parsed.ok);
  assert.equal(parsed.object.status, undefined);
});

void test('metadata of Kubernetes’ own passes, null times too', () => {
  const metadata = { name: 'http', creationTimestamp: null, labels: { a: 'b' }, generation: 4, managedFields: [] };
  const parsed = parseObject(virtualServer({ listeners: [{ name: 'web', port: 80 }] }, metadata));
  assert.ok(parsed.ok);
  assert.equal(parsed.object.metadata.generation, 4);
});

void test('parsing never throws, and what it gives parses to itself', () => {
  fc.assert(
    fc.property(
      fc.object({ maxDepth: 4, key: fc.constantFrom('listeners', 'name', 'rules', '__proto__', 'port') }),
      (spec) => {
        const first = parseObject(virtualServer(spec));
        if (!first.ok) return;
        assert.deepEqual(parseObject(first.object), first);
      },
    ),
  );
});

void test('parsing answers for anything at all', () => {
  fc.assert(
    fc.property(
      fc.anything({ withNullPrototype: true, withBigInt: true }),
      fc.constantFrom('metadata', 'spec', 'kind'),
      (value, field) => {
        parseObject(value);
        parseObject({ ...virtualServer({ listeners: [{ name: 'web', port: 80 }] }), [field]: value });
      },
    ),
  );
});

void test('names of JavaScript’s own are names like any other', () => {
  const raw: unknown = JSON.parse(
    `{"apiVersion": "tcpvs.io/v1alpha1", "kind": "RealServer", "metadata": {"name": "constructor", "__proto__": {"x": 1}},
      "spec": {"address": "10.0.0.1", "port": 80, "__proto__": {"weight": 3}, "constructor": 1}}`,
  );
  const texts = messages(raw);
  assert.ok(texts.some((text) => text.includes('spec.constructor: read an unknown field')));
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});

void test('the nearest field is near', () => {
  const known = ['listeners', 'scheduler', 'servers', 'rules'];
  assert.equal(nearest('listners', known), 'listeners');
  assert.equal(nearest('server', known), 'servers');
  assert.equal(nearest('Rules', known), 'rules');
  assert.equal(nearest('sevrers', known), 'servers');
  assert.equal(nearest('zzz', known), null);
  assert.equal(nearest('x'.repeat(1_000_000), known), null);
});
