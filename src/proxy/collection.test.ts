import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Collection } from './collection.ts';

/** At which of these looks, `[ms, step]`, it collects. */
function collections(...looks: [number, number][]): number[] {
  let at = 0;
  const collected: number[] = [];
  const collection = new Collection(() => collected.push(at));
  for (const [now, step] of looks) {
    at = now;
    collection.look(step, now);
  }
  return collected;
}

test('while memory is short, every two seconds; never while it is not', () => {
  assert.deepEqual(collections([0, 0], [50, 0]), []);
  assert.deepEqual(collections([0, 1], [1950, 1], [2000, 1], [3999, 1], [4000, 1]), [0, 2000, 4000]);
});

test('with each step that is taken, too, but four times a second at most', () => {
  assert.deepEqual(collections([0, 1], [100, 2], [250, 2], [300, 2], [500, 3]), [0, 250, 500]);
});

test('a step that is taken again after it had ended counts as a step', () => {
  assert.deepEqual(collections([0, 2], [100, 1], [300, 2], [400, 0], [700, 1], [900, 1]), [0, 300, 700]);
});
