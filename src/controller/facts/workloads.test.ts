import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { deploymentFacts, nodePlace, podFacts, scalerTarget } from './workloads.ts';

const owned = (manager: string, operation: string, subresource = '') => ({
  manager,
  operation,
  ...(subresource === '' ? {} : { subresource }),
  fieldsV1: { 'f:spec': { 'f:replicas': {} } },
});

const applied = (spec: object) => ({ 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec }) });

const deployment = (replicas: number, managedFields: object[], annotations: Record<string, string> = {}) =>
  deploymentFacts({ metadata: { name: 'web', generation: 2, managedFields, annotations }, spec: { replicas } });

describe('who scales a Deployment', () => {
  it('is each field manager of spec.replicas', () => {
    assert.deepEqual(deployment(3, [owned('helm', 'Update'), owned('flux', 'Apply')]).owners, ['helm', 'flux']);
    assert.deepEqual(deployment(1, [owned('flux', 'Apply')]).owners, ['flux']);
    assert.deepEqual(deployment(1, [owned('kubectl', 'Update', 'scale')]).owners, ['kubectl']);
    assert.deepEqual(deployment(2, [{ manager: 'flux', fieldsV1: { 'f:spec': { 'f:template': {} } } }]).owners, []);
  });

  it('is nobody where a 1 is there by default', () => {
    assert.deepEqual(deployment(1, [owned('kubectl-create', 'Update')]).owners, []);
    assert.deepEqual(deployment(1, [owned('kubectl-client-side-apply', 'Update')], applied({})).owners, []);
    const asked = deployment(1, [owned('kubectl-client-side-apply', 'Update')], applied({ replicas: 1 }));
    assert.deepEqual(asked.owners, ['kubectl-client-side-apply']);
    const unreadable = { 'kubectl.kubernetes.io/last-applied-configuration': '{' };
    assert.deepEqual(deployment(1, [owned('x', 'Update')], unreadable).owners, ['x']);
  });
});

const settled = (status: object, spec: object = {}) =>
  deploymentFacts({ metadata: { name: 'web', generation: 2 }, spec, status }).isSettled;

const requesting = (memory: string, more: object = {}) => ({ resources: { requests: { memory } }, ...more });

describe('a Deployment', () => {
  it('is settled when its controller has seen it and all pods are of one version', () => {
    assert.equal(settled({ observedGeneration: 2, replicas: 2, updatedReplicas: 2 }), true);
    assert.equal(settled({ observedGeneration: 1, replicas: 2, updatedReplicas: 2 }), false);
    assert.equal(settled({ observedGeneration: 2, replicas: 3, updatedReplicas: 1 }), false);
    assert.equal(settled({ observedGeneration: 2 }), true);
    assert.equal(settled({ observedGeneration: 2 }, { paused: true }), false);
  });

  it('requests what its pods do, as the scheduler counts it', () => {
    const template = {
      spec: {
        containers: [requesting('1Gi'), requesting('512Mi')],
        initContainers: [requesting('1Gi'), requesting('256Mi', { restartPolicy: 'Always' })],
        overhead: { memory: '64Mi' },
      },
    };
    const facts = deploymentFacts({ metadata: { name: 'web' }, spec: { template } });
    assert.equal(facts.memory, (1024 + 512 + 256 + 64) * 2 ** 20);
    assert.equal(deploymentFacts({ metadata: { name: 'web' }, spec: { template: { spec: {} } } }).memory, null);
  });
});

describe('a pod', () => {
  const metadata = {
    name: 'web-abc-1',
    uid: 'u',
    resourceVersion: '7',
    labels: { 'pod-template-hash': 'abc' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'r', controller: true }],
  };

  it('is of its Deployment, by the ReplicaSet that made it', () => {
    const facts = podFacts({ metadata, spec: { schedulingGates: [{ name: 'x' }, { name: 'tcpvs.io/placement' }] } });
    const { workload, version, gate, resourceVersion, isReady, isGoing } = facts;
    assert.deepEqual(
      [workload, version, gate, resourceVersion, isReady, isGoing],
      ['web', 'abc', 1, '7', false, false],
    );
    const other = { ...metadata, ownerReferences: [{ ...metadata.ownerReferences[0]!, kind: 'Job' }] };
    assert.equal(podFacts({ metadata: other }).workload, null);
  });

  it('that has ended is nobody’s instance and takes no memory', () => {
    const spec = { nodeName: 'n1', containers: [{ resources: { requests: { memory: '1Gi', cpu: '250m' } } }] };
    const { workload, memory, cpu } = podFacts({ metadata, spec, status: { phase: 'Failed' } });
    assert.deepEqual([workload, memory, cpu], [null, 0, 0]);
    const running = podFacts({
      metadata: { ...metadata, annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } },
      spec,
      status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const { addresses, isReady, cost, node, gate } = running;
    assert.deepEqual([addresses, isReady, cost, node, gate], [['10.0.0.1'], true, -5, 'n1', null]);
    assert.deepEqual([running.memory, running.cpu], [2 ** 30, 0.25]);
  });
});

const node = (spec: object, ready = 'True') =>
  nodePlace({
    metadata: { name: 'n1' },
    spec,
    status: { allocatable: { memory: '2Gi', pods: '110' }, conditions: [{ type: 'Ready', status: ready }] },
  });

it('a node takes pods while it is ready, not cordoned and not tainted', () => {
  assert.deepEqual(node({}), { memory: 2 ** 31, pods: 110, isReady: true });
  assert.equal(node({ unschedulable: true }).isReady, false);
  assert.equal(node({ taints: [{ effect: 'NoExecute' }] }).isReady, false);
  assert.equal(node({ taints: [{ effect: 'PreferNoSchedule' }] }).isReady, true);
  assert.equal(node({}, 'Unknown').isReady, false);
});

it('an autoscaler says what it scales', () => {
  const spec = { scaleTargetRef: { kind: 'Deployment', name: 'web' } };
  assert.equal(scalerTarget({ metadata: { name: 'web' }, spec }), 'Deployment/web');
});
