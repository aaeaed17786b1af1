import assert from 'node:assert/strict';
import test from 'node:test';

import { grantFacts, nodeFacts, serviceRangesOf, tlsSecret } from './cluster.ts';
import { serviceFacts, serviceOf, sliceFacts } from './services.ts';

const metadata = { namespace: 'shop', name: 'x' };

const node = (labels: Record<string, string>, time: string) => ({
  metadata: { name: 'n1', labels },
  spec: { podCIDRs: ['10.1.0.0/24'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.168.1.7' },
      { type: 'Hostname', address: 'n1' },
    ],
    conditions: [{ type: 'Ready', lastHeartbeatTime: time }],
  },
});

test('a Service: the API’s defaults, and no address where it is headless', () => {
  const ports = [{ port: 80 }, { name: 'dns', port: 53, protocol: 'UDP' }];
  assert.deepEqual(
    serviceFacts({ metadata, spec: { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv6', 'IPv4'], ports } }),
    {
      type: 'ClusterIP',
      ports: [
        { name: null, port: 80, protocol: 'TCP' },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
      clusterIps: [],
      ipFamilies: ['IPv6', 'IPv4'],
    },
  );
  const external = serviceFacts({ metadata, spec: { type: 'ExternalName', externalName: 'elsewhere.example' } });
  assert.deepEqual(external, { type: 'ExternalName', ports: [], clusterIps: [], ipFamilies: [] });
});

test('a slice: what its conditions leave out', () => {
  const slice = sliceFacts({
    metadata,
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [
      { addresses: ['10.0.0.1'], nodeName: 'n1', targetRef: { kind: 'Pod', uid: 'u1' } },
      { addresses: ['10.0.0.2'], conditions: { ready: false, serving: true, terminating: true } },
    ],
  });
  assert.deepEqual(slice.ports, [{ name: null, port: 8080, protocol: 'TCP' }]);
  assert.deepEqual(
    slice.endpoints.map(({ ready, serving, terminating, nodeName, podUid }) => [
      ready,
      serving,
      terminating,
      nodeName,
      podUid,
    ]),
    [
      [true, true, false, 'n1', 'u1'],
      [false, true, true, null, null],
    ],
  );
  // The API writes null for an empty list.
  assert.deepEqual(sliceFacts({ metadata, addressType: 'IPv4', endpoints: null, ports: [] }).endpoints, []);
  const labels = { 'kubernetes.io/service-name': 'web' };
  assert.equal(serviceOf({ metadata: { ...metadata, labels } }), 'shop/web');
  assert.equal(serviceOf({ metadata }), null);
});

test('a node’s heartbeat makes no new facts, a label does', () => {
  const before = nodeFacts(node({ pool: 'web' }, '1'));
  assert.deepEqual(before, { labels: { pool: 'web' }, addresses: ['192.168.1.7'], podRanges: ['10.1.0.0/24'] });
  assert.equal(nodeFacts(node({ pool: 'web' }, '2'), before), before);
  assert.notEqual(nodeFacts(node({ pool: 'db' }, '2'), before), before);
});

test('grants, ranges, Secrets', () => {
  const spec = {
    from: [{ group: 'tcpvs.io', kind: 'RealServer', namespace: 'a' }],
    to: [{ group: '', kind: 'Service', name: 'web' }, { kind: 'Secret' }],
  };
  assert.deepEqual(grantFacts({ metadata, spec }), {
    namespace: 'shop',
    from: spec.from,
    to: [
      { group: '', kind: 'Service', name: 'web' },
      { group: '', kind: 'Secret', name: null },
    ],
  });
  assert.deepEqual(serviceRangesOf([{ metadata, spec: { cidrs: ['10.96.0.0/16', 'fd00::/112'] } }, { metadata }]), [
    '10.96.0.0/16',
    'fd00::/112',
  ]);
  const data = { 'tls.crt': Buffer.from('PEM').toString('base64') };
  assert.deepEqual(tlsSecret({ metadata, data }), { certificate: 'PEM', key: null, ca: null });
});
