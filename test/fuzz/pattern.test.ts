import assert from 'node:assert/strict';
import { it } from 'node:test';

import { fuzzPatterns } from './pattern.ts';

it('finds no difference, no exception and nothing slow', () => {
  const { refused, iterations } = fuzzPatterns(2000, 1);
  assert.equal(iterations, 2000);
  // Arbitrary text is refused often, but not always: else nothing would be tried.
  assert.ok(refused > 100 && refused < 500, `${refused}`);
});
