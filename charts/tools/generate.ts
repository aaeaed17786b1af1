/**
 * Writes what is generated of the chart, and deploy/ from the chart; with --check compares. Only deploy/ needs helm: where
 * there is none that part is left out and says so, and in continuous integration (CI is set) that is a failure.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { generated as ofApi } from '../../src/api/generate.ts';
import { type GeneratedFiles, generatorMain } from '../../src/api/generated-files.ts';
import { argoConfig } from './argo-config.ts';
import { crdTemplate } from './crd-templates.ts';
import { findProgram, render } from './helm.ts';
import { plainManifests, RELEASE } from './plain-manifests.ts';
import { withTable } from './readme.ts';
import { valuesSchema } from './values-schema.ts';
import { documentedValues } from './values.ts';

const ROOT = path.join(import.meta.dirname, '../..');

const text = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

export function chartFiles(): GeneratedFiles {
  const documented = documentedValues(text('charts/tcpvs/values.yaml'));
  const files = new Map([
    ['charts/tcpvs/values.schema.json', `${JSON.stringify(valuesSchema(documented), null, 2)}\n`],
    ['charts/tcpvs/README.md', withTable(text('charts/tcpvs/README.md'), documented)],
    ['deploy/argocd/argocd-cm.yaml', argoConfig(text('deploy/argocd/health.lua'))],
  ]);
  for (const [file, crd] of ofApi()) {
    if (!file.startsWith('crds/')) continue;
    files.set(`charts/tcpvs/templates/crds/${path.basename(file)}`, crdTemplate(crd));
  }
  return files;
}

export function deployFiles(): GeneratedFiles {
  const manifests = plainManifests(render(RELEASE.name, RELEASE.namespace));
  return new Map([...manifests].map(([file, manifest]) => [`deploy/${file}`, manifest]));
}

function main(args: readonly string[]): number {
  // One after the other: deploy/ is rendered from templates that are written here.
  const status = generatorMain(args, ROOT, { source: 'charts/tools', files: chartFiles });
  if (status !== 0) return status;
  if (findProgram('helm') !== null) return generatorMain(args, ROOT, { source: 'charts/tcpvs', files: deployFiles });
  const { CI = '' } = process.env;
  process.stderr.write('deploy/ is left out: there is no helm (make cluster-binaries builds it)\n');
  return CI === '' ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
