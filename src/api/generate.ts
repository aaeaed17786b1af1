/** Writes crds/*.yaml and docs/reference/api.md from the schemas; with --check compares them and exits 1 on drift. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { dump } from 'js-yaml';

import { toCrd } from './crd.ts';
import { GROUP } from './group.ts';
import { kindInfos } from './kinds.ts';
import { toReference } from './reference.ts';

const HEADER = '# Generated from src/api by `make generate`; do not edit.\n';

/** Path below the repository's root → text, of all generated files. */
export const generated = (): Map<string, string> => {
  const infos = Object.values(kindInfos);
  const files = new Map<string, string>();
  for (const info of infos) {
    files.set(`crds/${GROUP}_${info.plural}.yaml`, HEADER + dump(toCrd(info), { noRefs: true, lineWidth: -1 }));
  }
  files.set('docs/reference/api.md', toReference(infos));
  return files;
};

const read = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
};

/** The files that differ from what is generated. */
export const drift = (root: string): string[] =>
  [...generated()].filter(([file, text]) => read(path.join(root, file)) !== text).map(([file]) => file);

const main = (args: readonly string[], root: string): number => {
  const unknown = args.filter((arg) => arg !== '--check');
  if (unknown.length > 0) {
    process.stderr.write(`generate: unknown argument ${unknown[0]}; expected nothing or --check\n`);
    return 2;
  }
  if (args.includes('--check')) {
    const files = drift(root);
    for (const file of files) process.stderr.write(`${file} differs from what src/api generates\n`);
    if (files.length > 0) process.stderr.write('run: make generate\n');
    return files.length > 0 ? 1 : 0;
  }
  for (const [file, text] of generated()) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  return 0;
};

if (import.meta.main) process.exitCode = main(process.argv.slice(2), path.join(import.meta.dirname, '../..'));
