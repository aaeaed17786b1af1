/**
 * `make audit`: other people's examiners, one after another; the result goes to `bench/results/VERSION/audit.json`.
 * Some of them: `make audit ARGS='testssl'`. Exit status 0: nothing found; 1: findings; 2: a wrong word.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { circumstances, ROOT } from '../../bench/measure/machine.ts';
import type { Audit } from '../../bench/report/long-runs.ts';
import { read, type Kept } from '../../bench/report/results.ts';
import { writePage } from '../reliability/write-page.ts';
import { auditWebSocket } from './autobahn.ts';
import { auditPatience } from './slowhttptest.ts';
import { auditTls } from './testssl.ts';

const EXAMINERS: Readonly<Record<string, () => Promise<Audit>>> = {
  testssl: auditTls,
  slowhttptest: auditPatience,
  autobahn: auditWebSocket,
};

const words = process.argv.slice(2);
const unknown = words.find((word) => !Object.hasOwn(EXAMINERS, word));
if (unknown !== undefined) {
  process.stderr.write(`audit: read '${unknown}', expected some of ${Object.keys(EXAMINERS).join(', ')}\n`);
  process.exit(2);
}

const on = circumstances();
const audits: Audit[] = [];
for (const [name, examine] of Object.entries(EXAMINERS)) {
  if (words.length > 0 && !words.includes(name)) continue;
  process.stdout.write(`${name} …\n`);
  const audit = await examine();
  audits.push(audit);
  const figures = Object.entries(audit.figures).map(([what, value]) => `${what} ${value}`);
  process.stdout.write(`${audit.examiner} ${audit.version}: ${figures.join(', ')}\n`);
  process.stdout.write(audit.findings.length === 0 ? 'nothing found\n' : `${audit.findings.join('\n')}\n`);
}

const directory = join(ROOT, 'bench/results', on.version);
const earlier = read<readonly Audit[]>(directory, 'audit')?.result ?? [];
const kept = earlier.filter(({ examiner }) => !audits.some((audit) => audit.examiner === examiner));
const document: Kept<readonly Audit[]> = { circumstances: on, result: [...kept, ...audits] };
writeFileSync(join(directory, 'audit.json'), `${JSON.stringify(document, null, 1)}\n`);
writePage();
process.exit(audits.some(({ findings }) => findings.length > 0) ? 1 : 0);
