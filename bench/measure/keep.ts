import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { writeReadme } from '../report/readme.ts';
import { type Circumstances, ROOT } from './machine.ts';

/** A result with what it was taken on, as text. */
export const textOf = (circumstances: Circumstances, result: unknown): string =>
  `${JSON.stringify({ circumstances, result }, null, 1)}\n`;

/** Keeps a result under its name, among those of this version, and writes their README anew. */
export function keep(name: string, circumstances: Circumstances, result: unknown): void {
  const directory = join(ROOT, 'bench/results', circumstances.version);
  writeFileSync(join(directory, `${name}.json`), textOf(circumstances, result));
  writeReadme(directory);
}
