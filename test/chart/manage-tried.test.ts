/** What the controller may do where it manages instances, tried on a real API server; and how gates are opened at the end. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { MARK } from '../../src/actuation/costs.ts';
import { ROOT } from '../../src/cli/demo-serve.ts';
import { podFacts } from '../../src/controller/facts/workloads.ts';
import { costPatch, openingPatch } from '../../src/controller/placement/pod-patches.ts';
import { type ApiClient, ApiError, type KubeObject } from '../cluster/api-client.ts';
import type { Api } from '../cluster/api.ts';
import { skipReason } from '../cluster/binaries.ts';
import { kubeconfig } from '../cluster/kubeconfig.ts';
import { gatedDeployment } from '../cluster/pods-without-nodes.ts';
import { run } from '../cluster/run.ts';
import { eventually, install, type Installed, NAMESPACE } from './installed.ts';
import { rendered } from './stage.ts';

const PODS = '/api/v1/namespaces/shop/pods';
const GATE = { name: 'tcpvs.io/placement' };
const JSON_PATCH = 'application/json-patch+json';

const forbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;

const SECURITY = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

const pod = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'web' }, annotations: { note: 'mine' }, finalizers: ['example.com/held'] },
  spec: {
    schedulingGates: [GATE, { name: 'example.com/other' }],
    containers: [{ name: 'app', image: 'app', securityContext: SECURITY }],
    ...spec,
  },
});

const preferred = (node: string) => ({
  weight: 100,
  preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] },
});

describe('the controller’s account where instances are managed', { skip: skipReason('cluster') }, () => {
  let installed: Installed;
  let api: Api;
  let client: ApiClient;

  before(async () => {
    installed = await install('--set', 'placement.manage=true');
    ({ api } = installed);
    client = await installed.account('tcpvs-controller');
    // The API server takes a moment to know a policy that is new.
    await api.client.create(PODS, pod('first'));
    await eventually('the policy is in force', () =>
      client.patch(`${PODS}/first?dryRun=All`, { metadata: { labels: { app: 'x' } } }).then(
        () => false,
        (error: Error) => error.message.includes('neither labels nor finalizers'),
      ),
    );
  });
  after(() => installed?.stop());

  const patch = (name: string, body: unknown) =>
    client.request<KubeObject>('PATCH', `${PODS}/${name}`, body, JSON_PATCH);

  it('may open its gate and prefer a node, whatever affinity there is, and mark a pod', async () => {
    const affinities: Readonly<Record<string, object>> = {
      none: {},
      pods: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } } },
      required: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }],
            },
          },
        },
      },
      preferred: {
        affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [preferred('n9')] } },
      },
    };
    for (const [name, spec] of Object.entries(affinities)) {
      const made = await api.client.create(PODS, pod(name, spec));
      const opened = await patch(name, openingPatch(podFacts(made), 'n1'));
      assert.deepEqual(opened.spec.schedulingGates, [{ name: 'example.com/other' }], name);
      const terms = opened.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution;
      assert.deepEqual(terms.at(-1), preferred('n1'), name);
      assert.equal(podFacts(opened).wish, 'n1');
      // What was decided on an older one is not done.
      await assert.rejects(patch(name, openingPatch(podFacts(made), 'n2')), /422/);
    }
    const [none] = [await api.client.get(`${PODS}/none`)];
    const marked = await client.patch(`${PODS}/none`, costPatch(podFacts(none), MARK));
    assert.equal(podFacts(marked).cost, MARK);
    const bare = await client.patch(`${PODS}/none`, costPatch(podFacts(marked), null));
    assert.deepEqual(bare.metadata.annotations, { note: 'mine' });
    await assert.rejects(
      client.patch(`${PODS}/none`, costPatch({ ...podFacts(none), uid: 'another' }, MARK)),
      /409|422/,
    );
  });

  it('may scale a Deployment from the number that it has seen, and change nothing else of it', async () => {
    const deployments = '/apis/apps/v1/namespaces/shop/deployments';
    await api.client.create(deployments, gatedDeployment('web'));
    const scale = (from: number, to: number) =>
      client.request<KubeObject>(
        'PATCH',
        `${deployments}/web/scale`,
        [
          { op: 'test', path: '/spec/replicas', value: from },
          { op: 'replace', path: '/spec/replicas', value: to },
        ],
        JSON_PATCH,
      );
    assert.equal((await scale(1, 2)).spec.replicas, 2);
    await assert.rejects(scale(1, 3), /422/);
    await assert.rejects(client.patch(`${deployments}/web`, { spec: { replicas: 5 } }), forbidden);
    await assert.rejects(client.delete(`${deployments}/web`), forbidden);
  });

  it('may change nothing else of a pod, and neither make nor delete one', async () => {
    await api.client.create(PODS, pod('victim'));
    const refused: readonly (readonly [object, RegExp])[] = [
      [{ spec: { containers: [{ name: 'app', image: 'evil', securityContext: SECURITY }] } }, /neither containers nor/],
      [{ spec: { nodeSelector: { pool: 'x' } } }, /neither containers nor anything else/],
      [{ spec: { activeDeadlineSeconds: 1 } }, /neither containers nor anything else/],
      [{ metadata: { annotations: { other: 'x' } } }, /may change controller.kubernetes.io\/pod-deletion-cost alone/],
      [{ metadata: { annotations: { note: null } } }, /may change controller.kubernetes.io\/pod-deletion-cost alone/],
      [{ metadata: { labels: { app: 'bank' } } }, /neither labels nor finalizers nor owners/],
      [{ metadata: { finalizers: null } }, /neither labels nor finalizers nor owners/],
      [{ spec: { schedulingGates: [GATE] } }, /may take tcpvs.io\/placement away, and nothing else/],
      [
        {
          spec: {
            affinity: {
              nodeAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: {
                  nodeSelectorTerms: [preferred('n1').preference],
                },
              },
            },
          },
        },
        /may add preferred nodes, and nothing else/,
      ],
    ];
    for (const [body, message] of refused) {
      await assert.rejects(client.patch(`${PODS}/victim`, body), message, JSON.stringify(body));
    }
    await assert.rejects(client.create(PODS, pod('new')), forbidden);
    await assert.rejects(client.delete(`${PODS}/victim`), forbidden);
    await assert.rejects(client.patch(`${PODS}/victim/status`, { status: {} }), forbidden);
  });

  it('opens all gates before the release is removed, and names the templates that still have one', async () => {
    await api.client.create(PODS, pod('waits'));
    const file = join(api.directory, 'open-gates.kubeconfig');
    const token = await api.tokenOf(NAMESPACE, 'tcpvs-controller');
    writeFileSync(file, kubeconfig({ url: api.url, ca: api.ca, token }));
    const { code, stdout, stderr } = await run([join(ROOT, 'bin/tcpvs'), 'open-gates', `--kubeconfig=${file}`]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /opened the gate of pod shop\/waits\n[^]*\d gates opened\n$/);
    assert.match(stderr, /new pods of Deployment shop\/web will wait: take tcpvs.io\/placement out of/);
    for (const each of await api.client.list(PODS)) assert.equal(podFacts(each).gate, null, each.metadata.name);
    const again = await run([join(ROOT, 'bin/tcpvs'), 'open-gates', `--kubeconfig=${file}`, '--namespaces=shop,other']);
    assert.match(again.stdout, /^0 gates opened\n$/);
  });

  it('does so in a Job of the chart, whose pods a restricted namespace takes', async () => {
    const job = rendered({ placement: { manage: true }, watchNamespaces: ['shop'] }).find('Job', 'edge-open-gates');
    assert.equal(job.metadata.annotations['helm.sh/hook'], 'pre-delete');
    assert.deepEqual(job.spec.template.spec.containers[0].args, ['open-gates', '--namespaces=shop']);
    assert.equal(job.spec.template.spec.serviceAccountName, 'edge-controller');
    const tried = { ...job.spec.template, apiVersion: 'v1', kind: 'Pod' };
    const metadata = { ...tried.metadata, name: 'open-gates' };
    await api.client.create(`${PODS}?dryRun=All`, { ...tried, metadata });
    assert.deepEqual(rendered().ofKind('Job'), []);
  });
});
