/** The pure parts of the agent; pods.test.ts asks pods that run. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { expand } from './environment.ts';
import { imageCatalogue, nameOf } from './images.ts';
import type { ContainerSpec, ContainerState, Pod } from './kinds.ts';
import { quote } from './root-script.ts';
import { type ContainerView, podStatus, type PodView } from './status.ts';

test('an image is known by its last part, whatever its registry, tag and digest', () => {
  for (const reference of ['tcpvs', 'tcpvs:1', 'a/tcpvs', 'registry.example:5000/a/tcpvs:1.2@sha256:00'])
    assert.equal(nameOf(reference), 'tcpvs', reference);
  const images = imageCatalogue(null);
  assert.equal(images('tcpvs'), null);
  assert.deepEqual(images('any/app:3')?.entrypoint.slice(1), ['/opt/app/server.ts']);
});

test('a tag can stand for another bundle', () => {
  const images = imageCatalogue('/now', { '2.0.0': '/next' });
  const bundleOf = (reference: string) => images(reference)?.binds.at(-1)?.from;
  assert.equal(bundleOf('registry.example:5000/a/tcpvs:2.0.0'), '/next');
  assert.equal(bundleOf('tcpvs:2.0.0@sha256:00'), '/next');
  for (const other of ['tcpvs', 'tcpvs:1.0.0', 'registry.example:2.0.0/tcpvs', 'tcpvs@sha256:2.0.0'])
    assert.equal(bundleOf(other), '/now', other);
  assert.notEqual(bundleOf('app:2.0.0'), '/next');
});

test('variables stand for their values, unless they are unknown or quoted', () => {
  assert.equal(expand('$(A)-$(B)-$$(A)-$A', { A: '1' }), '1-$(B)-$(A)-$A');
});

test('the shell takes what is quoted for what it is', () => {
  assert.equal(quote(`it's $x`), String.raw`'it'\''s $x'`);
});

const now = '2030-01-01T00:00:00.000Z';
const running: ContainerState = { running: { startedAt: now } };
const over = (exitCode: number): ContainerState => {
  return { terminated: { exitCode, reason: '', startedAt: now, finishedAt: now } };
};
const waiting: ContainerState = { waiting: { reason: 'ContainerCreating' } };
const container = (state: ContainerState, ready = false): ContainerView => {
  const spec: ContainerSpec = { name: 'main', image: 'app' };
  return { spec, state, ready, started: ready, restarts: 0, lastTermination: null };
};
const status = (containers: readonly ContainerView[], more: Partial<PodView> = {}) => {
  const pod = { spec: {}, status: {} } as unknown as Pod;
  const addresses = { hostIP: '10.240.1.1', podIP: '10.244.1.2' };
  return podStatus({ pod, ...addresses, startTime: now, initContainers: [], containers, isOver: false, ...more }, now);
};
const condition = (of: Record<string, unknown>, type: string) =>
  (of['conditions'] as { type: string; status: string; lastTransitionTime: string }[]).find(
    (each) => each.type === type,
  );

describe('the status of a pod', () => {
  test('is Pending until a container ran, Running until all are over', () => {
    assert.equal(status([container(waiting)])['phase'], 'Pending');
    assert.equal(status([container(running)])['phase'], 'Running');
    assert.equal(status([container(over(0))], { isOver: true })['phase'], 'Succeeded');
    assert.equal(status([container(over(0)), container(over(1))], { isOver: true })['phase'], 'Failed');
  });

  test('is Ready when all containers are, and the gates are open', () => {
    assert.equal(condition(status([container(running, true), container(running)]), 'Ready')?.status, 'False');
    assert.equal(condition(status([container(running, true)]), 'Ready')?.status, 'True');
    const gated = (is: string) => {
      const conditions = [{ type: 'gate', status: is }];
      const pod = { spec: { readinessGates: [{ conditionType: 'gate' }] }, status: { conditions } } as unknown as Pod;
      return status([container(running, true)], { pod });
    };
    assert.equal(condition(gated('False'), 'Ready')?.status, 'False');
    assert.equal(condition(gated('False'), 'ContainersReady')?.status, 'True');
    assert.equal(condition(gated('True'), 'Ready')?.status, 'True');
  });

  test('keeps the time of a condition that did not change', () => {
    const before = '2029-01-01T00:00:00Z';
    const conditions = ['Ready', 'Initialized'].map((type) => ({ type, status: 'True', lastTransitionTime: before }));
    const pod = { spec: {}, status: { conditions } } as unknown as Pod;
    const result = status([container(running)], { pod });
    assert.equal(condition(result, 'Initialized')?.lastTransitionTime, before);
    assert.equal(condition(result, 'Ready')?.lastTransitionTime, now);
  });
});
