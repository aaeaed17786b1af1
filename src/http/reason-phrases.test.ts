import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { test } from 'node:test';

import { REASONS } from '../model/reasons.ts';
import { PHRASES } from './reason-phrases.ts';

test('every status that we answer ourselves has its words, and each as Node has them', () => {
  for (const { status } of REASONS) assert.ok(status === 0 || PHRASES.has(status), `${status}`);
  for (const status of [204, 301, 302, 303, 307, 308]) assert.ok(PHRASES.has(status), `${status}`);
  for (const [status, words] of PHRASES) assert.equal(words, STATUS_CODES[status]);
});
