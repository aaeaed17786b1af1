import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapStatistics } from 'node:v8';

import { collectBetween } from './between.ts';

test('collects when so much has been left behind since the last time, and not before', () => {
  let used = 100;
  const collected: number[] = [];
  const done = collectBetween({
    worth: 10,
    used: () => used,
    collect: () => {
      collected.push(used);
      used = 98;
    },
  });
  for (const step of [0, 9, 1, 0, 9, 2, -20, 9, 1]) {
    used += step;
    done();
  }
  assert.deepEqual(collected, [110, 109, 88], 'what V8 has collected itself counts as collected');
});

test('really collects', () => {
  const done = collectBetween({ worth: 16 * 2 ** 20 });
  done();
  let garbage: object[] | null = Array.from({ length: 400_000 }, (_, i) => ({ i, text: `${i}` }));
  const { used_heap_size: full } = getHeapStatistics();
  garbage = null;
  done();
  assert.equal(garbage, null);
  assert.ok(getHeapStatistics().used_heap_size < full - 10_000_000);
});
