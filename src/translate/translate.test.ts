import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { hashContent } from '../model/content.ts';
import type { Piece, Snapshot } from '../model/snapshot.ts';
import { overlap } from './addresses.ts';
import type { ClusterState } from './cluster-state.ts';
import { toState } from './golden-state.ts';
import { usedBy } from './secrets.ts';
import { translate } from './translate.ts';

const checkPattern = (): number => 0;

const name = fc.constantFrom('a', 'b', 'c');
const namespace = fc.constantFrom('one', 'two');
const metadata = fc.record(
  {
    name,
    namespace,
    generation: fc.nat(5),
    creationTimestamp: fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'),
  },
  { requiredKeys: ['name', 'namespace'] },
);
const className = fc.constantFrom('tcpvs', 'tcpvs', 'other');
const weight = fc.constantFrom(0, 1, 7, 65535);
const unique = <T>(item: fc.Arbitrary<T>, key: (item: T) => unknown) =>
  fc.uniqueArray(item, { maxLength: 3, selector: key });
const destinations = unique(fc.record({ server: name, weight }, { requiredKeys: ['server'] }), (each) => each.server);

const rule = fc
  .record({
    match: fc.record(
      {
        hosts: fc.subarray(['a.example', '*.example', 'b.example']),
        path: fc.constantFrom(
          { type: 'Pattern', value: '.*' },
          { type: 'Pattern', value: '(a)' },
          { type: 'Prefix', value: '/a' },
        ),
        headers: fc.constantFrom([], [{ name: 'X', type: 'Present' }]),
      },
      { requiredKeys: [] },
    ),
    to: fc.oneof(fc.record({ app: name }), fc.record({ servers: destinations })),
  })
  .map(({ match, to }) => ({ match, ...to }));

const virtualServer = fc.record({
  kind: fc.constant('TcpVirtualServer'),
  metadata,
  spec: fc.record(
    {
      className,
      suspend: fc.boolean(),
      scheduler: fc.constantFrom('http', 'hhttp', 'wlc'),
      listeners: unique(
        fc.record(
          {
            name,
            port: fc.constantFrom(80, 81),
            address: fc.constantFrom('127.0.0.1', '127.0.0.2', '::', '0.0.0.0', '999.0.0.1'),
            protocol: fc.constantFrom('HTTP', 'TCP', 'TLS'),
            proxyProtocol: fc.constantFrom('None', 'Accept'),
          },
          { requiredKeys: ['name', 'port'] },
        ),
        (each) => each.name,
      ),
      servers: destinations,
      rules: fc.array(rule, { maxLength: 3 }).map((rules) => rules.map((each, at) => ({ name: `r${at}`, ...each }))),
      matrixRefs: unique(fc.record({ name }), (each) => each.name),
    },
    { requiredKeys: ['listeners'] },
  ),
});

const serviceRef = fc.record({ name, namespace, port: fc.constantFrom(80, 'http') }, { requiredKeys: ['name'] });

const realServer = fc.record({
  kind: fc.constant('RealServer'),
  metadata,
  spec: fc.oneof(
    fc.record({ className, address: fc.constantFrom('10.0.0.1', 'web.example'), port: fc.constantFrom(80, 0), weight }),
    fc.record({
      address: fc.constant('10.0.0.1'),
      ports: unique(fc.record({ app: name, port: fc.constant(80) }), (each) => each.app),
    }),
    fc.record({ nodeName: name }),
    fc.record({ nodeSelector: fc.record({ pool: name }) }),
    fc.record({ serviceRef, quiesce: fc.boolean() }),
  ),
});

const matrix = fc.record({
  kind: fc.constant('AppWeightMatrix'),
  metadata,
  spec: fc.record({
    className,
    mode: fc.constantFrom('Static', 'Auto'),
    apps: unique(fc.record({ name, serviceRef }, { requiredKeys: ['name'] }), (each) => each.name),
    rows: unique(
      fc.record({ server: name, weights: unique(fc.record({ app: name, weight }), (each) => each.app) }),
      (each) => each.server,
    ),
  }),
});

