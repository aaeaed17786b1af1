import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { skipReason } from './binaries.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { until } from './follow.ts';
import { PlaceAgent } from './place.ts';
import { get, labelled, untilReadyPods, untilText } from './stage.ts';

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: app
          readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
          ports: [{name: http, containerPort: 8080}]
          lifecycle: {preStop: {sleep: {seconds: 2}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: all-web}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
`;

const POLICY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}]}
`;

const HELM = `
apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}'}
data: {version: '{{ .Capabilities.KubeVersion }}'}
---
apiVersion: batch/v1
kind: Job
metadata: {name: hook, annotations: {'helm.sh/hook': post-install, 'helm.sh/hook-delete-policy': hook-succeeded}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: hook, image: shell, command: ['true']}]
`;

describe('a cluster', { skip: skipReason(), timeout: 400_000 }, () => {
  let cluster: Cluster;
  let agent: PlaceAgent;
  before(async () => {
    cluster = await startCluster({ nodes: 2, product: null });
    // A connection for each request: one that is kept may be closed by the app just when it is used again.
    agent = new PlaceAgent(cluster.outside);
    await apply(WEB);
    await untilReadyPods(cluster.client, 'default', 'web', 3);
  });
  after(async () => {
    agent?.destroy();
    await cluster?.stop();
  });
  const apply = async (manifest: string) => {
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], manifest);
    assert.equal(code, 0, stderr);
  };
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.kubectl(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  test('a Service answers from outside of its pods, by name', async () => {
    const answer = await get(agent, 'http://web.default.svc.cluster.local/x');
    assert.equal(answer.status, 200);
    assert.match(answer.body, /^web-\w+-\w+ serves \/x\n$/);
  });

  test('a pod reaches a Service, itself behind it too', async () => {
    const script = `fetch('http://web/y').then((answer) => answer.text()).then(console.log)`;
    await apply(`
apiVersion: batch/v1
kind: Job
metadata: {name: ask}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: ask, image: shell, command: [node, -e, "${script}"]}]
`);
    await until(cluster.client, '/apis/batch/v1/namespaces/default/jobs', (all) => all[0]?.status?.succeeded === 1);
    const [pod] = await cluster.client.list(labelled('default', 'none').replace('app%3Dnone', 'job-name%3Dask'));
    assert.match(cluster.log('default', pod?.metadata.name ?? ''), /^web-\w+-\w+ serves \/y/);
  });

  test('a headless Service’s name has all ready addresses', async () => {
    const ready = await untilReadyPods(cluster.client, 'default', 'web', 3);
    const script = `require('dns').promises.resolve4('all-web.default.svc.cluster.local').then((a) => console.log(a.sort().join()))`;
    const { stdout } = await cluster.outside.run([process.execPath, '-e', script]);
    assert.equal(
      stdout.trim(),
      ready
        .map(({ status }) => status.podIP as string)
        .toSorted()
        .join(),
    );
  });

  test('a Deployment rolls under load and no request fails', async () => {
    const old = await untilReadyPods(cluster.client, 'default', 'web', 3);
    const rolled = new AbortController();
    const load = async () => {
      const served = new Set<string>();
      for (let count = 0; !rolled.signal.aborted || count < 100; count++) {
        const { status, pod } = await get(agent, 'http://web.default.svc.cluster.local/');
        assert.equal(status, 200);
        served.add(pod);
      }
      return served;
    };
    const clients = Promise.all([load(), load()]);
    await kubectl('set', 'env', 'deployment/web', 'NAME=second');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=100s');
    rolled.abort();
    await clients;
    const now = await untilReadyPods(cluster.client, 'default', 'web', 3);
    const names = new Set(old.map(({ metadata }) => metadata.name));
    assert.deepEqual(
      now.filter(({ metadata }) => names.has(metadata.name)),
      [],
    );
  });

  test('it scales up and down', async () => {
    await kubectl('scale', 'deployment/web', '--replicas=5');
    await untilReadyPods(cluster.client, 'default', 'web', 5);
    await kubectl('scale', 'deployment/web', '--replicas=2');
    await untilReadyPods(cluster.client, 'default', 'web', 2);
  });

  test('a node drains within the disruption budget', async () => {
    await kubectl('drain', 'node-1', '--ignore-daemonsets', '--timeout=100s');
    const left = await untilReadyPods(cluster.client, 'default', 'web', 2);
    assert.deepEqual(new Set(left.map(({ spec }) => spec.nodeName)), new Set(['node-2']));
    await kubectl('uncordon', 'node-1');
  });

  test('a killed container is started again, in the same pod', async () => {
    const [pod] = await untilReadyPods(cluster.client, 'default', 'web', 2);
    const name = pod?.metadata.name ?? '';
    await cluster.kill({ namespace: 'default', name }, null, 'SIGKILL');
    const again = await until(cluster.client, labelled('default', 'web'), (all) =>
      all.some(({ metadata, status }) => metadata.name === name && status.containerStatuses[0].restartCount === 1),
    );
    const status = again.find(({ metadata }) => metadata.name === name)?.status.containerStatuses[0];
    assert.equal(status.lastState.terminated.exitCode, 137);
    await untilText(() => cluster.log('default', name), /listens[^]*listens/);
  });

  test('a NetworkPolicy keeps out whom it does not name, while the node’s probes go on', async () => {
    const [first] = await untilReadyPods(cluster.client, 'default', 'web', 2);
    const podIP = first?.status.podIP as string;
    const refused = () =>
      get(agent, `http://${podIP}:8080/`).then(
        () => false,
        ({ code }) => code === 'ECONNREFUSED',
      );
    assert.equal(await refused(), false);
    await apply(POLICY);
    while (!(await refused())) await sleep(10);
    await untilReadyPods(cluster.client, 'default', 'web', 2);
    await apply(POLICY.replace('10.1.0.0/16', '10.240.0.0/16'));
    while (await refused()) await sleep(10);
    await kubectl('delete', 'networkpolicy', 'web');
  });

  test('pods outlive the API server, which may be away', async () => {
    await untilReadyPods(cluster.client, 'default', 'web', 2);
    await cluster.stopServer();
    assert.equal((await get(agent, 'http://web.default.svc.cluster.local/')).status, 200);
    await cluster.startServer();
    await kubectl('scale', 'deployment/web', '--replicas=3');
    await untilReadyPods(cluster.client, 'default', 'web', 3);
  });

  test('Helm installs, waits for its hook, and uninstalls', async () => {
    const chart = join(cluster.directory, 'chart');
    mkdirSync(join(chart, 'templates'), { recursive: true });
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: small\nversion: 1.0.0\n');
    writeFileSync(join(chart, 'templates/all.yaml'), HELM);
    const helm = async (...args: string[]) => {
      const { code, stderr } = await cluster.helm(args);
      assert.equal(code, 0, stderr);
    };
    await helm('install', 'small', chart, '--wait', '--timeout', '60s');
    const map = await cluster.client.get('/api/v1/namespaces/default/configmaps/small');
    assert.equal(map['data'].version, 'v1.37.2');
    await helm('uninstall', 'small', '--wait', '--timeout', '60s');
    assert.equal(await cluster.client.find('/api/v1/namespaces/default/configmaps/small'), null);
  });
});
