/** deploy/ as `kubectl apply -k deploy` takes it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { load } from 'js-yaml';

import { findProgram } from '../../charts/tools/helm.ts';
import { plainManifests } from '../../charts/tools/plain-manifests.ts';
import { fromText, needsHelm, rendered } from './stage.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');

const names = (objects: readonly { kind: string; metadata: { name: string; namespace?: string } }[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? '*'}/${metadata.name}`).toSorted();

describe('deploy/', () => {
  const listed = load(readFileSync(join(DEPLOY, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  const all = fromText(listed.resources.map((file) => readFileSync(join(DEPLOY, file), 'utf8')).join('---\n'));

  it('has what the chart has by its defaults, and the namespace; nothing of Helm’s', needsHelm, () => {
    const chart = rendered({}, { release: 'tcpvs' }).objects.filter(({ kind }) => kind !== 'Pod');
    assert.deepEqual(
      names(all.objects).filter((name) => name !== 'Namespace */tcpvs-system'),
      names(chart),
    );
    assert.doesNotMatch(JSON.stringify(all.objects), /helm/i);
  });

  it('puts everything into a namespace that takes restricted pods alone', () => {
    const [namespace] = all.ofKind('Namespace');
    assert.equal(namespace.metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
    for (const { kind, metadata } of all.objects) {
      if (metadata.namespace !== undefined) assert.equal(metadata.namespace, namespace.metadata.name, kind);
    }
  });

  it('a label is left out by its key, wherever it stands', () => {
    const chart = [
      '# Source: tcpvs/templates/proxy/a.yaml',
      'kind: A',
      'metadata: {name: a, labels: {helm.sh/chart: c, x: y}, annotations: {helm.sh/resource-policy: keep}}',
      '---',
      '# Source: tcpvs/templates/tests/b.yaml',
      'kind: B',
      'metadata: {name: b, annotations: {helm.sh/hook: test}}',
      '',
    ].join('\n');
    const files = plainManifests(chart);
    assert.deepEqual([...files.keys()], ['proxy.yaml']);
    assert.deepEqual(load(files.get('proxy.yaml') ?? ''), { kind: 'A', metadata: { name: 'a', labels: { x: 'y' } } });
  });

  const kubectl = findProgram('kubectl');
  it('is built by kustomize', kubectl === null ? { skip: 'there is no kubectl' } : {}, () => {
    const built = fromText(execFileSync(kubectl ?? '', ['kustomize', DEPLOY], { encoding: 'utf8' }));
    assert.deepEqual(names(built.objects), names(all.objects));
  });
});
