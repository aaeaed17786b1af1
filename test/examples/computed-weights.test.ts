/** Example 21: better weights are shown, and change nothing. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import type { StatusDocument } from '../../src/admin/contract.ts';
import { placementsOf, placementsText } from '../../src/cli/placement-text.ts';
import { startExample } from '../demo/stage.ts';
import { until } from '../standalone/stage.ts';

const plain = { bold: (text: string) => text, dim: (text: string) => text };

test('21: weights by capacity, cost and demand are recommended', async () => {
  await using stage = await startExample('21-computed-weights', { servers: ['web1', 'web2', 'web3'] });
  const file = join(stage.directory, 'matrix.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('interval: 10s', 'interval: 1s'));
  const shown = await until(
    async () => {
      const { objects } = await stage.serve.admin<StatusDocument>('/v1/status');
      return placementsText(placementsOf(objects), plain);
    },
    (answer) => answer.includes(' is used to 4'),
  );
  const readme = readFileSync(join(import.meta.dirname, '../../examples/21-computed-weights/README.md'), 'utf8');
  assert.ok(readme.includes(shown.trimEnd()), shown);
  const { cells } = await stage.row('shop');
  assert.deepEqual(
    cells.map(({ weight }) => weight),
    [50, 50],
  );
});
