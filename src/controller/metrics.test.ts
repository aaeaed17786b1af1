import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { DONE, WorkQueue } from '../kube/work-queue.ts';
import { parseExposition } from '../telemetry/exposition-check.ts';
import { gauge, renderFamilies } from '../telemetry/exposition.ts';
import { Histogram } from '../telemetry/histogram.ts';
import { type ControllerMetrics, controllerMetrics } from './metrics.ts';
import { PROPAGATION_BOUNDS } from './propagation.ts';

const input: ControllerMetrics = {
  version: '1.2.3',
  ready: true,
  generation: 3,
  snapshot: '0123456789abcdef',
  leading: true,
  objects: [{ kind: 'RealServer', status: 'ready', count: 2 }],
  keeper: { written: 1, conflicts: 2, failed: 3 },
  queues: [{ name: 'status', ...new WorkQueue({ process: () => Promise.resolve(DONE) }).measures }],
  restarts: [{ type: 'services', reason: 'gone', count: 1 }],
  propagation: new Histogram(PROPAGATION_BOUNDS),
  readyProxies: 2,
  eventsDropped: 0,
  placements: [],
  delivery: [gauge('tcpvs_delivery_proxies', 'As the snapshot server says it.', 1)],
  profiles: { at: 0, matrices: [] },
};

test('what a controller shows is well formed, and docs/metrics-controller.md names it all', () => {
  const families = controllerMetrics(input);
  assert.ok(parseExposition(renderFamilies(families)).length > 10);
  const page = readFileSync(join(import.meta.dirname, '../../docs/metrics-controller.md'), 'utf8');
  const documented = new Set([...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
  for (const { name } of families) assert.ok(documented.has(name), `${name} is not documented`);
  const shown = new Set(families.map(({ name }) => name));
  for (const name of documented) {
    assert.ok(shown.has(name ?? '') || name?.startsWith('tcpvs_delivery_'), `${name} is documented, and not there`);
  }
});
