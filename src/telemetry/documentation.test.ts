import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { sampleInput } from './fixture.ts';
import { collectMetrics } from './metrics.ts';
import { SeriesBudget } from './series.ts';

test('docs/metrics.md names every metric with its type and labels, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
  const documented = new Map(
    [...page.matchAll(/^\| `(\w+)` +\| (\w+) +\|([^|]*)\|/gm)].map(([, name = '', type = '', labels = '']) => [
      name,
      `${type} ${[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).join(' ')}`,
    ]),
  );
  const shown = new Map(
    collectMetrics(sampleInput(2, 2), new SeriesBudget(1000)).map(({ name, type, samples }) => {
      const labels = Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== 'le');
      return [name, `${type} ${labels.join(' ')}`];
    }),
  );
  assert.deepEqual(new Map([...documented].toSorted(byName)), new Map([...shown].toSorted(byName)));
});

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1);