const key = fc.constantFrom('one/a', 'one/b', 'two/a');
const endpoint = fc.record({
  address: fc.constantFrom('10.1.0.1', '10.1.0.2', '10.1.0.3'),
  nodeName: fc.constantFrom('a', 'b', null),
  ready: fc.boolean(),
  terminating: fc.boolean(),
});
const grant = fc.record({
  namespace,
  from: fc.record({
    group: fc.constant('tcpvs.io'),
    kind: fc.constantFrom('RealServer', 'AppWeightMatrix'),
    namespace,
  }),
  to: fc.record({ group: fc.constant(''), kind: fc.constant('Service'), name: fc.constantFrom(null, 'a') }),
});
const port = fc.record({ name: fc.constantFrom('http', null), port: fc.constantFrom(80, 81) });
const cluster = fc.record({
  services: fc.dictionary(key, fc.record({ ports: fc.array(port, { maxLength: 2 }) })),
  slices: fc.dictionary(
    key,
    fc.array(fc.record({ ports: fc.array(port, { maxLength: 2 }), endpoints: fc.array(endpoint, { maxLength: 3 }) }), {
      maxLength: 2,
    }),
  ),
  nodes: fc.dictionary(name, fc.record({ labels: fc.record({ pool: name }), addresses: fc.subarray(['10.0.0.1']) })),
  hostPolicy: fc.array(
    fc.record({ namespaces: fc.subarray(['one', 't*']), hosts: fc.subarray(['*.example', 'a.example', '*']) }),
    { maxLength: 2 },
  ),
  addressPolicy: fc.array(
    fc.record({ namespaces: fc.subarray(['one', '*']), cidrs: fc.subarray(['10.0.0.0/8', '10.0.0.1/32']) }),
    { maxLength: 2 },
  ),
  exposedPorts: fc.constantFrom(undefined, [80], [80, 81]),
  grants: fc.array(
    grant.map((each) => ({ ...each, from: [each.from], to: [each.to] })),
    { maxLength: 2 },
  ),
});

const state: fc.Arbitrary<ClusterState> = fc
  .record({
    mode: fc.constantFrom('Standalone' as const, 'Cluster' as const),
    cluster,
    objects: fc.uniqueArray(fc.oneof(virtualServer, realServer, matrix), {
      maxLength: 14,
      selector: ({ kind, metadata: meta }) => `${kind} ${meta.namespace}/${meta.name}`,
    }),
  })
  .map(toState);

void test('translate answers for every state, and its answer holds together', () => {
  fc.assert(
    fc.property(state, (given) => {
      const { snapshot, statuses, lastGood } = translate(given, { checkPattern });
      checkReferences(snapshot);
      checkClaims(snapshot);
      checkHashes(snapshot);
      for (const { conditions } of statuses) {
        assert.equal(conditions.at(-1)?.type, 'Ready');
        assert.equal(new Set(conditions.map((each) => each.type)).size, conditions.length);
      }
      const keys = statuses.map((each) => `${each.kind} ${each.key}`);
      assert.deepEqual(keys, [...new Set(keys)].toSorted());
      // The same again, with what was good kept: nothing changes, down to identity.
      const again = translate({ ...given, lastGood }, { checkPattern, previous: snapshot });
      assert.equal(again.snapshot, snapshot);
      assert.deepEqual(again.statuses, statuses);
      // And from copies, in a process that remembers nothing.
      const copy = structuredClone({ given, snapshot });
      assert.equal(translate(copy.given, { checkPattern, previous: copy.snapshot }).snapshot, copy.snapshot);
    }),
    { numRuns: 500 },
  );
});

void test('what is remembered never changes the answer', () => {
  fc.assert(
    fc.property(state, state, fc.boolean(), (first, second, keep) => {
      const before = translate(first, { checkPattern });
      // Some objects stay the same ones, some are replaced, some come, and (without `keep`) all others go.
      const after: ClusterState = {
        ...second,
        virtualServers: keep ? new Map([...first.virtualServers, ...second.virtualServers]) : second.virtualServers,
        realServers: new Map([...first.realServers, ...second.realServers]),
        matrices: keep ? first.matrices : second.matrices,
        cluster: { ...second.cluster!, slices: keep ? first.cluster!.slices : second.cluster!.slices },
      };
      const fresh = translate(after, { checkPattern });
      const informed = translate(after, { checkPattern, previous: before.snapshot });
      assert.deepEqual(informed, fresh);
      // Back again: what is remembered now is of another state than the snapshot that is given.
      const back = translate(first, { checkPattern, previous: before.snapshot });
      assert.equal(back.snapshot, before.snapshot);
      assert.deepEqual(back.statuses, before.statuses);
      for (const piece of informed.snapshot.pieces) {
        const former = before.snapshot.pieces.find((each) => each.kind === piece.kind && each.key === piece.key);
        assert.equal(former?.hash === piece.hash, former === piece);
      }
    }),
    { numRuns: 300 },
  );
});

