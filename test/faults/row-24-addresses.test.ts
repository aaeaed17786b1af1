/**
 * Row 24: whoever may write objects in a cluster names an address that is not his to reach, written in every way there is.
 * None of them gets into what the proxies are told, however wide the operator's leave is; only the very network opens it.
 * (That an address which a name resolves to is judged before it is connected to: src/proxy/address-guard.test.ts.)
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HIDDEN } from '../../src/model/fixture/hidden-addresses.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { checkPattern } from '../../src/translate/check-pattern.ts';
import { type GoldenCase, toState } from '../../src/translate/golden-state.ts';
import { translate } from '../../src/translate/translate.ts';
import { report } from './figures.ts';

/** The cluster's own, beside those that are nobody's anywhere. */
const OWN = ['10.0.0.1', '0xa000001', '::ffff:10.0.0.1', '10.244.0.7', '10.96.0.1', '10.0.0.100', '64:ff9b::a00:64'];

test('24. addresses that are not to be reached', () => {
  const encodings = [...HIDDEN, ...OWN];
  assert.ok(encodings.length >= 60);
  const { snapshot, statuses } = served(
    [{ namespaces: ['*'], cidrs: ['0.0.0.0/0', '::/0'], dnsSuffixes: ['*'] }],
    encodings,
  );
  const refused = statuses.filter(({ kind, conditions }) => {
    return kind === 'RealServer' && conditions.some(({ type, status }) => type === 'Accepted' && status === 'False');
  });
  assert.equal(refused.length, encodings.length);
  assert.deepEqual(endpointsOf(snapshot), ['203.0.113.7'], 'what is good is served');
  const { snapshot: allowed } = served(
    [{ namespaces: ['shop'], cidrs: ['0.0.0.0/0', '127.0.0.0/8'], dnsSuffixes: [] }],
    ['127.0.0.1', '127.1', '169.254.169.254'],
  );
  assert.deepEqual(endpointsOf(allowed), ['127.0.0.1', '203.0.113.7'], 'the operator opens one network');
  report(24, 'addresses', { encodings: encodings.length, refused: refused.length });
});

const endpointsOf = ({ pieces }: Snapshot): string[] =>
  pieces
    .flatMap((piece) => (piece.kind === 'RealServer' ? piece.endpoints : []))
    .flatMap(({ endpoints }) => endpoints.map(({ address }) => address))
    .toSorted();

const server = (name: string, address: string) => ({
  kind: 'RealServer',
  metadata: { name, namespace: 'shop' },
  spec: { address, port: 80 },
});

function served(addressPolicy: object[], addresses: readonly string[]) {
  const names = addresses.map((_, index) => `hidden-${index}`);
  const state = toState({
    mode: 'Cluster',
    cluster: {
      nodes: { 'node-1': { addresses: ['10.0.0.1'], podRanges: ['10.244.0.0/24'] } },
      services: { 'default/kubernetes': { ports: [{ port: 443 }], clusterIps: ['10.96.0.1'] } },
      slices: { 'default/kubernetes': [{ endpoints: [{ address: '10.0.0.100' }] }] },
      serviceRanges: ['10.96.0.0/12'],
      addressPolicy,
    },
    objects: [
      server('good', '203.0.113.7'),
      ...addresses.map((address, index) => server(names[index]!, address)),
      {
        kind: 'TcpVirtualServer',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { listeners: [{ name: 'l', port: 80 }], servers: ['good', ...names].map((name) => ({ server: name })) },
      },
    ],
  } as unknown as GoldenCase);
  return translate(state, { checkPattern });
}
