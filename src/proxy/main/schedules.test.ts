import assert from 'node:assert/strict';
import { test } from 'node:test';

import { buildSchedule, cellAt, periodOf } from '../../scheduler/schedule.ts';
import { Schedules } from './schedules.ts';

test('rows of the same weights share one schedule, and others do not', () => {
  const { of } = new Schedules();
  const one = of([3, 0, 5]);
  assert.equal(of([3, 0, 5]), one);
  assert.notEqual(of([3, 5]), one);
  assert.notEqual(of([30, 5]), of([3, 5]));
  const own = buildSchedule([3, 0, 5]);
  assert.deepEqual(
    Array.from({ length: periodOf(one) }, (_, at) => cellAt(one, at)),
    Array.from({ length: periodOf(own) }, (_, at) => cellAt(own, at)),
  );
});

test('long schedules lie in shared memory', () => {
  const { of } = new Schedules();
  const [short, long] = [of([1, 2]), of([1, 2047])];
  assert.ok(short.kind === 'Table' && short.table.buffer instanceof ArrayBuffer);
  assert.ok(long.kind === 'Table' && long.table.buffer instanceof SharedArrayBuffer);
});
