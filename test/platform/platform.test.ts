/** From the empty cluster to the matrix at work, and what nobody may do. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ProfilesDocument } from '../../src/model/profiles.ts';
import { auditEvents, compareWithAudit } from '../chart/audit.ts';
import { rightsOf } from '../chart/rights.ts';
import { rendered } from '../chart/stage.ts';
import { skipReason } from '../cluster/binaries.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { applyMatrixExample, HOSTS, installChart } from '../cluster/installation.ts';
import { PlaceAgent } from '../cluster/place.ts';
import { must, outputOf, run } from '../cluster/run.ts';
import { ask, nodesServing } from './asking.ts';

const ROOT = join(import.meta.dirname, '../..');
const SYSTEM = 'tcpvs-system';
const PROXY = `http://tcpvs-proxy.${SYSTEM}.svc.cluster.local`;
const SNAPSHOTS = `tcpvs-controller.${SYSTEM}.svc.cluster.local`;
const OBJECTS = '/apis/tcpvs.io/v1alpha1/namespaces';

/** Of `kubectl tcpvs -L --json`; without live counts `requests` and what follows is not there. */
interface Listing {
  readonly virtuals: readonly {
    readonly rules: readonly {
      readonly app: string | null;
      readonly destinations: readonly {
        readonly name: string;
        readonly requests: number;
        readonly asked: number;
        readonly delivered: number;
      }[];
    }[];
  }[];
}

