import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { KubeObject } from '../../api-client.ts';
import { policyRules } from './rules.ts';

const pod = (namespace: string, app: string, podIP: string) =>
  ({
    metadata: { name: app, namespace, labels: { app } },
    spec: { containers: [{ ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: { podIP, phase: 'Running' },
  }) as unknown as KubeObject;
const namespace = (name: string) => ({ metadata: { name, labels: { name } } }) as unknown as KubeObject;

const PODS = [pod('shop', 'web', '10.244.1.2'), pod('shop', 'db', '10.244.1.3'), pod('other', 'web', '10.244.2.2')];

const REFUSAL = ['meta l4proto tcp reject with tcp reset', 'drop'];

/** The chain of shop's db under a policy with this ingress. */
function chain(ingress: object[]): string[] {
  const metadata = { name: 'p', namespace: 'shop' };
  const policy = { metadata, spec: { podSelector: { matchLabels: { app: 'db' } }, ingress } } as unknown as KubeObject;
  const namespaces = [namespace('shop'), namespace('other')];
  const rules = policyRules({ policies: [policy], namespaces, pods: PODS });
  assert.match(rules, /ip daddr vmap \{ 10\.244\.1\.3 : jump pod-0 \}/);
  return (
    /chain pod-0 \{\n([^}]*(?:\{[^}]*\}[^}]*)*)\n\}/
      .exec(rules)?.[1]
      ?.split('\n')
      .map((line) => line.trim()) ?? []
  );
}

describe('a NetworkPolicy', () => {
  test('without a rule lets nobody in', () => assert.deepEqual(chain([]), REFUSAL));

  test('with an empty rule lets everybody in', () => assert.deepEqual(chain([{}]), ['accept', ...REFUSAL]));

  test('lets in pods of its own namespace by their labels, to ports by number and by name', () => {
    const from = [{ podSelector: { matchLabels: { app: 'web' } } }];
    assert.deepEqual(chain([{ from, ports: [{ port: 5432 }, { port: 'http' }] }]), [
      'ip saddr { 10.244.1.2 } tcp dport 5432 accept',
      'ip saddr { 10.244.1.2 } tcp dport 8080 accept',
      ...REFUSAL,
    ]);
  });

  test('lets in pods of other namespaces, and addresses but for some', () => {
    const namespaceSelector = { matchExpressions: [{ key: 'name', operator: 'In', values: ['other'] }] };
    const ipBlock = { cidr: '10.0.0.0/8', except: ['10.244.0.0/16'] };
    assert.deepEqual(chain([{ from: [{ namespaceSelector }, { ipBlock }] }]), [
      'ip saddr { 10.244.2.2 } accept',
      'ip saddr 10.0.0.0/8 ip saddr != { 10.244.0.0/16 } accept',
      ...REFUSAL,
    ]);
  });

  test('that names nobody who is there lets nobody in', () => {
    assert.deepEqual(chain([{ from: [{ podSelector: { matchLabels: { app: 'none' } } }] }]), REFUSAL);
  });
});
