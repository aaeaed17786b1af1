import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { applyCommand } from './commands.ts';
import type { Command } from './commands.ts';
import { Draft } from './draft.ts';
import { judgePattern } from './patterns.ts';
import { printTable } from './print.ts';
import { BUILT_IN_SERVICES } from './services.ts';
import { tableOf } from './table-of.ts';
import type { PatternRule, ServerRef, Table, Virtual } from './table.ts';
import { refKey } from './table.ts';
import { after, demoObjects, parsed, specOf } from './test-objects.ts';

const naming = fc.boolean().map((numeric) => ({ services: BUILT_IN_SERVICES, numeric }));
const port = fc.oneof(fc.constantFrom(80, 443, 8080), fc.integer({ min: 1, max: 65_535 }));
const host = fc.oneof(fc.constantFrom('r1', 'web-2.shop.example', 'my_host', '::1', '2001:db8::7'), fc.ipV4());
const ref: fc.Arbitrary<ServerRef> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('Address' as const), host, port }) },
  fc.record({ kind: fc.constant('Object' as const), name: fc.constantFrom('pool', 'node-1') }),
);
const weight = fc.integer({ min: 0, max: 65_535 });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const piece = fc.constantFrom(
  '/',
  'a',
  ' ',
  '#',
  '"',
  '\\.',
  '\\\\',
  '\\"',
  '([^/]+)',
  '[{]',
  '}',
  '=',
  'ä',
  '.*',
  '[\\]',
);
const pattern = fc
  .tuple(
    fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join('')),
    fc.integer({ min: 0, max: 2 }),
  )
  .filter(([text, match]) => judgePattern(text, match) === null);

const virtual: fc.Arbitrary<Virtual> = fc
  .record({
    ident: fc.record({ namespace: fc.constantFrom('default', 'shop'), name: fc.stringMatching(/^[a-z]{1,6}$/) }),
    listen: fc.record({ host: fc.constantFrom('*', '127.0.0.1', '::1'), port }),
    scheduler: fc.constantFrom('wlc', 'http', 'phttp', 'chttp', 'hhttp'),
    started: orNull(fc.boolean()),
    startServers: orNull(weight),
    maxClients: orNull(weight),
    minSpareServers: orNull(weight),
    maxSpareServers: orNull(weight),
    redirect: orNull(fc.record({ host, port })),
    servers: fc.uniqueArray(fc.record({ ref, weight }), { selector: (server) => refKey(server.ref), maxLength: 6 }),
    patterns: fc.uniqueArray(pattern, { maxLength: 5, selector: ([text]) => text }),
    pick: fc.array(fc.tuple(fc.nat(), orNull(weight)), { minLength: 1, maxLength: 4 }),
  })
  .map(({ patterns, pick, ...rest }) => {
    const rules =
      rest.servers.length === 0
        ? []
        : patterns.map(([text, match]): PatternRule => {
            const destinations = pick.map(([index, own]) => ({
              ref: rest.servers[index % rest.servers.length]?.ref as ServerRef,
              weight: own,
            }));
            const unique = new Map(destinations.map((each) => [refKey(each.ref), each]));
            return { kind: 'Pattern', pattern: text, match, destinations: [...unique.values()] };
          });
    // Every other server of weight 0 that a rule names is there for rules alone.
    const used = new Set(rules.flatMap(({ destinations }) => destinations.map((each) => refKey(each.ref))));
    const servers = rest.servers.map((server, index) =>
      index % 2 === 1 && used.has(refKey(server.ref)) ? { ...server, weight: 0, byRulesOnly: true } : server,
    );
    return { ...rest, servers, rules };
  });

const table: fc.Arbitrary<Table> = fc
  .uniqueArray(virtual, { selector: ({ ident }) => `${ident.namespace}/${ident.name}`, maxLength: 4 })
  .map((virtuals) => ({ virtuals }));

