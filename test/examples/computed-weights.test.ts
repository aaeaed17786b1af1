/** Example 21: better weights are shown, and change nothing. Example 24: caps are shown, and rule once it is proven. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

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

test('24: caps by planned work are recommended, rule once they are proven, and go when they are not asked for', async () => {
  await using stage = await startExample('24-computed-caps', { servers: ['web1', 'web2'], workers: 1 });
  const file = join(stage.directory, 'matrix.yaml');
  const text = readFileSync(file, 'utf8').replace('interval: 10s', 'interval: 1s');
  writeFileSync(file, text);
  const asking = new AbortController();
  const failures: unknown[] = [];
  const ask = async (path: string, perSecond: number): Promise<void> => {
    while (!asking.signal.aborted) {
      void stage.get(path).then(
        ({ status }) => status === 200 || failures.push(`${path}: ${status}`),
        (error: unknown) => failures.push(error),
      );
      await sleep(1000 / perSecond);
    }
  };
  const asked = Promise.all([ask('/shop', 30), ask('/report', 10)]);
  try {
    const shown = await until(
      async () => {
        const { objects } = await stage.serve.admin<StatusDocument>('/v1/status');
        return placementsText(placementsOf(objects), plain);
      },
      (answer) => answer.includes('(caps)'),
    );
    const readme = readFileSync(join(import.meta.dirname, '../../examples/24-computed-caps/README.md'), 'utf8');
    const table = shown.slice(shown.indexOf('  shares in %')).trimEnd();
    assert.ok(readme.includes(table), shown);
    const capsOf = async (app: string, isCapped: boolean): Promise<unknown[]> => {
      const { cells } = await stage.row(app, (row) => row.cells.every(({ cap }) => (cap !== undefined) === isCapped));
      return cells.map(({ cap }) => cap);
    };
    assert.deepEqual(
      [await capsOf('report', true), await capsOf('shop', true)],
      [
        [14, 14],
        [7, 7],
      ],
    );
    writeFileSync(file, text.replace('caps: Computed', 'caps: None'));
    await capsOf('report', false);
    await capsOf('shop', false);
  } finally {
    asking.abort();
    await asked;
  }
  assert.deepEqual(failures, []);
});