/** Whatever a piece names is a piece (or a column) of the snapshot. */
const checkReferences = ({ pieces }: Snapshot): void => {
  const servers = new Set(pieces.filter((piece) => piece.kind === 'RealServer').map((piece) => piece.key));
  const columns = new Set(
    pieces.flatMap((piece) => (piece.kind === 'Matrix' ? piece.columns.map(({ app }) => `${piece.key} ${app}`) : [])),
  );
  const known = (list: readonly { readonly server: string }[]) => list.every(({ server }) => servers.has(server));
  const services = new Set(pieces.filter((piece) => piece.kind === 'Service').map((piece) => piece.key));
  const used = pieces.flatMap((piece) => usedBy(piece).services);
  assert.deepEqual([...new Set(used)].toSorted(), [...services].toSorted());
  for (const piece of pieces) {
    if (piece.kind === 'Matrix') assert.ok(piece.columns.every(({ cells }) => known(cells)));
    if (piece.kind !== 'VirtualServer') continue;
    assert.ok(known(piece.servers));
    for (const { destinations: to } of piece.rules) {
      assert.ok(to.kind === 'App' ? columns.has(`${to.matrix} ${to.app}`) : known(to.servers));
    }
  }
};

/** No two sockets exclude each other, and on one socket no host is claimed twice. */
const checkClaims = ({ pieces }: Snapshot): void => {
  const listeners = pieces.flatMap((piece) =>
    piece.kind === 'VirtualServer' ? piece.listeners.map((each) => ({ ...each, owner: piece.key })) : [],
  );
  for (const [index, one] of listeners.entries()) {
    assert.ok(one.hosts.length > 0);
    for (const other of listeners.slice(index + 1)) {
      if (one.port !== other.port || !overlap(one.address, other.address)) continue;
      assert.equal(one.address, other.address);
      assert.equal(one.protocol, other.protocol);
      assert.equal(one.proxyProtocol, other.proxyProtocol);
      if (one.owner !== other.owner) assert.ok(!one.hosts.some((host) => other.hosts.includes(host)));
    }
  }
};

const checkHashes = ({ pieces }: Snapshot): void => {
  for (const piece of pieces) {
    const { hash, ...content } = piece;
    assert.equal(hash, hashContent(content));
  }
};

const manyObjects = (count: number, changed: number | null) => ({
  objects: [
    { kind: 'RealServer', metadata: { name: 'web' }, spec: { address: '10.0.0.1', port: 80 } },
    ...Array.from({ length: count }, (_, index) => ({
      kind: 'TcpVirtualServer',
      metadata: { name: `v${index}` },
      spec: {
        listeners: [{ name: 'l', port: 80 }],
        rules: [
          {
            name: 'r',
            match: {
              hosts: [`h${index}.example`],
              path: { type: 'Pattern', value: index === changed ? '/new' : '/old' },
            },
            servers: [{ server: 'web' }],
          },
        ],
      },
    })),
  ],
});

void test('a change costs what it changes: other pieces, statuses and judgements are the same ones', () => {
  const calls: string[] = [];
  const counting = (_type: string, value: string): number => {
    calls.push(value);
    return 0;
  };
  const before = toState(manyObjects(300, null));
  const first = translate(before, { checkPattern: counting });
  assert.equal(calls.length, 300);
  const changed = toState(manyObjects(300, 7)).virtualServers.get('default/v7');
  assert.ok(changed);
  const after = { ...before, virtualServers: new Map([...before.virtualServers, ['default/v7', changed]]) };
  const second = translate(after, { checkPattern: counting, previous: first.snapshot });
  assert.equal(calls.length, 301);
  assert.notEqual(second.snapshot.id, first.snapshot.id);
  assert.deepEqual(differing(first.snapshot.pieces, second.snapshot.pieces), ['default/v7']);
  assert.equal(second.statuses.filter((status, index) => status !== first.statuses[index]).length, 1);
});

const differing = (a: readonly Piece[], b: readonly Piece[]): string[] =>
  b.filter((piece, index) => piece !== a[index]).map((piece) => piece.key);

void test('a weight that a destination takes from its real server changes with it', () => {
  const one = toState(oneServer(1));
  const first = translate(one, { checkPattern });
  const two = { ...one, realServers: toState(oneServer(2)).realServers };
  const { snapshot } = translate(two, { checkPattern, previous: first.snapshot });
  const [piece] = snapshot.pieces.filter((each) => each.kind === 'VirtualServer');
  assert.deepEqual(piece?.servers, [{ server: 'default/web', weight: 2 }]);
});

const oneServer = (weightOfServer: number) => ({
  objects: [
    { kind: 'RealServer', metadata: { name: 'web' }, spec: { address: '10.0.0.1', port: 80, weight: weightOfServer } },
    {
      kind: 'TcpVirtualServer',
      metadata: { name: 'v' },
      spec: { listeners: [{ name: 'l', port: 80 }], servers: [{ server: 'web' }] },
    },
  ],
});
