/** The objects together: what selects finds, what is named is there, and two installations do not meet. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { load } from 'js-yaml';

import { needsHelm, rendered, type Yaml } from './stage.ts';

const FULL = {
  podMonitor: { enabled: true },
  proxy: { autoscaling: { enabled: true } },
  networkPolicy: { metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }] },
};

const name = ({ kind, metadata }: Yaml): string => `${kind} ${metadata.namespace ?? '*'}/${metadata.name}`;

const names = (release: string, namespace: string): readonly string[] =>
  rendered({ ...FULL, crds: { install: false } }, { release, namespace }).objects.map(name);

const ports = (rule: Yaml): readonly unknown[] => rule.ports.map(({ port }: Yaml) => port);

describe('the objects of the chart', needsHelm, () => {
  it('select pods that are there, and nobody else’s', () => {
    const all = rendered(FULL);
    const pods = [...all.pods().values()].map(({ metadata }) => metadata.labels);
    const selecting = all.objects.flatMap((object) => {
      const { spec = {} } = object;
      const selector =
        object.kind === 'Service' ? spec.selector : (spec.selector ?? spec.podSelector ?? {}).matchLabels;
      return selector === undefined ? [] : [{ by: name(object), selector }];
    });
    assert.equal(selecting.length, 11, selecting.map(({ by }) => by).join('\n'));
    for (const { by, selector } of selecting) {
      const matched = pods.filter((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value));
      assert.equal(matched.length, 1, by);
    }
  });

  it('route Services to ports that the pods have', () => {
    const all = rendered({ proxy: { service: { ports: [{ name: 'web', port: 8000, nodePort: 30_800 }] } } });
    for (const service of all.ofKind('Service')) {
      const workload = service.metadata.name.replace(/-admin$/, '');
      const { ports: there } = all.pods().get(workload).spec.containers[0];
      for (const { targetPort } of service.spec.ports) {
        assert.ok(
          there.some((port: Yaml) => port.name === targetPort || port.containerPort === targetPort),
          `${service.metadata.name} ${targetPort}`,
        );
      }
    }
    assert.deepEqual(all.find('Service', 'edge-proxy').spec.ports, [
      { name: 'web', port: 8000, targetPort: 8000, protocol: 'TCP', nodePort: 30_800 },
    ]);
    assert.equal(all.find('Service', 'edge-controller').spec.clusterIP, 'None');
  });

  it('of two installations have no name in common, but the CRDs', () => {
    for (const [one, other] of [
      [names('tcpvs', 'a'), names('tcpvs', 'b')],
      [names('one', 'edge'), names('two', 'edge')],
    ] as const) {
      assert.equal(new Set(one).size, one.length);
      assert.deepEqual(
        one.filter((each) => other.includes(each)),
        [],
      );
    }
  });

  it('come with the CRDs, which stay when the release goes', () => {
    const crds = rendered().ofKind('CustomResourceDefinition');
    assert.deepEqual(
      new Set(crds.map(({ metadata }) => metadata.name)),
      new Set(['appweightmatrices.tcpvs.io', 'realservers.tcpvs.io', 'tcpvirtualservers.tcpvs.io']),
    );
    for (const { metadata } of crds) assert.equal(metadata.annotations['helm.sh/resource-policy'], 'keep');
    assert.equal(rendered({ crds: { install: false } }).ofKind('CustomResourceDefinition').length, 0);
  });

  it('hold the policy as it was given', () => {
    const policy = {
      hostPolicy: [{ namespaces: ['shop*'], hosts: ['*.shop.example'] }],
      addressPolicy: [{ namespaces: ['shop'], cidrs: ['192.0.2.0/24'], dnsSuffixes: ['legacy.example'] }],
    };
    assert.deepEqual(load(rendered({ policy }).find('ConfigMap', 'edge-policy').data['policy.yaml']), policy);
    const open = load(rendered().find('ConfigMap', 'edge-policy').data['policy.yaml']);
    assert.deepEqual(open, { hostPolicy: [], addressPolicy: [] });
  });

  it('hold no key and no certificate', () => {
    for (const secret of rendered(FULL).ofKind('Secret')) {
      assert.deepEqual([secret.data, secret.stringData], [undefined, undefined]);
    }
  });

  it('let in clients from anywhere, and to the snapshots only the proxies', () => {
    const all = rendered(FULL);
    const [snapshots, admin] = all.find('NetworkPolicy', 'edge-controller').spec.ingress;
    assert.deepEqual(ports(snapshots), ['snapshots']);
    assert.equal(snapshots.from[0].podSelector.matchLabels['app.kubernetes.io/component'], 'proxy');
    assert.deepEqual(admin.from, FULL.networkPolicy.metricsFrom);
    const [clients, metrics] = all.find('NetworkPolicy', 'edge-proxy').spec.ingress;
    assert.deepEqual([ports(clients), clients.from], [[80, 443], undefined]);
    assert.equal(metrics.from.length, 2, 'those who may, and the pod of helm test');
    const onHost = rendered({ proxy: { hostNetwork: true, service: { ports: [{ name: 'http', port: 8080 }] } } });
    // A proxy with its node's address is no pod to a NetworkPolicy.
    assert.equal(onHost.find('NetworkPolicy', 'edge-controller').spec.ingress[0].from, undefined);
  });
});
