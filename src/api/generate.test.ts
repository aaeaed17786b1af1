import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { load } from 'js-yaml';

import { generated } from './generate.ts';
import { drift } from './generated-files.ts';

const root = path.join(import.meta.dirname, '../..');

void test('what is committed is what is generated', () => {
  assert.deepEqual(drift(root, generated()), []);
});

void test('drift is found, by name', (t) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tcpvs-generate-'));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.equal(drift(directory, generated()).length, 4);
  writeFileSync(path.join(directory, 'crds'), 'a file where a directory should be');
  assert.equal(drift(directory, generated()).length, 4);
});

void test('--check is silent where there is no drift; unknown arguments are refused', () => {
  const script = path.join(import.meta.dirname, 'generate.ts');
  const check = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  assert.deepEqual([check.status, check.stderr], [0, '']);
  const wrong = spawnSync(process.execPath, [script, '--chek'], { encoding: 'utf8' });
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /unknown argument --chek/);
});

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: Record<string, unknown>;
    readonly versions: readonly {
      readonly subresources: unknown;
      readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly status: { default: unknown } } } };
    }[];
  };
}

void test('a CRD has names, category, status subresource and conditions that nobody has looked at', () => {
  const crd = load(generated().get('crds/tcpvs.io_realservers.yaml') ?? '') as Crd;
  assert.equal(crd.metadata.name, 'realservers.tcpvs.io');
  assert.deepEqual(crd.spec.names['shortNames'], ['rsv']);
  assert.deepEqual(crd.spec.names['categories'], ['tcpvs']);
  const [version] = crd.spec.versions;
  assert.deepEqual(version?.subresources, { status: {} });
  assert.deepEqual(version?.schema.openAPIV3Schema.properties.status.default, {
    conditions: ['Accepted', 'Ready'].map((type) => ({
      type,
      status: 'Unknown',
      reason: 'Pending',
      message: 'Waiting for the controller',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    })),
  });
});
