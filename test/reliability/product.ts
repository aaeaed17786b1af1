/** What the image holds, as it is and as the next release would be. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { bundle } from '../../packaging/bundle.ts';
import { ownedDirectory } from '../cluster/owned-directory.ts';

const ROOT = join(import.meta.dirname, '../..');
const CHART = join(ROOT, 'charts/tcpvs');

export interface Release {
  readonly version: string;
  /** Directory of its chart. */
  readonly chart: string;
  /** Directory of the bundle that its image has. */
  readonly product: string;
}

/** Of the sources; and the same as the minor version after it. Both are removed when this process ends. */
export async function releases(): Promise<{ readonly now: Release; readonly next: Release }> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const [major, minor] = version.split('.');
  const directory = ownedDirectory();
  return {
    now: { version, chart: CHART, product: await write(join(directory, 'now')) },
    next: await nextRelease(directory, `${major}.${Number(minor) + 1}.0`),
  };
}

async function nextRelease(directory: string, version: string): Promise<Release> {
  const chart = join(directory, 'chart');
  cpSync(CHART, chart, { recursive: true });
  const file = join(chart, 'Chart.yaml');
  // The image's tag follows from appVersion.
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/^(version|appVersion): .*$/gm, `$1: ${version}`));
  return { version, chart, product: await write(join(directory, 'next'), version) };
}

async function write(directory: string, version?: string): Promise<string> {
  const { files } = await bundle(version === undefined ? {} : { version });
  mkdirSync(directory);
  for (const [name, content] of files) writeFileSync(join(directory, name), content);
  return directory;
}
