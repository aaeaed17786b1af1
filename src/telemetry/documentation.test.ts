import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { clientFamilies } from '../delivery/client/metrics.ts';
import { serverFamilies } from '../delivery/server/metrics.ts';
import { spanFamilies } from '../otlp/metrics.ts';
import { sampleInput } from './fixture.ts';
import { placementFamilies } from './metrics-placement.ts';
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
    [...collectMetrics(sampleInput(2, 2), new SeriesBudget(1000)), ...placement, ...delivery].map(
      ({ name, type, samples }) => {
        const labels = Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== 'le');
        return [name, `${type} ${labels.join(' ')}`];
      },
    ),
  );
  assert.deepEqual(new Map([...documented].toSorted(byName)), new Map([...shown].toSorted(byName)));
});

const outlook = { utilization: 0.5, fullest: 'web1', satisfied: 1 };
const placement = placementFamilies([
  {
    matrix: 'd/m',
    at: 1,
    rows: null,
    recommended: { rows: [], expected: outlook, present: outlook },
    reason: '',
    changes: [],
    stalled: null,
    instances: { starts: 1, stops: 0, dropped: 0 },
    proven: 1,
    moves: 1,
    returns: 0,
  },
]);

/** Of a proxy in a cluster, of tracing, and of a controller. */
const delivery = [
  ...clientFamilies({ controllers: 1, received: 1, failures: 1, refused: new Map([['older', 1]]) }),
  ...spanFamilies({ sent: 1, lost: new Map([['overflow', 1]]) }),
  ...serverFamilies({
    proxies: 1,
    held: 1,
    manifests: { full: 1, delta: 1 },
    sent: 1,
    reviews: { accepted: 1, refused: 0, failed: 0 },
    refused: new Map([['token', 1]]),
  }),
];

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1);
