/** Writes docs/reference/conditions.md; with --check compares it and exits 1 on drift. */
import path from 'node:path';

import { generatorMain } from '../api/generated-files.ts';
import { conditionsReference } from './reference.ts';

process.exitCode = generatorMain(process.argv.slice(2), path.join(import.meta.dirname, '../..'), {
  source: 'src/status',
  files: () => new Map([['docs/reference/conditions.md', `${conditionsReference()}\n`]]),
});
