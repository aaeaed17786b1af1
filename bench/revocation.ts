/**
 * How soon proxies have no more what was taken back: from the moment in which an API server is asked to delete something to
 * the moment in which a proxy has a snapshot without it. `node bench/revocation.ts [--rounds N] [--json] [--write]`. A real
 * API server (test/cluster), `tcpvs controller` as a process, and a proxy's conversation with it, over TLS. What it takes
 * the workers then, bench/propagation.ts has.
 */
import { parseArgs } from 'node:util';

import { makeAuthority } from '../src/tls/fixture/authority.ts';
import { startApi } from '../test/cluster/api.ts';
import { createStage } from '../test/cluster/controller-stage.ts';
import { GATEWAY, installCrds, installGrants } from '../test/cluster/crds.ts';
import { keep, textOf } from './measure/keep.ts';
import { circumstances } from './measure/machine.ts';
import { median } from './measure/statistics.ts';
import type { RevocationResult } from './report/change-results.ts';

const NAMESPACE = 'own';
const OTHER = 'other';
const GROUP = `/apis/tcpvs.io/v1alpha1/namespaces/${NAMESPACE}`;
const CORE = `/api/v1/namespaces/${NAMESPACE}`;

const FAR = [{ server: 'far', weight: 1 }];
/** A listener with the certificate of a Secret. */
const secure = (name: string) => ({
  listeners: [{ name: 'l', port: 8001, protocol: 'HTTPS', tls: { certificateRefs: [{ name }] } }],
  servers: FAR,
});

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, json: { type: 'boolean' }, write: { type: 'boolean' } },
});
const on = circumstances();
const api = await startApi();
try {
  const result = await measure(Number(values.rounds));
  if (values.json === true) process.stdout.write(textOf(on, result));
  else for (const { what, median: middle, max } of result.revocations) console.log(what.padEnd(40), middle, max);
  if (values.write === true) keep('revocation', on, result);
} finally {
  await api.stop();
}

async function measure(rounds: number): Promise<RevocationResult> {
  const { client } = api;
  await installCrds(api);
  await installGrants(api);
  const stage = await createStage(api, NAMESPACE);
  try {
    await client.create('/api/v1/namespaces', { metadata: { name: OTHER } });
    await stage.controller([`--watch-namespaces=${NAMESPACE},${OTHER}`]);
    const proxy = await stage.proxy();
    const piece = (kind: string, key: string) => proxy.pieces.get(`${kind} ${key}`);
    await service(OTHER, 'shared');
    await create('RealServer', 'far', { serviceRef: { name: 'shared', namespace: OTHER } });
    await create('TcpVirtualServer', 'https', secure('shop'));
    const { certificate, privateKey } = makeAuthority().issue({ names: ['shop.example'] });
    const grants = `/apis/${GATEWAY}/v1beta1/namespaces/${OTHER}/referencegrants`;
    const kinds: readonly Kind[] = [
      {
        what: 'a ReferenceGrant, to a Service',
        give: () =>
          client.create(grants, {
            apiVersion: `${GATEWAY}/v1beta1`,
            kind: 'ReferenceGrant',
            metadata: { name: 'shop' },
            spec: {
              from: [{ group: 'tcpvs.io', kind: 'RealServer', namespace: NAMESPACE }],
              to: [{ group: '', kind: 'Service' }],
            },
          }),
        take: () => client.delete(`${grants}/shop`),
        isThere: () => piece('Service', `${OTHER}/shared:80`) !== undefined,
      },
      {
        what: 'a Secret with a certificate',
        give: () =>
          client.create(`${CORE}/secrets`, {
            metadata: { name: 'shop' },
            type: 'kubernetes.io/tls',
            stringData: { 'tls.crt': certificate, 'tls.key': privateKey },
          }),
        take: () => client.delete(`${CORE}/secrets/shop`),
        isThere: () => piece('Certificate', `${NAMESPACE}/shop`) !== undefined,
      },
      {
        what: 'a RealServer',
        give: () => create('RealServer', 'near', { serviceRef: { name: 'shared' } }),
        take: () => client.delete(`${GROUP}/realservers/near`),
        isThere: () => piece('RealServer', `${NAMESPACE}/near`) !== undefined,
      },
      {
        what: 'an AppWeightMatrix',
        give: () => create('AppWeightMatrix', 'm', { apps: [{ name: 'a' }], rows: [] }),
        take: () => client.delete(`${GROUP}/appweightmatrices/m`),
        isThere: () => piece('Matrix', `${NAMESPACE}/m`) !== undefined,
      },
      {
        what: 'a TcpVirtualServer',
        give: () => create('TcpVirtualServer', 'web', { listeners: [{ name: 'web', port: 8000 }], servers: FAR }),
        take: () => client.delete(`${GROUP}/tcpvirtualservers/web`),
        isThere: () => piece('VirtualServer', `${NAMESPACE}/web`) !== undefined,
      },
    ];
    const revocations = [];
    for (const { what, give, take, isThere } of kinds) {
      const took: number[] = [];
      for (let round = 0; round < rounds; round++) {
        await give();
        await proxy.until(isThere);
        const asked = performance.now();
        await Promise.all([take(), proxy.until(() => !isThere())]);
        took.push(performance.now() - asked);
      }
      revocations.push({ what, median: tenths(median(took)), max: tenths(Math.max(...took)) });
    }
    return { rounds, revocations };
  } finally {
    await stage.close();
  }
}

interface Kind {
  readonly what: string;
  readonly give: () => Promise<unknown>;
  readonly take: () => Promise<unknown>;
  /** Whether the proxy has it. */
  readonly isThere: () => boolean;
}

async function service(namespace: string, name: string): Promise<void> {
  const spec = { selector: {}, ports: [{ port: 80 }] };
  await api.client.create(`/api/v1/namespaces/${namespace}/services`, { metadata: { name }, spec });
  await api.client.create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
  });
}

function create(kind: string, name: string, spec: object): Promise<unknown> {
  const plural = kind === 'AppWeightMatrix' ? 'appweightmatrices' : `${kind.toLowerCase()}s`;
  const object = { apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { name }, spec };
  return api.client.create(`${GROUP}/${plural}`, object);
}

function tenths(milliseconds: number): number {
  return Math.round(10 * milliseconds) / 10;
}
