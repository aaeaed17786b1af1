import assert from 'node:assert/strict';
import { test } from 'node:test';

import { REASONS } from '../translate/reasons.ts';
import { SERVING_REASONS } from './known-conditions.ts';
import { CONDITION_TYPES, conditionsReference } from './reference.ts';

void test('every reason stands with the conditions that may have it', () => {
  const listed = new Set(Object.values(CONDITION_TYPES).flatMap((type) => type.reasons));
  const all = [...Object.keys(REASONS), ...Object.keys(SERVING_REASONS)];
  assert.deepEqual([...listed].toSorted(), all.toSorted());
  const text = conditionsReference();
  for (const reason of all) assert.match(text, new RegExp(`^\\| \`${reason}\` \\| .+\\.? \\|$`, 'm'));
});
