/** Ways into the cluster that the chart's defaults do not take: the nodes' own network, node ports; and monitors. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { skipReason } from '../cluster/binaries.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { installChart } from '../cluster/installation.ts';
import { ROUTER } from '../cluster/machine/network.ts';
import { PlaceAgent } from '../cluster/place.ts';
import { outputOf } from '../cluster/run.ts';
import { nodesServing } from './asking.ts';

const SYSTEM = 'tcpvs-system';
const PORT = 8000;
const NODE_PORT = 30080;
const VALUES = {
  proxy: {
    kind: 'DaemonSet',
    hostNetwork: true,
    minReadySeconds: 0,
    drain: { preStopSeconds: 1, delaySeconds: 1, timeoutSeconds: 5 },
    service: { ports: [{ name: 'http', port: PORT, nodePort: NODE_PORT }] },
  },
  podMonitor: { enabled: true, interval: '15s', labels: { release: 'prometheus' } },
};
const MONITORS = `/apis/monitoring.coreos.com/v1/namespaces/${SYSTEM}/podmonitors`;

describe('other ways in than the defaults', { skip: skipReason(), timeout: 400_000 }, () => {
  let cluster: Cluster;
  let agent: PlaceAgent;
  before(async () => {
    cluster = await startCluster();
    agent = new PlaceAgent(cluster.outside, { keepAlive: true });
  });
  after(async () => {
    agent?.destroy();
    await cluster?.stop();
  });

  const kubectl = (args: string, input?: string) =>
    outputOf(`kubectl ${args}`, cluster.kubectl(args.split(' '), input));
  const addresses = async () =>
    (await kubectl('get nodes -o jsonpath={.items[*].status.addresses[0].address}')).split(' ');

  /** Fifty requests, all of them answered by pods of the app. */
  const answers = async (url: string) => {
    const nodes = Object.keys(await nodesServing(agent, url, 50));
    assert.ok(nodes.length > 0 && nodes.every((node) => /^node-[12]$/.test(node)), nodes.join());
  };

  test('monitors without the Prometheus operator: refused, and said why', async () => {
    await assert.rejects(
      installChart(cluster, { serviceType: 'NodePort', values: VALUES }),
      /PodMonitor.*monitoring\.coreos\.com\/v1/s,
    );
  });

  test('with it: one for the controllers and one for the proxies, of ports that their pods have', async () => {
    await kubectl('apply -f -', JSON.stringify(POD_MONITOR_CRD));
    await kubectl('wait --for=condition=Established crd/podmonitors.monitoring.coreos.com --timeout=30s');
    await installChart(cluster, { serviceType: 'NodePort', values: VALUES });
    const monitors = await cluster.client.list(MONITORS);
    assert.deepEqual(monitors.map(({ metadata }) => metadata.name).toSorted(), ['tcpvs-controller', 'tcpvs-proxy']);
    for (const { metadata, spec } of monitors) {
      assert.equal(metadata.labels?.['release'], 'prometheus');
      const labels = Object.entries(spec.selector.matchLabels as Record<string, string>);
      const selector = encodeURIComponent(labels.map(([name, value]) => `${name}=${value}`).join(','));
      const pods = await cluster.client.list(`/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${selector}`);
      assert.equal(pods.length, 2, metadata.name);
      const [endpoint] = spec.podMetricsEndpoints as { port: string; interval: string }[];
      assert.equal(endpoint?.interval, '15s');
      for (const pod of pods) {
        const ports = pod.spec.containers[0].ports as { name: string; containerPort: number }[];
        const port = ports.find(({ name }) => name === endpoint.port)?.containerPort;
        const url = `http://${pod.status.podIP}:${port}/metrics`;
        assert.match((await cluster.outside.run(['curl', '-s', url])).stdout, /^tcpvs_build_info\{/m, url);
      }
    }
  });

  test('proxies in the nodes’ own network answer at the nodes’ addresses', async () => {
    await kubectl('apply --server-side -f -', OBJECTS);
    await kubectl('wait --for=condition=Available deployment/web --timeout=60s');
    await kubectl('wait --for=condition=Ready tvs/http --timeout=60s');
    const nodes = await addresses();
    assert.equal(nodes.length, 2);
    for (const node of nodes) await answers(`http://${node}:${PORT}/x`);
  });

  test('a node port leads to them', async () => {
    // One kube-proxy stands for those of all nodes, at the router.
    await answers(`http://${ROUTER}:${NODE_PORT}/x`);
  });

  test('an update: the next proxy of a node has its ports when the one before has given them back', async () => {
    await kubectl(`-n ${SYSTEM} rollout restart daemonset/tcpvs-proxy`);
    await kubectl(`-n ${SYSTEM} rollout status daemonset/tcpvs-proxy --timeout=100s`);
    await kubectl('wait --for=condition=Programmed tvs/http --timeout=60s');
    for (const node of await addresses()) await answers(`http://${node}:${PORT}/x`);
  });
});

/** As much of the Prometheus operator's as the API server asks for. */
const POD_MONITOR_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'podmonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    names: { kind: 'PodMonitor', plural: 'podmonitors', singular: 'podmonitor' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

const OBJECTS = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: app
          image: app
          env: [{name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: tcpvs.io/v1alpha1
kind: RealServer
metadata: {name: web, namespace: default}
spec: {serviceRef: {name: web, port: http}}
---
apiVersion: tcpvs.io/v1alpha1
kind: TcpVirtualServer
metadata: {name: http, namespace: default}
spec:
  listeners: [{name: web, port: ${PORT}, protocol: HTTP}]
  rules: [{name: all, match: {path: {type: Prefix, value: /}}, servers: [{server: web}]}]
`;
