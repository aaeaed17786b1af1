import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { realServerSpec } from '../api/real-server.ts';
import { expectedOf } from './expected.ts';
import { appProfile, matrixOf } from './fixture.ts';
import { problemOf, type ProblemInputs } from './problem-of.ts';
import { addUp, serverFacts, usedBy } from './servers.ts';

const server = (capacity: object, quiesce = false) =>
  serverFacts(realServerSpec.parse({ address: '10.0.0.1', port: 80, capacity, quiesce }));

const inputs = (more: Partial<ProblemInputs> = {}): ProblemInputs => {
  const spec = more.spec ?? matrixOf({ shop: { web1: 90, web2: 10, web3: 0 }, blog: { web1: 1 } });
  return {
    spec,
    rows: spec.rows,
    servers: new Map([
      ['web1', server({ cpu: 2 })],
      ['web2', server({ cpu: '3500m' })],
      ['web3', server({})],
    ]),
    profile: {
      matrix: 'd/m',
      apps: [appProfile('shop', 100, { cpu: 0.01 }), appProfile('blog', 20, { cpu: 0.02 })],
    },
    isOut: () => false,
    usedByOthers: new Map(),
    ...more,
  };
};

function posed(more: Partial<ProblemInputs> = {}) {
  const answer = problemOf(inputs(more));
  assert.ok(answer.ok, answer.ok ? '' : answer.lacks.join('; '));
  return answer.planned;
}

function lacks(more: Partial<ProblemInputs>): readonly string[] {
  const answer = problemOf(inputs(more));
  return answer.ok ? [] : answer.lacks;
}

const only = (...apps: ReturnType<typeof appProfile>[]) => ({ profile: { matrix: 'd/m', apps } });

const hostsOf = (more: Partial<ProblemInputs>) => posed(more).problem.hosts.map(({ name }) => name);

describe('a problem', () => {
  it('has the cells that take work, with the loads that their weights ask for, and no change of instances', () => {
    const { problem } = posed();
    assert.deepEqual(
      problem.hosts.map(({ name, capacity }) => [name, capacity]),
      [
        ['web1', { cpu: 2 }],
        ['web2', { cpu: 3.5 }],
      ],
    );
    assert.deepEqual(problem.load, [
      { host: 'web1', column: 'shop', rate: 90, weight: 90 },
      { host: 'web2', column: 'shop', rate: 10, weight: 10 },
      { host: 'web1', column: 'blog', rate: 20, weight: 1 },
    ]);
    assert.deepEqual(
      problem.workloads.map(({ name, minInstances, maxInstances, hosts }) => [name, minInstances, maxInstances, hosts]),
      [
        ['shop', 2, 2, ['web1', 'web2']],
        ['blog', 1, 1, ['web1']],
      ],
    );
    assert.deepEqual([problem.options.maxChanges, problem.options.utilization], [0, 0.8]);
  });

  it('is planned with the upper bounds of costs', () => {
    const shop = appProfile('shop', 100, { cpu: 0.01 });
    const profile = { matrix: 'd/m', apps: [{ ...shop, cost: { cpu: { ...shop.cost['cpu']!, upper: 0.013 } } }] };
    assert.deepEqual(posed({ profile }).problem.columns[0]!.cost, { cpu: 0.013 });
  });

  it('leaves out what is quiesced, out, or not there', () => {
    const { servers } = inputs();
    assert.deepEqual(hostsOf({ servers: new Map([...servers, ['web1', server({ cpu: 2 }, true)]]) }), ['web2']);
    assert.deepEqual(hostsOf({ servers: new Map([...servers].filter(([name]) => name !== 'web1')) }), ['web2']);
    assert.deepEqual(hostsOf({ isOut: (name, app) => name === 'web2' && app === 'shop' }), ['web1']);
  });

  it('leaves to others what they use, and counts it in', () => {
    const usedByOthers = addUp([
      usedBy([{ server: 'web1', weights: [{ app: 'far', weight: 5 }] }], {
        matrix: 'd/n',
        apps: [appProfile('far', 50, { cpu: 0.01 })],
      }),
      new Map([['web1', { cpu: 0.25 }]]),
    ]);
    const planned = posed({ usedByOthers });
    assert.deepEqual(planned.problem.hosts[0]!.capacity, { cpu: 1.25 });
    const expected = expectedOf(planned, inputs().rows);
    assert.ok(Math.abs(expected.utilization - (0.9 + 0.4 + 0.75) / 2) < 1e-9);
    assert.equal(expected.fullest, 'web1');
    assert.deepEqual(expected.load, { web1: 110, web2: 10 });
    assert.ok(expected.satisfied < 1 && expected.satisfied > 0.97);
  });

  it('takes what a server can do from its nodes, where the object does not say', () => {
    const nodes = new Map([
      ['n1', { labels: { pool: 'web' }, allocatable: { cpu: '1500m' } }],
      ['n2', { labels: { pool: 'web' }, allocatable: { cpu: '4' } }],
      ['n3', { labels: {} }],
    ]);
    const cpu = (spec: object) => serverFacts(realServerSpec.parse(spec), nodes).capacity['cpu'];
    assert.equal(cpu({ nodeName: 'n1' }), 1.5);
    assert.equal(cpu({ nodeName: 'n1', capacity: { cpu: 1 } }), 1);
    assert.equal(cpu({ nodeSelector: { pool: 'web' } }), 5.5);
    assert.equal(cpu({ nodeName: 'n3' }), undefined);
    assert.equal(cpu({ nodeName: 'gone' }), undefined);
    assert.equal(cpu({ nodeSelector: { pool: 'db' } }), undefined);
    assert.equal(cpu({ serviceRef: { name: 'shop' } }), undefined);
    const reserved = new Map([
      ['n1', 0.5],
      ['n2', 9],
    ]);
    const left = (spec: object) => serverFacts(realServerSpec.parse(spec), nodes, reserved).capacity['cpu'];
    assert.deepEqual(
      [
        left({ nodeName: 'n1' }),
        left({ nodeName: 'n1', capacity: { cpu: 1 } }),
        left({ nodeSelector: { pool: 'web' } }),
      ],
      [1, 1, 1],
    );
  });

  it('names what it lacks, and what to do about it', () => {
    const { servers } = inputs();
    assert.deepEqual(lacks({ servers: new Map([...servers, ['web2', server({ io: '1M' })]]) }), [
      'RealServer web2: its capacity of cpu is not given: give spec.capacity.cpu',
    ]);
    assert.deepEqual(lacks(only(appProfile('shop', 100, {}), appProfile('blog', 0, {}))), [
      'app shop: the cost of a request is neither given nor learned: give spec.apps[].profile.cpu',
    ]);
    assert.match(lacks(only(appProfile('shop', 0, {})))[0]!, /^nothing is asked of any app/);
    assert.match(lacks({ profile: null })[0]!, /^nothing is asked of any app/);
    assert.deepEqual(lacks(only(appProfile('shop', Number.NaN, { cpu: 0.01 }))), [
      'app shop: its demand is said to be NaN, which cannot be',
    ]);
    assert.deepEqual(lacks(only(appProfile('shop', 10, { cpu: -1 }))), [
      'app shop: its cpu is said to be -1, which cannot be',
    ]);
  });
});
