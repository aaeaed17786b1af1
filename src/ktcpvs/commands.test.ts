import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ApiObject } from '../admin/contract.ts';
import { applyCommand } from './commands.ts';
import type { Command } from './commands.ts';
import { after, demoObjects, refusal, specOf } from './test-objects.ts';

const ident = { namespace: 'default', name: 'http' };
const at = (host: string, port: number | null = 80) => ({ kind: 'Address', host, port }) as const;
const add = (options = {}): Command => ({ kind: 'AddService', ident, options });
const edit = (options = {}): Command => ({ kind: 'EditService', ident, options });
const addServer = (host: string, weight?: number): Command => ({ kind: 'AddServer', ident, server: at(host), weight });
const addRule = (pattern: string, host: string, more: { weight?: number; match?: number } = {}): Command => ({
  kind: 'AddRule',
  ident,
  pattern,
  server: at(host),
  ...more,
});
const editServer = (host: string, weight: number): Command => ({ kind: 'EditServer', ident, server: at(host), weight });
const deleteRule = (pattern: string, host: string): Command => ({
  kind: 'DeleteRule',
  ident,
  pattern,
  server: at(host),
});
const names = (objects: readonly ApiObject[]) =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
const virtualOf = (objects: readonly ApiObject[]) => specOf(objects, 'TcpVirtualServer', 'http');

const THREE = after([], add(), addServer('r1'), addServer('r2'), addServer('r3'));
const README = after(THREE, addRule('/images/.*', 'r1'), addRule('/html/.*', 'r2'), addRule('.*', 'r3'));

test('a virtual server that is added stands still until it is started', () => {
  const added = after([], add({ scheduler: 'phttp', listen: { host: '127.0.0.1', port: 8000 }, startServers: 8 }));
  assert.deepEqual(virtualOf(added), {
    suspend: true,
    listeners: [{ name: 'main', port: 8000, protocol: 'HTTP', address: '127.0.0.1' }],
    scheduler: 'phttp',
    startServers: 8,
  });
  const started = after(added, { kind: 'Start', ident });
  assert.equal(virtualOf(started)['suspend'], undefined);
  assert.equal(virtualOf(after(started, { kind: 'Stop', ident: null }))['suspend'], true);
});

test('the session of the README', () => {
  assert.deepEqual(virtualOf(README), {
    suspend: true,
    listeners: [{ name: 'main', port: 8080, protocol: 'HTTP' }],
    scheduler: 'http',
    servers: [
      { server: 'r1-80', weight: 1 },
      { server: 'r2-80', weight: 1 },
      { server: 'r3-80', weight: 1 },
    ],
    rules: [
      {
        name: 'images',
        match: { path: { type: 'Pattern', value: '/images/.*' } },
        servers: [{ server: 'r1-80', weight: 1 }],
      },
      {
        name: 'html',
        match: { path: { type: 'Pattern', value: '/html/.*' } },
        servers: [{ server: 'r2-80', weight: 1 }],
      },
      { name: 'all', match: { path: { type: 'Pattern', value: '.*' } }, servers: [{ server: 'r3-80', weight: 1 }] },
    ],
  });
  assert.deepEqual(specOf(README, 'RealServer', 'r1-80'), { address: 'r1', port: 80 });
});

test('-E changes what is given and nothing else', () => {
  const before = after([], add({ redirect: { host: 'r9', port: 80 }, maxClients: 5 }));
  assert.deepEqual(after(before, edit()), before);
  const changed = virtualOf(after(before, edit({ listen: { port: 81 }, minSpareServers: 2, redirect: null })));
  assert.deepEqual(changed, {
    suspend: true,
    listeners: [{ name: 'main', port: 81, protocol: 'HTTP' }],
    scheduler: 'http',
    limits: { maxClients: 5 },
    minSpareServers: 2,
  });
});

test('scheduler wlc listens for connections, the others for requests', () => {
  const wlc = after([], add({ scheduler: 'wlc' }));
  assert.deepEqual(virtualOf(wlc)['listeners'], [{ name: 'main', port: 8080, protocol: 'TCP' }]);
  assert.deepEqual(virtualOf(after(wlc, edit({ scheduler: 'chttp' })))['listeners'], [
    { name: 'main', port: 8080, protocol: 'HTTP' },
  ]);
});

