/** Writes docs/reliability.md from what is in bench/results/VERSION: each run that measures calls it when it is over. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type AuditDocument, type FaultsDocument, faultsSection, type SoakDocument } from './faults-page.ts';
import { page, type ResultsDocument } from './page.ts';

const ROOT = join(import.meta.dirname, '../..');

export function writePage(): void {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const results = (name: string): unknown => {
    try {
      return JSON.parse(readFileSync(join(ROOT, 'bench/results', version, `${name}.json`), 'utf8')) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  const cluster = (results('reliability') as ResultsDocument | null) ?? { version, date: '', machine: '', figures: [] };
  const faults = faultsSection(
    results('faults') as FaultsDocument | null,
    results('soak') as SoakDocument | null,
    results('audit') as AuditDocument | null,
  );
  writeFileSync(join(ROOT, 'docs/reliability.md'), page(cluster, faults));
}