describe('the platform', { skip: skipReason(), timeout: 400_000 }, () => {
  let cluster: Cluster;
  let agent: PlaceAgent;
  before(async () => {
    cluster = await startCluster({ nodes: HOSTS });
    agent = new PlaceAgent(cluster.outside);
    await installChart(cluster);
    await applyMatrixExample(cluster);
    await kubectl('-n eapac wait --for=condition=Available deployments --all --timeout=60s');
  });
  after(async () => {
    agent?.destroy();
    await cluster?.stop();
  });

  const kubectl = (args: string, input?: string) =>
    outputOf(`kubectl ${args}`, cluster.kubectl(args.split(' '), input));
  const kubectlTcpvs = async (args: string) => {
    const where = ['--kubeconfig', cluster.kubeconfig, '-n', 'eapac'];
    const result = await run([join(ROOT, 'bin/kubectl-tcpvs'), ...where, ...args.split(' ')]);
    assert.equal(result.code, 0, `kubectl tcpvs ${args}: ${result.stderr}`);
    return result;
  };
  /** What `-L` has of an app, and the sum of its requests. */
  const countedOf = async (app: string) => {
    const { virtuals } = JSON.parse((await kubectlTcpvs('-L --json')).stdout) as Listing;
    const rules = virtuals.flatMap((virtual) => virtual.rules);
    const destinations = rules.find((rule) => rule.app === app)?.destinations ?? [];
    return { destinations, total: destinations.reduce((sum, { requests }) => sum + requests, 0) };
  };
  /** What a controller has learned of an app. */
  const profileOf = async (name: string) => {
    const where = ['--kubeconfig', cluster.kubeconfig, '-n', 'eapac', '--json'];
    const text = await must([join(ROOT, 'bin/tcpvs'), 'profile', ...where]);
    const { matrices } = JSON.parse(text) as ProfilesDocument;
    return matrices[0]?.apps.find(({ app }) => app === name);
  };
  const apply = (manifest: string) => kubectl('apply --server-side --force-conflicts -f -', manifest);
  const statusOf = async (namespace: string, path: string) => {
    const { status } = await cluster.client.get(`${OBJECTS}/${namespace}/${path}`);
    return Object.fromEntries(
      (status.conditions as { type: string; status: string; reason: string; message: string }[]).map((condition) => [
        condition.type,
        condition,
      ]),
    );
  };
  const podsOf = async (component: string) => {
    const names = await kubectl(
      `-n ${SYSTEM} get pods -l app.kubernetes.io/component=${component} -o jsonpath={.items[*].metadata.name}`,
    );
    return names.split(' ');
  };

  test('shares are exact for each replica of the proxy', async () => {
    for (const [app, asked] of Object.entries({
      appc: { web2: 0.87, web3: 0.13 },
      appd: { web3: 0.6, web4: 0.4 },
      appe: { web4: 0.31, web5: 0.69 },
    })) {
      const counts = await nodesServing(agent, `${PROXY}/${app}/x`, 200);
      for (const [node, share] of Object.entries(asked)) {
        // Two replicas, each within one request.
        const off = Math.abs((counts[node] ?? 0) - 200 * share);
        assert.ok(off <= 2, `${app} at ${node}: ${JSON.stringify(counts)}`);
      }
    }
  });

  test('kubectl get tells what matters, and kubectl tcpvs -L what was delivered', async () => {
    const table = await kubectl('-n eapac get tvs,rsv,awm');
    assert.match(table, /tcpvirtualserver\S*\/http .*True/);
    assert.match(table, /appweightmatrix\S*\/eapac .*True/);
    // What the proxies have counted reaches the controllers within a second or two.
    for (let tries = 0; (await countedOf('appc')).total < 200 && tries < 100; tries++) await sleep(100);
    const { stdout, stderr } = await kubectlTcpvs('-L');
    assert.equal(stderr, '', 'a note would say that there are no live counts');
    assert.match(stdout, /Virtual eapac\/http \{/);
    // The requests of the test before this one, as both proxies have counted them, and their shares.
    const { total, destinations } = await countedOf('appc');
    assert.equal(total, 200);
    for (const { name, asked, delivered, requests } of destinations) {
      assert.equal(delivered, requests / 200, name);
      assert.ok(Math.abs(delivered - asked) <= 0.01, `${name}: ${delivered}`);
    }
    const [web2] = destinations;
    assert.ok(
      stdout.includes(`${web2?.requests}`) && stdout.includes((100 * (web2?.delivered ?? 0)).toFixed(1)),
      stdout,
    );
  });

  test('what was asked of an app is learned by the controllers, and shown to whoever may see it', async () => {
    let appc = await profileOf('appc');
    for (let tries = 0; appc?.seconds?.source !== 'learned' && tries < 50; tries++) {
      assert.equal((await ask(agent, `${PROXY}/appc/x`)).status, 200);
      appc = await profileOf('appc');
    }
    assert.deepEqual([appc?.demand.source, appc?.seconds?.source], ['learned', 'learned']);
    assert.ok(appc!.demand.value > 0 && appc!.seconds!.value > 0);
  });

  test('a changed weight is in force at once, and the status says when', async () => {
    await kubectlTcpvs('--add-rule -i http -p /appc/.* -w 13 -r @web2');
    await kubectl('-n eapac wait --for=condition=Programmed awm/eapac --timeout=30s');
    const counts = await nodesServing(agent, `${PROXY}/appc/x`, 100);
    assert.ok(Math.abs((counts['web2'] ?? 0) - 50) <= 2, JSON.stringify(counts));
  });

  test('a faulty object harms nobody and goes on as it was; a matrix serves what it knows', async () => {
    await apply(virtualServer('a', 'pattern', '^/a/.*', 'a.example'));
    await kubectl('-n eapac wait --for=condition=Ready tvs/a --timeout=30s');
    // The API takes it, only the engine can tell that it does not compile.
    await apply(virtualServer('a', 'pattern', '((', 'a.example'));
    await kubectl('-n eapac wait --for=condition=Accepted=False tvs/a --timeout=30s');
    assert.equal((await statusOf('eapac', 'tcpvirtualservers/a'))['Accepted']?.reason, 'InvalidPattern');
    assert.equal((await statusOf('eapac', 'tcpvirtualservers/http'))['Ready']?.status, 'True');
    assert.equal((await ask(agent, `${PROXY}/appc/x`)).status, 200);
    const matrix = await cluster.client.get(`${OBJECTS}/eapac/appweightmatrices/eapac`);
    matrix['spec'].rows.push({ server: 'nosuch', weights: [{ app: 'appc', weight: 5 }] });
    await cluster.client.replace(`${OBJECTS}/eapac/appweightmatrices/eapac`, matrix);
    await kubectl('-n eapac wait --for=condition=ResolvedRefs=False awm/eapac --timeout=30s');
    assert.match((await statusOf('eapac', 'appweightmatrices/eapac'))['ResolvedRefs']?.message ?? '', /nosuch/);
    assert.equal((await ask(agent, `${PROXY}/appc/x`)).status, 200);
    matrix['spec'].rows.pop();
    await apply(JSON.stringify({ ...matrix, metadata: { name: 'eapac', namespace: 'eapac' }, status: undefined }));
    await kubectl('-n eapac delete tvs/a');
  });

  test('another ServiceAccount gets nothing from the snapshot server, whatever it asks for', async () => {
    // The chart's policy would not even let it connect.
    await apply(EVERYBODY);
    const token = await cluster.tokenOf('default', 'default', { audience: 'tcpvs' });
    for (const path of ['/v1/sync', '/v1/pieces', '/v1/report', '/', '/metrics']) {
      const curl = ['curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'POST', '-d', '{}'];
      const url = `https://${SNAPSHOTS}:9443${path}`;
      for (const header of [`Authorization: Bearer ${token}`, 'Authorization: Bearer x.y.z', 'Accept: */*']) {
        const { stdout } = await cluster.outside.run([...curl, '-H', header, url]);
        assert.equal(stdout, '401', `${path} with ${header.slice(0, 24)}`);
      }
    }
  });

  test('no key appears in a log, a metric, an event or a status', async () => {
    const directory = join(cluster.directory, 'tls');
    const request =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=secure.example';
    const names = '-addext subjectAltName=DNS:secure.example';
    await must(`openssl ${request} ${names} -keyout ${directory}.key -out ${directory}.crt`.split(' '));
    await kubectl(`-n eapac create secret tls canary --cert=${directory}.crt --key=${directory}.key`);
    await apply(SECRET_READER);
    await apply(secureServer('canary'));
    await kubectl('-n eapac wait --for=condition=Ready tvs/secure --timeout=30s');
    const { stdout } = await cluster.outside.run(
      `curl -sk --resolve secure.example:443:${await clusterIp()} https://secure.example/x`.split(' '),
    );
    assert.match(stdout, /serves \/x/);
    const shown: string[] = [];
    for (const [component, port] of [
      ['controller', 8080],
      ['proxy', 9000],
    ] as const) {
      for (const pod of await podsOf(component)) {
        shown.push(cluster.log(SYSTEM, pod));
        const ip = await kubectl(`-n ${SYSTEM} get pod ${pod} -o jsonpath={.status.podIP}`);
        for (const path of ['metrics', 'healthz', 'readyz', 'v1/counts', 'v1/snapshot', 'v1/status']) {
          const { code, stdout: text } = await cluster.outside.run(['curl', '-s', `http://${ip}:${port}/${path}`]);
          assert.equal(code, 0, `${pod}/${path}`);
          if (path === 'metrics') assert.match(text, /^tcpvs_build_info\{/m, pod);
          shown.push(text);
        }
        assert.match(cluster.log(SYSTEM, pod), /"msg":/, `${pod} has a log`);
      }
    }
    for (const kind of ['tvs', 'rsv', 'awm', 'events', 'configmaps', 'controllerrevisions']) {
      const text = await kubectl(`get ${kind} -A -o yaml`);
      assert.match(text, /^- apiVersion: /m, kind);
      shown.push(text);
    }
    const secrets = await cluster.client.list(`/api/v1/namespaces/${SYSTEM}/secrets`);
    const canary = await cluster.client.get('/api/v1/namespaces/eapac/secrets/canary');
    const keys = [...secrets, canary].flatMap(({ data = {} }) =>
      Object.entries(data as Record<string, string>)
        .filter(([name]) => !name.endsWith('.crt') && name !== 'release')
        .map(([, value]) => Buffer.from(value, 'base64').toString())
        // When a key was made.
        .filter((value) => !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)),
    );
    assert.ok(keys.length >= 3);
    for (const key of keys) assert.ok(needlesOf(key).length > 0, 'nothing to look for of one of the keys');
    const needles = keys.flatMap(needlesOf);
    const [tls] = needlesOf(readFileSync(`${directory}.key`, 'utf8'));
    assert.ok(tls !== undefined && needles.includes(tls), 'the key of the canary is looked for');
    for (const text of shown) for (const needle of needles) assert.ok(!text.includes(needle), text.slice(0, 200));
  });

  test('two installations do not touch each other’s objects', async () => {
    await installChart(cluster, {
      release: 'other',
      namespace: 'other-system',
      values: { className: 'other', crds: { install: false }, controller: { replicas: 1 }, proxy: { replicas: 1 } },
    });
    await apply(virtualServer('theirs', 'prefix', '/theirs', 'theirs.example', 'other'));
    await kubectl('-n eapac wait --for=condition=Accepted tvs/theirs --timeout=60s');
    const theirs = statusesWrittenBy('system:serviceaccount:other-system:other-controller');
    assert.deepEqual([...theirs].toSorted(), ['theirs', 'web-other']);
    const ours = statusesWrittenBy(`system:serviceaccount:${SYSTEM}:tcpvs-controller`);
    assert.deepEqual([ours.has('http'), ours.has('theirs'), ours.has('web-other')], [true, false, false]);
    const other = 'http://other-proxy.other-system.svc.cluster.local';
    assert.equal((await ask(agent, `${other}/appc/x`)).status, 404);
    await kubectl('-n eapac delete tvs/theirs');
    assert.equal((await cluster.helm(['uninstall', 'other', '-n', 'other-system', '--wait'])).code, 0);
    assert.equal((await ask(agent, `${PROXY}/appc/x`)).status, 200);
  });

  test('the controller was refused nothing but a Secret that it had no right to yet', () => {
    const rights = rightsOf(rendered({}, { release: 'tcpvs', namespace: SYSTEM }));
    const { refused } = compareWithAudit(rights, events());
    assert.deepEqual(
      refused.filter((deed) => !deed.endsWith('eapac secrets canary')),
      [],
    );
  });

  const events = () => auditEvents(readFileSync(cluster.auditLog, 'utf8'));

  /** Names of the objects whose status somebody has written. */
  function statusesWrittenBy(user: string): Set<string> {
    const written = events().filter(
      ({ user: who, verb, objectRef }) =>
        who.username === user && verb === 'patch' && objectRef?.subresource === 'status',
    );
    return new Set(written.map(({ objectRef }) => objectRef?.name ?? ''));
  }

  async function clusterIp(): Promise<string> {
    return kubectl(`-n ${SYSTEM} get service tcpvs-proxy -o jsonpath={.spec.clusterIP}`);
  }
});

/** Parts of a secret that stand in it whatever else does: lines of PEM without its frame. */
const needlesOf = (key: string) =>
  key.split(/[\s",]+/).filter((part) => part.length >= 24 && !/^-+|^\d{4}-\d\d-/.test(part));

const virtualServer = (name: string, type: 'pattern' | 'prefix', path: string, host: string, className = 'tcpvs') => `
apiVersion: tcpvs.io/v1alpha1
kind: TcpVirtualServer
metadata: {name: ${name}, namespace: eapac}
spec:
  className: ${className}
  listeners: [{name: web, port: 80, protocol: HTTP}]
  rules:
    - name: r
      match: {hosts: [${host}], path: {type: ${type === 'pattern' ? 'Pattern' : 'Prefix'}, value: "${path}"}}
      servers: [{server: web-${className}}]
---
apiVersion: tcpvs.io/v1alpha1
kind: RealServer
metadata: {name: web-${className}, namespace: eapac}
spec: {className: ${className}, serviceRef: {name: appc, port: http}}
`;

const secureServer = (secret: string) => `
apiVersion: tcpvs.io/v1alpha1
kind: RealServer
metadata: {name: plain, namespace: eapac}
spec: {serviceRef: {name: appc, port: http}}
---
apiVersion: tcpvs.io/v1alpha1
kind: TcpVirtualServer
metadata: {name: secure, namespace: eapac}
spec:
  listeners: [{name: tls, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: ${secret}}]}}]
  rules: [{name: all, match: {hosts: [secure.example]}, servers: [{server: plain}]}]
`;

const EVERYBODY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: everybody, namespace: ${SYSTEM}}
spec: {podSelector: {}, ingress: [{}]}
`;

const SECRET_READER = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tcpvs-canary, namespace: eapac}
rules: [{apiGroups: [''], resources: [secrets], resourceNames: [canary], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tcpvs-canary, namespace: eapac}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tcpvs-canary}
subjects: [{kind: ServiceAccount, name: tcpvs-controller, namespace: tcpvs-system}]
`;
