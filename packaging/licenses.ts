/** The licence texts that come with the packages in the bundle: their authors ask that copies carry them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './bundle.ts';
import type { Component } from './components.ts';

export function licenseTexts(components: readonly Component[]): string {
  const parts = components.map(({ name, version, license, directory }) => {
    const texts = readdirSync(join(ROOT, directory))
      .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      .toSorted()
      .map((file) => readFileSync(join(ROOT, directory, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  return (
    ['What this program is bundled with, and under which terms.', ...parts].join(`\n\n${'-'.repeat(80)}\n\n`) + '\n'
  );
}
