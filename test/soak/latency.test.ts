import assert from 'node:assert/strict';
import { test } from 'node:test';

import { driftOf, driftText, LatencyRecorder } from './latency.ts';

test('the recorder gives the 99th percentile of each way, and begins anew', () => {
  const recorder = new LatencyRecorder();
  for (let each = 0; each < 2_000; each++) {
    recorder.record('proxied', each < 1_960 ? 2 : 8);
    recorder.record('direct', 1);
  }
  const window = recorder.take(1);
  assert.ok(window !== null && Math.abs(window.proxied - 8) < 0.2 && Math.abs(window.direct - 1) < 0.03);
  assert.equal(recorder.take(2), null, 'nothing was recorded since');
});

test('drift is what the proxied way has beyond the direct one', () => {
  const windows = [1, 2, 3, 4, 5, 6, 7, 8].map((minute) => ({
    minute,
    proxied: minute <= 4 ? 2 : 3,
    direct: minute <= 4 ? 1 : 1.2,
  }));
  const drift = driftOf(windows);
  assert.deepEqual(
    [drift.proxied, drift.direct],
    [
      [2, 3],
      [1, 1.2],
    ],
  );
  assert.equal(driftText(drift), 'p99 2.0 → 3.0 ms (straight to a server 1.0 → 1.2), drift 25 %');
});

test('too few windows for quarters give no drift', () => {
  assert.ok(Number.isNaN(driftOf([{ minute: 1, proxied: 2, direct: 1 }]).drift));
});
