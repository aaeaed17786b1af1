/**
 * Row 29: what comes from others is little, named exactly, and runs nothing when it is installed. (That the bundle is the same
 * to the byte when it is built again, and that its bill of materials has all of it, is tested in test/build.)
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { report } from './figures.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly integrity?: string; readonly dev?: boolean; readonly hasInstallScript?: boolean }>
  >;
}

test('29. supply chain', () => {
  const manifest = JSON.parse(read('package.json')) as Manifest;
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const runtime = Object.keys(dependencies);
  assert.ok(runtime.length <= 5, runtime.join());
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name}: an exact version`);
  }
  const hooks = Object.keys(manifest.scripts ?? {}).filter((name) => /install|prepare|publish/.test(name));
  assert.deepEqual(hooks, [], 'nothing of ours runs by itself');

  const { packages } = JSON.parse(read('package-lock.json')) as Lockfile;
  const theirs = Object.entries(packages).filter(([path]) => path !== '');
  for (const [path, { integrity }] of theirs) assert.match(integrity ?? '', /^sha512-/, path);
  const scripted = theirs.filter(([, entry]) => entry.hasInstallScript === true);
  assert.deepEqual(
    scripted.filter(([, { dev }]) => dev !== true).map(([path]) => path),
    [],
    'nothing that runs in production has a script for its installation',
  );
  const settings = read('.npmrc').split('\n');
  for (const setting of ['ignore-scripts=true', 'save-exact=true', 'min-release-age=7']) {
    assert.ok(settings.includes(setting), setting);
  }
  for (const file of ['Makefile', 'Dockerfile']) {
    for (const line of read(file).split('\n')) {
      if (/npm (?:ci|install)/.test(line)) assert.match(line, /--ignore-scripts/, `${file}: ${line}`);
    }
  }
  report(29, 'supply chain', {
    runtimeDependencies: runtime.length,
    packages: theirs.filter(([, { dev }]) => dev !== true).length,
    packagesForDevelopment: theirs.length,
    withInstallScripts: scripted.map(([path]) => path.replace('node_modules/', '')),
  });
});
