/** What src/kube writes and asks for, against a real API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { isConflict } from '../../src/kube/api-error.ts';
import { applyStatus } from '../../src/kube/apply.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import { LeaderElection } from '../../src/kube/leader-election.ts';
import type { KubeObject, Resource } from '../../src/kube/resource.ts';
import { createRevision, deleteRevision, readRevision } from '../../src/kube/revisions.ts';
import { createTokenReviewer } from '../../src/kube/token-reviewer.ts';
import { skipReason } from './binaries.ts';
import { configMap, log, KubeStage } from './kube-stage.ts';

const SERVERS: Resource = { group: 'tcpvs.io', version: 'v1alpha1', plural: 'realservers', kind: 'RealServer' };

describe('writes, elections and reviews on a real API', { skip: skipReason('api') }, () => {
  const stage = new KubeStage();

  test('a status is written with the version it was made of; with an older one it is a conflict', async () => {
    const ns = await stage.namespace();
    const path = `/apis/tcpvs.io/v1alpha1/namespaces/${ns}/realservers`;
    const spec = { address: '10.0.0.1', port: 80 };
    const made = await stage.api.client.create<KubeObject>(path, {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'RealServer',
      metadata: { name: 'w' },
      spec,
    });
    const write = (resourceVersion: string, reason: string) =>
      applyStatus(stage.client, {
        resource: SERVERS,
        namespace: ns,
        name: 'w',
        resourceVersion,
        fieldManager: 'tcpvs',
        status: {
          observedGeneration: 1,
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              reason,
              message: 'x',
              observedGeneration: 1,
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
          ],
        },
      });
    const first = made.metadata.resourceVersion ?? '';
    const second = await write(first, 'One');
    assert.notEqual(second, first);
    await assert.rejects(write(first, 'Two'), isConflict);
    assert.equal(await write(second, 'One'), second);
    const now = await stage.api.client.get(`${path}/w`);
    assert.deepEqual(now.spec.address, '10.0.0.1');
    const said = now.status.conditions.map((each: { type: string; reason: string }) => `${each.type} ${each.reason}`);
    // by default; nobody owns it, so that it stays until somebody says otherwise
    assert.deepEqual(said, ['Accepted Pending', 'Ready One']);
  });

  test('election: one leads; when it gives up, the other one does', async () => {
    const ns = await stage.namespace();
    const events: string[] = [];
    let wake: () => void = Object;
    const candidate = (identity: string) => {
      const election = new LeaderElection({
        api: stage.client,
        namespace: ns,
        name: 'lease',
        identity,
        log,
        onChange: (leading) => {
          events.push(`${identity} ${leading}`);
          wake();
        },
      });
      stage.closers.push(() => election.close());
      election.start();
      return election;
    };
    const a = candidate('a');
    while (!a.leading) await new Promise<void>((resolve) => (wake = resolve));
    const b = candidate('b');
    await a.close();
    while (!b.leading) await new Promise<void>((resolve) => (wake = resolve));
    assert.deepEqual(events, ['a true', 'a false', 'b true']);
    const lease = await stage.api.client.get(`/apis/coordination.k8s.io/v1/namespaces/${ns}/leases/lease`);
    assert.equal(lease.spec.holderIdentity, 'b');
    assert.match(lease.spec.renewTime, /^\d{4}-.*T.*\.\d{6}Z$/);
  });

  test('tokens: only of the one account, for the audience, bound to a pod', async () => {
    const ns = await stage.namespace();
    for (const name of ['proxy', 'other'])
      await stage.api.client.create(`/api/v1/namespaces/${ns}/serviceaccounts`, { metadata: { name } });
    const pod = await stage.api.client.create(`/api/v1/namespaces/${ns}/pods`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { serviceAccountName: 'proxy', containers: [{ name: 'c', image: 'x' }] },
    });
    const reviewer = createTokenReviewer({
      api: stage.client,
      audience: 'tcpvs',
      username: `system:serviceaccount:${ns}:proxy`,
    });
    const good = await reviewer.review(await stage.api.tokenOf(ns, 'proxy', { audience: 'tcpvs', pod }));
    assert.ok(good.ok);
    assert.equal(good.podUid, pod.metadata.uid);
    assert.equal(good.podName, 'p');
    assert.ok(good.expires > Date.now() + 3_000_000 && good.expires < Date.now() + 4_000_000);
    const refused = async (token: Promise<string> | string) => {
      const review = await reviewer.review(await token);
      assert.ok(!review.ok);
      return review.why;
    };
    assert.match(
      await refused(stage.api.tokenOf(ns, 'other', { audience: 'tcpvs' })),
      /is of system:serviceaccount:.*:other/,
    );
    assert.match(await refused(stage.api.tokenOf(ns, 'proxy', { audience: 'tcpvs' })), /not bound to a pod/);
    assert.match(await refused(stage.api.tokenOf(ns, 'proxy', { audience: 'else', pod })), /./);
    assert.match(await refused('rubbish'), /./);
  });

  test('events: one for what happened, a number for what happened again', async () => {
    const ns = await stage.namespace();
    const made = await stage.api.client.create<KubeObject>(`/api/v1/namespaces/${ns}/configmaps`, configMap('a'));
    const recorder = new EventRecorder({
      api: stage.client,
      controller: 'tcpvs.io/controller',
      instance: 'pod-1',
      log,
    });
    stage.closers.push(() => recorder.close());
    const regarding = { apiVersion: 'v1', kind: 'ConfigMap', metadata: made.metadata };
    const happening = {
      regarding,
      type: 'Warning',
      reason: 'Refused',
      action: 'Accept',
      note: 'ü'.repeat(2000),
    } as const;
    recorder.record(happening);
    recorder.record(happening);
    recorder.record({ ...happening, reason: 'Accepted', type: 'Normal', note: 'well' });
    await recorder.whenWritten();
    const events = await stage.api.client.list(`/apis/events.k8s.io/v1/namespaces/${ns}/events`);
    assert.deepEqual(events.map(({ reason, type }) => `${reason} ${type}`).toSorted(), [
      'Accepted Normal',
      'Refused Warning',
    ]);
    assert.equal(recorder.dropped, 0);
    const described = await stage.api.kubectl(['-n', ns, 'get', 'events', '-o', 'wide']);
    assert.match(described.stdout, /configmap\/a/);
  });

  test('revisions: written once, read, deleted; the same again is no error', async () => {
    const ns = await stage.namespace();
    const made = await stage.api.client.create<KubeObject>(`/api/v1/namespaces/${ns}/configmaps`, configMap('a'));
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: made.metadata.uid ?? '', controller: true };
    const revision = { namespace: ns, name: 'r', owner, labels: { a: 'b' }, number: 3, data: { spec: { x: 1 } } };
    await createRevision(stage.client, revision);
    await createRevision(stage.client, revision);
    assert.deepEqual(await readRevision(stage.client, ns, 'r'), { spec: { x: 1 } });
    await deleteRevision(stage.client, ns, 'r');
    await deleteRevision(stage.client, ns, 'r');
    assert.equal(await readRevision(stage.client, ns, 'r'), null);
  });
});