test('a listener that cannot speak as the scheduler needs is named', () => {
  for (const [protocol, scheduler, needs] of [
    ['HTTPS', 'wlc', 'TCP or TLS'],
    ['TLS', 'http', 'HTTP or HTTPS'],
  ] as const) {
    const objects = after([], add()).map((each) => ({
      ...each,
      spec: { ...(each.spec as object), listeners: [{ name: 'web', port: 443, protocol }] },
    }));
    assert.equal(
      refusal(objects, edit({ scheduler })),
      `scheduler ${scheduler} needs ${needs} listeners; listener web of virtual server http is ${protocol}`,
    );
  }
});

test('a port that is left out is the virtual server’s', () => {
  const objects = after([], add({ listen: { port: 8000 } }), { kind: 'AddServer', ident, server: at('r1', null) });
  assert.deepEqual(specOf(objects, 'RealServer', 'r1-8000'), { address: 'r1', port: 8000 });
});

test('two virtual servers share a real server, and the last one that is deleted takes it along', () => {
  const other = { namespace: 'default', name: 'other' };
  const two = after(
    THREE,
    { kind: 'AddService', ident: other, options: {} },
    { kind: 'AddServer', ident: other, server: at('r1') },
  );
  const one = after(two, { kind: 'DeleteService', ident });
  assert.deepEqual(names(one), ['RealServer r1-80', 'TcpVirtualServer other']);
  assert.deepEqual(names(after(one, { kind: 'DeleteService', ident: other })), []);
  assert.deepEqual(names(after(two, { kind: 'Flush' })), []);
});

test('real servers and matrices that others made stay', () => {
  const flushed = after(demoObjects(), { kind: 'Flush' });
  assert.deepEqual(
    names(flushed),
    names(demoObjects()).filter((name) => !name.startsWith('Tcp')),
  );
});

test('a real server that somebody else made stays, though nothing names it any more', () => {
  const spare: ApiObject = {
    apiVersion: 'tcpvs.io/v1alpha1',
    kind: 'RealServer',
    metadata: { name: 'spare', namespace: 'default' },
    spec: { address: 'r9', port: 80 },
  };
  const objects = after([spare], add(), addServer('r9'), addServer('r1'), { kind: 'DeleteService', ident });
  assert.deepEqual(objects, [spare]);
});

test('rules of one pattern are one rule with several destinations; with the last of them it goes', () => {
  const two = after(THREE, addRule('/(a)', 'r1', { match: 1 }), addRule('/(a)', 'r2', { weight: 7 }));
  assert.deepEqual(virtualOf(two)['rules'], [
    {
      name: 'a',
      match: { path: { type: 'Pattern', value: '/(a)' }, hashGroup: 1 },
      servers: [
        { server: 'r1-80', weight: 1 },
        { server: 'r2-80', weight: 7 },
      ],
    },
  ]);
  const one = after(two, deleteRule('/(a)', 'r1'));
  assert.deepEqual((virtualOf(one)['rules'] as { servers: unknown }[])[0]?.servers, [{ server: 'r2-80', weight: 7 }]);
  assert.deepEqual(virtualOf(after(one, deleteRule('/(a)', 'r2')))['rules'], []);
});

test('the same rule again sets its weight', () => {
  const again = after(README, addRule('.*', 'r3', { weight: 9 }));
  assert.deepEqual((virtualOf(again)['rules'] as { servers: unknown }[])[2]?.servers, [{ server: 'r3-80', weight: 9 }]);
});

test('names of rules come from their patterns and are unique', () => {
  const objects = after(
    THREE,
    addRule('/a/.*', 'r1'),
    addRule('/a/?', 'r1'),
    addRule('^/.*', 'r1'),
    addRule('.*', 'r1'),
  );
  assert.deepEqual(
    (virtualOf(objects)['rules'] as { name: string }[]).map(({ name }) => name),
    ['a', 'a-2', 'all', 'all-2'],
  );
});

