/** What the node agent does for a pod, asked of pods that run. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { KubeObject } from './api-client.ts';
import { skipReason } from './binaries.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { until } from './follow.ts';
import { isReady, pods, untilText } from './stage.ts';

const sh = (script: string) => ({ command: ['/bin/sh', '-c', script] });
const late = (a: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' }, data: { a } });
const exec = (...command: string[]) => ({ exec: { command }, periodSeconds: 1, failureThreshold: 1 });

/** Writes a line when it is asked to end, and ends by exit code 3, unless it is told to ignore that. */
const TRAP = `trap 'echo asked; [ "$IGNORE" ] || exit 3' TERM; echo began; while :; do sleep 0.05; done`;

describe('a pod', { skip: skipReason(), timeout: 400_000 }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 1, product: null });
  });
  after(() => cluster?.stop());

  const create = (name: string, container: object, spec: object = {}) => {
    const containers = [{ name: 'main', image: 'shell', ...container }];
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { name } } };
    return cluster.client.create(pods('default'), { ...pod, spec: { restartPolicy: 'Never', containers, ...spec } });
  };
  const pod = async (name: string, wished: (pod: KubeObject) => boolean): Promise<KubeObject> => {
    const path = `${pods('default')}?fieldSelector=metadata.name%3D${name}`;
    const [found] = await until(cluster.client, path, ([one]) => one !== undefined && wished(one));
    return found as KubeObject;
  };
  const gone = (name: string) =>
    until(cluster.client, `${pods('default')}?fieldSelector=metadata.name%3D${name}`, (all) => all.length === 0);
  const ended = (name: string) => pod(name, ({ status }) => ['Succeeded', 'Failed'].includes(status.phase));
  const log = (name: string) => cluster.log('default', name);

  test('runs as who it says, in a root of its own that it may be unable to write, without privileges', async () => {
    const script = `id -u; id -g; id -G; hostname; ls /; touch /x || echo read-only; touch /scratch/y && echo scratch
      grep -E 'CapBnd|NoNewPrivs' /proc/self/status`;
    const securityContext = {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    };
    const mounts = { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] };
    await create(
      'who',
      { ...sh(script), securityContext, ...mounts },
      {
        securityContext: { runAsUser: 65532, runAsGroup: 65533, fsGroup: 2000, runAsNonRoot: true },
        volumes: [{ name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
      },
    );
    await ended('who');
    const text = log('who');
    assert.match(text, /^65532\n65533\n65533 2000\nwho\n/);
    assert.match(text, /^read-only$/m);
    assert.match(text, /^scratch$/m);
    assert.match(text, /CapBnd:\s0000000000000000\nNoNewPrivs:\s1/);
    assert.doesNotMatch(text, /work|media|mnt/);
  });

  test('is refused to run as root where it must not', async () => {
    await create('root', sh('true'), { securityContext: { runAsNonRoot: true } });
    const found = await pod('root', ({ status }) => status.containerStatuses?.[0].state.waiting !== undefined);
    await pod(
      'root',
      ({ status }) => status.containerStatuses[0].state.waiting?.reason === 'CreateContainerConfigError',
    );
    assert.equal(found.status.phase, 'Pending');
  });

  test('has its environment: fields, Secrets, ConfigMaps, Services, one variable in another', async () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'env' }, data: { colour: 'blue' } };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'env' }, stringData: { key: 's3cret' } };
    await cluster.client.create('/api/v1/namespaces/default/configmaps', map);
    await cluster.client.create('/api/v1/namespaces/default/secrets', secret);
    const env = [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'KEY', valueFrom: { secretKeyRef: { name: 'env', key: 'key' } } },
      { name: 'NONE', valueFrom: { secretKeyRef: { name: 'none', key: 'key', optional: true } } },
      { name: 'BOTH', value: '$(POD_NAME):$(KEY)' },
    ];
    const script = 'echo "$BOTH $POD_IP $colour $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT ${NONE-unset}"';
    await create('env', { ...sh(script), env, envFrom: [{ configMapRef: { name: 'env' } }] });
    const { status } = await ended('env');
    assert.equal(log('env'), `env:s3cret ${status.podIP} blue 10.96.0.1:443 unset\n`);
  });

  test('waits for a Secret that is not optional, and sees a ConfigMap change; an optional one may come later', async () => {
    const volumes = [
      { name: 'needed', secret: { secretName: 'needed', defaultMode: 0o400 } },
      { name: 'late', configMap: { name: 'late', optional: true } },
    ];
    const volumeMounts = [
      { name: 'needed', mountPath: '/needed' },
      { name: 'late', mountPath: '/late' },
    ];
    const script = `stat -L -c '%a %u' /needed/key; ls /late; until [ -e /late/a ]; do sleep 0.05; done; cat /late/a
      until grep -q second /late/a; do sleep 0.05; done; cat /late/a`;
    await create('files', { ...sh(script), volumeMounts }, { volumes, securityContext: { runAsUser: 1234 } });
    await pod('files', ({ status }) => status.containerStatuses?.[0].state.waiting?.reason === 'ContainerCreating');
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'needed' }, stringData: { key: 'x' } };
    await cluster.client.create('/api/v1/namespaces/default/secrets', secret);
    await untilText(() => log('files'), /^400 1234\n/);
    await cluster.client.create('/api/v1/namespaces/default/configmaps', late('first\n'));
    await untilText(() => log('files'), /first/);
    await cluster.client.patch('/api/v1/namespaces/default/configmaps/late', late('second\n'));
    await ended('files');
    assert.equal(log('files'), '400 1234\nfirst\nsecond\n');
  });

  test('has tokens that the API knows: its own, and one for another audience', async () => {
    const volumes = [
      { name: 't', projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'tcpvs' } }] } },
    ];
    const own = '/var/run/secrets/kubernetes.io/serviceaccount';
    const script = `cat /t/token; echo; curl -s -o /dev/null -w '%{http_code}\\n' --cacert ${own}/ca.crt \\
      -H "Authorization: Bearer $(cat ${own}/token)" https://kubernetes.default.svc/api/v1/namespaces/default/pods`;
    await create('token', { ...sh(script), volumeMounts: [{ name: 't', mountPath: '/t' }] }, { volumes });
    const { metadata } = await ended('token');
    const [token, code] = log('token').split('\n');
    // It is known, and may not do this.
    assert.equal(code, '403');
    const spec = { token, audiences: ['tcpvs'] };
    const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
    const { status } = await cluster.client.create('/apis/authentication.k8s.io/v1/tokenreviews', asked);
    assert.equal(status.user.username, 'system:serviceaccount:default:default');
    assert.deepEqual(status.user.extra['authentication.kubernetes.io/pod-uid'], [metadata.uid]);
  });

  test('is ready by its probe, and again after it was killed', async () => {
    const script = 'sleep 0.3; touch /tmp/ready; while :; do sleep 0.05; done';
    const readinessProbe = exec('test', '-e', '/tmp/ready');
    await create('probes', { ...sh(script), readinessProbe }, { restartPolicy: 'Always' });
    await pod('probes', isReady);
    await cluster.kill({ namespace: 'default', name: 'probes' }, 'main', 'SIGKILL');
    const again = await pod('probes', (each) => isReady(each) && each.status.containerStatuses[0].restartCount === 1);
    assert.equal(again.status.containerStatuses[0].lastState.terminated.exitCode, 137);
    await cluster.client.delete(`${pods('default')}/probes`, { gracePeriodSeconds: 0 });
  });

  test('that a liveness probe finds dead is asked to end and started again', async () => {
    const lifeless = { ...sh(TRAP), startupProbe: exec('true'), livenessProbe: exec('false') };
    await create('lifeless', lifeless, { restartPolicy: 'Always' });
    const found = await pod('lifeless', ({ status }) => status.containerStatuses?.[0].restartCount >= 1);
    assert.equal(found.status.containerStatuses[0].lastState.terminated.exitCode, 3);
    assert.match(log('lifeless'), /^began\nasked\n/);
    await cluster.client.delete(`${pods('default')}/lifeless`, { gracePeriodSeconds: 0 });
  });

  test('is asked to end after preStop, and killed when its time is over', async () => {
    const preStop = { exec: { command: ['/bin/sh', '-c', 'echo preStop >> /proc/1/fd/1'] } };
    await create('polite', { ...sh(TRAP), lifecycle: { preStop } });
    await create(
      'deaf',
      { ...sh(TRAP), env: [{ name: 'IGNORE', value: 'yes' }] },
      { terminationGracePeriodSeconds: 1 },
    );
    for (const name of ['polite', 'deaf']) await untilText(() => log(name), /began/);
    for (const name of ['polite', 'deaf']) await cluster.client.delete(`${pods('default')}/${name}`);
    await Promise.all(['polite', 'deaf'].map(gone));
    assert.equal(log('polite'), 'began\npreStop\nasked\n');
    assert.equal(log('deaf'), 'began\nasked\n');
  });

  test('that is deleted by force is killed at once, though it was asked before', async () => {
    const env = [{ name: 'IGNORE', value: 'yes' }];
    await create('stubborn', { ...sh(TRAP), env }, { terminationGracePeriodSeconds: 3600 });
    await untilText(() => log('stubborn'), /began/);
    await cluster.client.delete(`${pods('default')}/stubborn`);
    await untilText(() => log('stubborn'), /asked/);
    await cluster.client.delete(`${pods('default')}/stubborn`, { gracePeriodSeconds: 0 });
    await gone('stubborn');
    const isThere = () => cluster.kill({ namespace: 'default', name: 'stubborn' }, null, 'SIGCONT').then(() => true);
    for (let tries = 0; tries < 500 && (await isThere().catch(() => false)); tries++) await sleep(20);
    await assert.rejects(isThere(), /no pod default\/stubborn runs here/);
  });

  test('with a startup probe is not asked whether it is ready, or alive, before that', async () => {
    const probes = {
      startupProbe: exec('test', '-e', '/tmp/up'),
      readinessProbe: exec('true'),
      livenessProbe: exec('true'),
    };
    probes.startupProbe.failureThreshold = 100;
    await create('slow', { ...sh('sleep 1; touch /tmp/up; sleep 1000'), ...probes });
    const found = await pod('slow', ({ status }) => status.containerStatuses?.[0].state.running !== undefined);
    assert.deepEqual([found.status.containerStatuses[0].started, isReady(found)], [false, false]);
    await pod('slow', (each) => isReady(each) && each.status.containerStatuses[0].started === true);
    await cluster.client.delete(`${pods('default')}/slow`, { gracePeriodSeconds: 0 });
  });

  test('with init containers runs them first, one after the other', async () => {
    const init = (name: string) => ({ name, image: 'shell', ...sh(`echo ${name} >> /shared/order`), volumeMounts });
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
    const spec = { volumes: [{ name: 'shared', emptyDir: {} }], initContainers: [init('one'), init('two')] };
    await create('init', { ...sh('cat /shared/order'), volumeMounts }, spec);
    assert.equal((await ended('init')).status.phase, 'Succeeded');
    assert.match(log('init'), /^one\ntwo\n$/);
  });

  test('on its node’s network has the node’s address', async () => {
    await create('host', sh('ip -4 -o addr show eth0'), { hostNetwork: true });
    const { status } = await ended('host');
    assert.equal(status.podIP, status.hostIP);
    assert.match(log('host'), new RegExp(`inet ${status.hostIP}/`));
  });

  test('may bind low ports by a sysctl of its own, without a capability', async () => {
    const securityContext = {
      runAsUser: 65532,
      sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
    };
    const script = `require('net').createServer().listen(80, () => process.exit())`;
    await create('low', { command: ['node', '-e', script] }, { securityContext });
    assert.equal((await ended('low')).status.phase, 'Succeeded');
  });

  test('of an image that nobody knows says so', async () => {
    await create('unknown', { image: 'registry.example/none:1' });
    await pod('unknown', ({ status }) => status.containerStatuses?.[0].state.waiting?.reason === 'ErrImagePull');
    await cluster.client.delete(`${pods('default')}/unknown`);
    await gone('unknown');
  });
});
