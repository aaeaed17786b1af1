import assert from 'node:assert/strict';
import { test } from 'node:test';

import { goDuration, podSample } from './pod-samples.ts';

const metrics = (more: object = {}) => ({
  metadata: { name: 'shop-1', namespace: 'd' },
  timestamp: '2026-01-01T00:01:00Z',
  window: '15.5s',
  containers: [
    { name: 'shop', usage: { cpu: '250123456n', memory: '40Mi' } },
    { name: 'sidecar', usage: { cpu: '50m', memory: '10Mi' } },
  ],
  ...more,
});

test('what a pod used is the mean of a window, of all its containers', () => {
  const to = Date.UTC(2026, 0, 1, 0, 1);
  const { cores = 0, ...rest } = podSample(metrics()) ?? {};
  assert.deepEqual(rest, { pod: 'shop-1', from: to - 15_500, to });
  assert.ok(Math.abs(cores - 0.300123456) < 1e-12, String(cores));
});

test('what cannot be is no sample', () => {
  for (const more of [
    { timestamp: 'now' },
    { timestamp: undefined },
    { window: '0s' },
    { window: '15' },
    { window: 15 },
    { containers: undefined },
    { containers: [{ name: 'shop', usage: { cpu: '-1' } }] },
    { containers: [{ name: 'shop' }] },
  ])
    assert.equal(podSample(metrics(more)), null, JSON.stringify(more));
});

test('durations as Go writes them', () => {
  const written = { '15s': 15, '1m0.5s': 60.5, '1h2m3s': 3723, '20ms': 0.02, '1µs': 1e-6, '15.023s': 15.023 };
  for (const [text, seconds] of Object.entries(written)) assert.equal(goDuration(text), seconds);
  for (const text of ['', '15', 's', '1d', '-1s', '1s ', `${'9'.repeat(70)}s`])
    assert.equal(goDuration(text), null, text);
});