test('a server’s weight is its rules’, unless they have one of their own', () => {
  const objects = after(THREE, addRule('/a', 'r1'), addRule('/b', 'r1', { weight: 5 }));
  const quiesced = applyCommand(objects, editServer('r1', 0));
  assert.deepEqual(quiesced.notes, ['rule b has weight 5 of its own for r1:80 and goes on']);
  const rules = virtualOf(after(objects, editServer('r1', 0)))['rules'] as { servers: { weight: number }[] }[];
  assert.deepEqual(
    rules.map(({ servers }) => servers[0]?.weight),
    [0, 5],
  );
  const added = after(objects, editServer('r1', 3), addRule('/c', 'r1'));
  assert.equal((virtualOf(added)['rules'] as { servers: { weight: number }[] }[])[2]?.servers[0]?.weight, 3);
});

test('a server that a rule names is busy; without the rule it goes, and its object with it', () => {
  const drop: Command = { kind: 'DeleteServer', ident, server: at('r1') };
  assert.match(refusal(README, drop), /^server r1:80 of virtual server http is busy: rule \/images\/\.\* names it$/);
  assert.ok(!names(after(README, deleteRule('/images/.*', 'r1'), drop)).includes('RealServer r1-80'));
});

test('an existing real server is used, by its address or by its name', () => {
  const objects = after(demoObjects(), { kind: 'AddServer', ident, server: at('10.0.0.11', 8080) });
  assert.deepEqual(names(objects), names(demoObjects()));
  assert.deepEqual(virtualOf(objects)['servers'], [{ server: 'web1', weight: 1 }]);
  const byName = after(demoObjects(), { kind: 'AddServer', ident, server: { kind: 'Object', name: 'web1' } });
  assert.deepEqual(virtualOf(byName), virtualOf(objects));
});

const missing = { namespace: 'default', name: 'nosuch' };
for (const [what, objects, command, expected] of [
  ['-A of one there is', THREE, add(), 'virtual server http exists already; -E changes it'],
  [
    '-E of none',
    THREE,
    { kind: 'EditService', ident: missing, options: {} },
    'no virtual server nosuch; there is http',
  ],
  ['-D of none', [], { kind: 'DeleteService', ident }, 'no virtual server http; there is none'],
  ['--start of none', THREE, { kind: 'Start', ident: missing }, 'no virtual server nosuch; there is http'],
  ['-a of one there is', THREE, addServer('r1'), 'server r1:80 of virtual server http exists already; -e changes it'],
  [
    '-a of an object that is not',
    THREE,
    { kind: 'AddServer', ident, server: { kind: 'Object', name: 'pool' } },
    'no real server @pool in namespace default',
  ],
  [
    '-e of none',
    THREE,
    editServer('r4', 1),
    'r4:80 is not a server of virtual server http; it has r1:80, r2:80, r3:80',
  ],
  [
    '-d of none',
    after([], add()),
    { kind: 'DeleteServer', ident, server: at('r1') },
    'r1:80 is not a server of virtual server http; it has none (-a adds one)',
  ],
  [
    '--add-rule to none',
    THREE,
    addRule('/a', 'r4'),
    'r4:80 is not a server of virtual server http; it has r1:80, r2:80, r3:80',
  ],
  [
    '--add-rule of no pattern',
    THREE,
    addRule('/a(', 'r1'),
    /^pattern "\/a\(": read .*, expected .* \(at character \d of the pattern\)$/,
  ],
  [
    '--add-rule with a group that is not there',
    README,
    addRule('/html/.*', 'r2', { match: 1 }),
    'pattern "/html/.*": read match 1, expected match 0, as the pattern has no group',
  ],
  [
    '--del-rule of none',
    README,
    deleteRule('/a', 'r1'),
    'no rule "/a" in virtual server http; it has /images/.* /html/.* .*',
  ],
  [
    '--del-rule of another destination',
    README,
    deleteRule('/images/.*', 'r2'),
    'rule "/images/.*" of virtual server http does not lead to r2:80',
  ],
] as [string, ApiObject[], Command, string | RegExp][]) {
  test(`refused, with nothing changed: ${what}`, () => {
    const message = refusal(objects, command);
    if (typeof expected === 'string') assert.equal(message, expected);
    else assert.match(message, expected);
  });
}

test('what it was given is not changed', () => {
  const objects = demoObjects();
  const cell: Command = { kind: 'AddRule', ident, pattern: '/appc/.*', weight: 50, server: at('web2', 8080) };
  assert.notDeepEqual(after(objects, { kind: 'Stop', ident: null }, cell), objects);
  assert.deepEqual(objects, demoObjects());
});
