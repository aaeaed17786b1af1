import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const SOURCES = join(import.meta.dirname, '..');

/** As soon as the file is loaded; and later: dynamic imports, modules of worker threads. Types are not loaded. */
const AT_ONCE = [/^(?:import|export)\s+(?!type\b)[^;'"]*?from\s*'([^']+)'/gm, /^import\s*'([^']+)'/gm];
const LATER = [/\bimport\(\s*'([^']+)'/g, /new URL\(\s*'([^']+\.ts)'\s*,\s*import\.meta\.url/g];
const ALL = [...AT_ONCE, ...LATER];

function importsOf(file: string, patterns: readonly RegExp[]): string[] {
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, specifier = '']) => specifier));
}

/** Everything that `entries` load: files below src/, and packages. */
function reachable(entries: readonly string[], patterns = ALL): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    const name = relative(SOURCES, file);
    if (files.has(name)) return;
    assert.ok(existsSync(file), `${name} is there`);
    files.add(name);
    for (const specifier of importsOf(file, patterns)) {
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier));
      else if (!specifier.startsWith('node:')) packages.add(specifier);
    }
  };
  for (const entry of entries) visit(join(SOURCES, entry));
  return { files, packages };
}

const room = (file: string): string => file.split('/', 1)[0] ?? '';

test('the proxy has no way to the API server: nothing that it can ever load knows Kubernetes, or objects', () => {
  const { files, packages } = reachable(['cli/proxy.ts', 'proxy/worker/worker.ts']);
  assert.ok(
    files.has('delivery/client/client.ts') && files.has('proxy/main/serving.ts') && files.has('cli/proxy-serving.ts'),
  );
  const rooms = new Set([...files].map(room));
  for (const forbidden of [
    'kube',
    'controller',
    'status',
    'translate',
    'api',
    'standalone',
    'ktcpvs',
    'placement',
    'yaml',
  ]) {
    assert.ok(
      !rooms.has(forbidden),
      `${forbidden}: ${[...files].filter((file) => room(file) === forbidden).join(', ')}`,
    );
  }
  assert.ok(![...files].some((file) => file.startsWith('delivery/server/')), 'it serves no snapshots');
  assert.deepEqual([...packages].toSorted(), ['pino', 'zod']);
});

test('nor what is loaded before it is known which command it is', () => {
  const { files, packages } = reachable(['cli/tcpvs.ts'], AT_ONCE);
  assert.ok(files.has('cli/tcpvs-run.ts'));
  assert.deepEqual(
    [...files].filter((file) => room(file) !== 'cli'),
    [],
  );
  assert.deepEqual([...packages], []);
});

test('the walk finds what is there: the command that serves by manifests does load them', () => {
  const { files, packages } = reachable(['cli/serve.ts']);
  assert.ok(files.has('translate/translate.ts') && files.has('standalone/controller.ts'));
  assert.ok(packages.has('js-yaml'));
});
