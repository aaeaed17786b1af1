/** Writes crds/*.yaml and docs/reference/api.md from the schemas; with --check compares them and exits 1 on drift. */
import path from 'node:path';

import { dump } from 'js-yaml';

import { toCrd } from './crd.ts';
import { generatorMain } from './generated-files.ts';
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

if (import.meta.main) {
  process.exitCode = generatorMain(process.argv.slice(2), path.join(import.meta.dirname, '../..'), {
    source: 'src/api',
    files: generated,
  });
}
