/** `tcpvs explain --live` and `tcpvs validate --live` against a real API server. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { styleOf } from '../../src/cli/output.ts';
import { runTcpvs } from '../../src/cli/tcpvs-run.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { installCrds } from './crds.ts';

const OBJECTS = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.1.2.3]}, {addresses: [10.1.2.4], conditions: {ready: false}}]
---
apiVersion: tcpvs.io/v1alpha1
kind: RealServer
metadata: {name: web, namespace: default}
spec: {serviceRef: {name: web, port: http}}
---
apiVersion: tcpvs.io/v1alpha1
kind: RealServer
metadata: {name: old, namespace: default}
spec: {address: 192.0.2.7, port: 80}
---
apiVersion: tcpvs.io/v1alpha1
kind: TcpVirtualServer
metadata: {name: http, namespace: default}
spec:
  listeners: [{name: web, port: 80, protocol: HTTP}]
  rules:
    - {name: shop, match: {hosts: [shop.example], path: {type: Prefix, value: /cart}}, servers: [{server: web, weight: 3}, {server: old, weight: 1}]}
`;

const tcpvs = async (...args: string[]) => {
  let [out, err] = ['', ''];
  const output = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    style: styleOf({}, {}),
  };
  return { code: await runTcpvs(args, output), out, err };
};

describe('the offline commands on a live cluster', { skip: skipReason('api') }, () => {
  let api: Api;
  before(async () => {
    api = await startApi({ users: { nobody: [] } });
    await installCrds(api);
    const { code, stderr } = await api.kubectl(['apply', '-f', '-'], OBJECTS);
    assert.equal(code, 0, stderr);
  });
  after(() => api.stop());

  const live = (...args: string[]) => tcpvs(...args, '--kubeconfig', api.kubeconfig);

  test('explain says where a request would go, by the endpoints that are ready', async () => {
    const { code, out, err } = await live('explain', 'GET', 'http://shop.example/cart/1', '--json');
    assert.deepEqual([code, err], [0, '']);
    const { virtualServer, rule, destinations } = JSON.parse(out) as Record<string, any>;
    assert.deepEqual([virtualServer, rule?.name], ['default/http', 'shop']);
    assert.deepEqual(
      destinations.map(({ server, endpoints, share }: Record<string, unknown>) => [server, endpoints, share]),
      [
        ['default/web', ['10.1.2.3:8080'], 0.75],
        ['default/old', ['192.0.2.7:80'], 0.25],
      ],
    );
    assert.match((await live('explain', 'GET', 'https://shop.example:80/')).out, /port 80 is not HTTPS: there is HTTP/);
  });

  test('validate judges what is there, and manifests as if they were applied', async () => {
    assert.deepEqual((await live('validate')).out, '3 objects, no fault\n');
    const directory = join(api.directory, 'manifests');
    mkdirSync(directory);
    const head = 'apiVersion: tcpvs.io/v1alpha1\nmetadata: {name: web}\n';
    writeFileSync(
      join(directory, 'web.yaml'),
      `${head}kind: RealServer\nspec: {serviceRef: {name: web, port: https}}\n`,
    );
    const { code, out } = await live('validate', directory);
    assert.equal(code, 1);
    assert.match(out, /^RealServer default\/web: \w+: .*https/);
    // Nothing was applied.
    assert.equal((await live('validate')).code, 0);
  });

  test('who may not read, and where there is nothing to read', async () => {
    const { kubeconfig } = api.as(readFileSync(join(api.directory, 'tokens/nobody'), 'utf8').trim());
    const refused = await tcpvs('explain', 'GET', 'http://x/', '--kubeconfig', kubeconfig);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^tcpvs: the cluster: .*User "nobody" cannot list/);
    const missing = await tcpvs('validate', '--kubeconfig', '/nosuch/config');
    assert.deepEqual([missing.code, /nosuch/.test(missing.err)], [1, true]);
    assert.equal((await tcpvs('explain', 'GET', 'http://x/')).code, 2);
  });
});
