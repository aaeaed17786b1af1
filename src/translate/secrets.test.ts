import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toState } from './golden-state.ts';
import { wantedSecrets } from './secrets.ts';

const { virtualServers, realServers } = toState({
  objects: [
    {
      kind: 'TcpVirtualServer',
      metadata: { name: 'v', namespace: 'shop' },
      spec: {
        listeners: [
          {
            name: 'l',
            port: 443,
            protocol: 'HTTPS',
            tls: {
              certificateRefs: [{ name: 'own' }, { name: 'foreign', namespace: 'other' }],
              clientValidation: { caCertificateRefs: [{ name: 'ca' }] },
            },
          },
        ],
      },
    },
    {
      kind: 'RealServer',
      metadata: { name: 'r', namespace: 'shop' },
      spec: {
        address: '10.0.0.1',
        port: 443,
        protocol: 'HTTPS',
        tls: { caCertificateRefs: [{ name: 'ca' }], clientCertificateRef: { name: 'client' } },
      },
    },
  ],
});

void test('a source has to watch the Secrets that an object may refer to, and no others', () => {
  const virtualServer = virtualServers.get('shop/v')!;
  const grant = {
    namespace: 'other',
    from: [{ group: 'tcpvs.io', kind: 'TcpVirtualServer', namespace: 'shop' }],
    to: [{ group: '', kind: 'Secret', name: 'foreign' }],
  };
  assert.deepEqual(wantedSecrets(virtualServer, []), ['shop/own', 'shop/ca']);
  assert.deepEqual(wantedSecrets(virtualServer, [grant]), ['shop/own', 'other/foreign', 'shop/ca']);
  assert.deepEqual(wantedSecrets(realServers.get('shop/r')!, [grant]), ['shop/ca', 'shop/client']);
});
