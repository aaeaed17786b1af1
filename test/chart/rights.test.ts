/** What each ServiceAccount of the chart may do, as a table (golden/rights*.txt): whoever adds a right changes it there too. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { accountsOf, rightsOf, rightsTable } from './rights.ts';
import { needsHelm, rendered } from './stage.ts';

const NARROW = {
  watchNamespaces: ['shop', 'bank'],
  publish: { service: 'network/outer' },
  secrets: {
    namespaces: ['bank'],
    named: [
      { namespace: 'shop', names: ['shop-tls'] },
      { namespace: 'shop', names: ['pay-tls', 'shop-tls'] },
    ],
  },
};

function compare(t: TestContext, file: string, values: object): void {
  const all = rendered(values);
  const table = rightsTable(rightsOf(all), accountsOf(all));
  t.assert.fileSnapshot(table, join(import.meta.dirname, 'golden', file), { serializers: [(text) => text] });
}

describe('rights', needsHelm, () => {
  it('by default', (t) => compare(t, 'rights.txt', {}));

  it('in watched namespaces, with Secrets of tenants', (t) => compare(t, 'rights-narrow.txt', NARROW));

  it('where instances are managed', (t) => compare(t, 'rights-manage.txt', { placement: { manage: true } }));

  it('where what pods use is asked', (t) => compare(t, 'rights-pod-metrics.txt', { podMetrics: { enabled: true } }));

  for (const [name, values] of [
    ['by default', {}],
    ['narrow', NARROW],
  ] as const) {
    it(`${name}: nothing that would be everything`, () => {
      for (const { user, namespace, resource, group, names, verbs } of rightsOf(rendered(values))) {
        const right = `${verbs.join(',')} ${resource}.${group} in ${namespace ?? '*'}`;
        assert.equal(user, 'system:serviceaccount:tcpvs-system:edge-controller', right);
        for (const word of [resource, group, ...verbs]) assert.notEqual(word, '*', right);
        if (resource === 'secrets') assert.ok(namespace !== null && (names !== null || namespace === 'bank'), right);
        assert.ok(!/^pods|^bindings|roles|rolebindings|serviceaccounts/.test(resource), right);
        for (const verb of ['impersonate', 'escalate', 'bind', 'deletecollection'])
          assert.ok(!verbs.includes(verb), right);
        if (verbs.includes('create')) {
          assert.ok(['leases', 'events', 'tokenreviews', 'controllerrevisions'].includes(resource), right);
        }
      }
    });
  }

  it('of the controller over ControllerRevisions are narrowed to those of its objects', () => {
    const { matchConditions, failurePolicy, validations } = rendered().ofKind('ValidatingAdmissionPolicy')[0].spec;
    assert.equal(failurePolicy, 'Fail');
    assert.match(matchConditions[0].expression, /'system:serviceaccount:tcpvs-system:edge-controller'/);
    assert.equal(validations.length, 2);
  });

  it('of people are added to admin, edit and view, and reach no status', () => {
    const roles = rendered()
      .ofKind('ClusterRole')
      .filter(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === 'people');
    const verbs = Object.fromEntries(roles.map(({ metadata, rules }) => [metadata.name, rules[0].verbs.join(' ')]));
    assert.deepEqual(verbs, {
      'tcpvs:tcpvs-system:edge:admin': 'get list watch create update patch delete deletecollection',
      'tcpvs:tcpvs-system:edge:edit': 'get list watch create update patch delete',
      'tcpvs:tcpvs-system:edge:view': 'get list watch',
    });
    for (const { metadata, rules } of roles) {
      const name = metadata.name.split(':').at(-1);
      assert.equal(metadata.labels[`rbac.authorization.k8s.io/aggregate-to-${name}`], 'true');
      assert.deepEqual(rules[1].verbs, ['get']);
    }
    assert.equal(rendered({ rbac: { aggregate: false, create: false } }).ofKind('ClusterRole').length, 0);
  });
});