/** Without the positions that a parser adds. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, each: unknown) => (key === 'at' ? undefined : each)));

test('what is printed is read back the same', () => {
  fc.assert(
    fc.property(table, naming, (given, how) => {
      assert.deepEqual(plain(parsed(printTable(given, how))), plain(given));
    }),
    { numRuns: 500 },
  );
});

test('a table that is loaded is listed the same, and loading the listing changes nothing', () => {
  fc.assert(
    fc.property(table, naming, (given, how) => {
      const noObjects = given.virtuals.map((each) => ({
        ...each,
        started: each.started ?? false,
        servers: each.servers.filter((server) => server.ref.kind === 'Address'),
        rules: each.rules.flatMap((rule) => {
          const destinations = (rule.destinations ?? []).filter((destination) => destination.ref.kind === 'Address');
          return rule.kind === 'Pattern' && destinations.length > 0 ? [{ ...rule, destinations }] : [];
        }),
      }));
      const objects = after([], { kind: 'Load', table: { virtuals: noObjects }, file: 'f' });
      const listing = printTable(tableOf(new Draft(objects)), how);
      const result = applyCommand(objects, { kind: 'Load', table: parsed(listing), file: 'f' });
      assert.deepEqual(result, { apply: [], delete: [], errors: [], notes: [] });
    }),
    { numRuns: 200 },
  );
});

const numeric = { services: BUILT_IN_SERVICES, numeric: true };
const named = { services: BUILT_IN_SERVICES, numeric: false };

for (const how of [numeric, named]) {
  test(`loading the listing of the demo changes nothing (numeric: ${how.numeric})`, () => {
    const objects = demoObjects();
    const result = applyCommand(objects, {
      kind: 'Load',
      table: parsed(printTable(tableOf(new Draft(objects)), how)),
      file: 'f',
    });
    assert.deepEqual(result, { apply: [], delete: [], errors: [], notes: [] });
  });
}

test('what was flushed is brought back by its listing', () => {
  const listing = printTable(tableOf(new Draft(demoObjects())), named);
  assert.match(listing, /server = web1:http-alt 0 rules-only\n/);
  const load: Command = { kind: 'Load', table: parsed(listing), file: 'f' };
  const objects = after(demoObjects(), { kind: 'Flush' }, load);
  assert.equal(printTable(tableOf(new Draft(objects)), named), listing);
  assert.deepEqual(specOf(objects, 'TcpVirtualServer', 'http')['servers'], undefined);
});

test('a weight that is changed in a listing is changed in the matrix, and nowhere else', () => {
  const objects = demoObjects();
  const listing = printTable(tableOf(new Draft(objects)), named)
    .replaceAll('weight 87', 'weight 50')
    .replaceAll('weight 13', 'weight 50');
  const result = applyCommand(objects, { kind: 'Load', table: parsed(listing), file: 'f' });
  assert.deepEqual(result.errors, []);
  assert.deepEqual(
    result.apply.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ['AppWeightMatrix eapac'],
  );
  assert.match(JSON.stringify(result.apply), /"appc","weight":50.*"appc","weight":50/);
});

test('what the syntax cannot say stays, where the listing says keep', () => {
  const objects = demoObjects().map((each) => {
    if (each.kind !== 'TcpVirtualServer') return each;
    const spec = each.spec as { rules: object[] };
    const first = {
      name: 'api',
      match: { hosts: ['api.example'], path: { type: 'Prefix', value: '/v1' } },
      app: 'appa',
    };
    const extra = { ...spec.rules[0], filters: [{ type: 'RequestHeaders', requestHeaders: { remove: ['x-a'] } }] };
    const listeners = [
      { name: 'a', port: 1, protocol: 'HTTP' },
      { name: 'b', port: 2, protocol: 'HTTP' },
    ];
    const queue = { requests: 100, timeout: '2s' };
    return { ...each, spec: { ...spec, queue, listeners, rules: [first, extra, ...spec.rules.slice(1)] } };
  });
  const listing = printTable(tableOf(new Draft(objects)), numeric);
  assert.match(listing, /rule = keep api {4}# Prefix "\/v1" with hosts to app appa\n/);
  assert.match(listing, /# also listens: b HTTP \[::\]:2\n/);
  assert.match(listing, /# queue: requests wait for room, 100 of them at most, for up to 2s\n/);
  const load = (text: string) => applyCommand(objects, { kind: 'Load', table: parsed(text), file: 'f' });
  assert.deepEqual(load(listing), { apply: [], delete: [], errors: [], notes: [] });
  const without = load(listing.replace(/ *rule = keep api.*\n/, ''));
  assert.deepEqual(without.errors, []);
  assert.ok(!JSON.stringify(without.apply).includes('"api"'));
  const [fault] = load(listing.replace('keep api', 'keep nosuch')).errors;
  assert.match(
    fault ?? '',
    /^f:\d+:5: read keep nosuch, expected the name of a rule of virtual server http, which has api, appa/,
  );
});

test('loading replaces the table; a virtual server that it does not start stands still, one that runs goes on', () => {
  const running = after(
    after([], { kind: 'Load', table: parsed('virtual a { server = r1:80 } virtual b { server = r2:80 }'), file: 'f' }),
    { kind: 'Start', ident: { namespace: 'default', name: 'a' } },
  );
  const loaded = after(running, {
    kind: 'Load',
    table: parsed('virtual a { server = r1:80 5 } virtual c { }'),
    file: 'f',
  });
  assert.deepEqual(loaded.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted(), [
    'RealServer r1-80',
    'TcpVirtualServer a',
    'TcpVirtualServer c',
  ]);
  assert.equal(specOf(loaded, 'TcpVirtualServer', 'a')['suspend'], undefined);
  assert.equal(specOf(loaded, 'TcpVirtualServer', 'c')['suspend'], true);
});

const virtualA = (started: string): Command => ({
  kind: 'Load',
  table: parsed(`virtual a { ${started} }`),
  file: 'f',
});
const suspended = (...commands: Command[]) => specOf(after([], ...commands), 'TcpVirtualServer', 'a')['suspend'];

test('a file that says so starts and stops', () => {
  const [yes, no, silent] = [virtualA('started = yes'), virtualA('started = no'), virtualA('')] as const;
  assert.deepEqual([suspended(silent), suspended(no), suspended(yes)], [true, true, undefined]);
  assert.deepEqual([suspended(yes, no), suspended(no, yes), suspended(yes, silent)], [true, undefined, undefined]);
});

test('two rules of one app cannot ask for different weights of a cell', () => {
  const objects = demoObjects().map((each) => {
    if (each.kind !== 'TcpVirtualServer') return each;
    const spec = each.spec as { rules: object[] };
    const second = { name: 'c', match: { path: { type: 'Pattern', value: '/c' } }, app: 'appc' };
    return { ...each, spec: { ...spec, rules: [...spec.rules, second] } };
  });
  const listing = printTable(tableOf(new Draft(objects)), numeric);
  const load = (text: string) => applyCommand(objects, { kind: 'Load', table: parsed(text), file: 'f' });
  assert.deepEqual(load(listing), { apply: [], delete: [], errors: [], notes: [] });
  const [different] = load(listing.replace('"/c" match 0 weight 87', '"/c" match 0 weight 50')).errors;
  assert.match(different ?? '', /^f:20:54: read weight 50, expected weight 87, as line 14 says of the same cell/);
  const [missing] = load(listing.replace(/.*"\/c" match 0 weight 87.*\n/, '')).errors;
  assert.match(
    missing ?? '',
    /^f:20:54: read a rule without it, expected server web2 too, as line 14 says of the same app/,
  );
  assert.deepEqual(load(listing.replaceAll('weight 87', 'weight 50')).errors, []);
});

test('faults that only the objects show: line and column, and nothing changes', () => {
  for (const [text, expected] of [
    [
      'virtual a {\n server = @nosuch\n}',
      /^f:2:11: read "@nosuch", expected the name of a real server in namespace default/,
    ],
    ['virtual a {\n listen = web1:80\n}', /^f:1:9: read listen web1, expected an address/],
  ] as const) {
    const result = applyCommand(demoObjects(), { kind: 'Load', table: parsed(text), file: 'f' });
    assert.match(result.errors[0] ?? '', expected);
    assert.deepEqual([result.apply, result.delete], [[], []]);
  }
});

test('a manifest’s pattern that no file may say is kept', () => {
  const objects = demoObjects().map((each) => {
    if (each.kind !== 'TcpVirtualServer') return each;
    const path = { type: 'Pattern', value: '/a(' };
    return { ...each, spec: { ...(each.spec as object), rules: [{ name: 'bad', match: { path }, app: 'appa' }] } };
  });
  const listing = printTable(tableOf(new Draft(objects)), numeric);
  assert.match(listing, /rule = keep bad {4}# Pattern "\/a\(" to app appa\n/);
  const result = applyCommand(objects, { kind: 'Load', table: parsed(listing), file: 'f' });
  assert.deepEqual(result, { apply: [], delete: [], errors: [], notes: [] });
});
