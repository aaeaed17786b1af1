import assert from 'node:assert/strict';
import { test } from 'node:test';

import { printable, styleOf } from './output.ts';

test('colours only on a terminal that wants them', () => {
  assert.equal(styleOf({ isTTY: true }, { TERM: 'xterm' }).bold('x'), '\x1b[1mx\x1b[0m');
  assert.equal(styleOf({ isTTY: true }, { TERM: 'xterm', NO_COLOR: '1' }).bold('x'), 'x');
  assert.equal(styleOf({ isTTY: true }, { TERM: 'dumb' }).dim('x'), 'x');
  assert.equal(styleOf({}, { TERM: 'xterm' }).dim('x'), 'x');
});

test('what could move the cursor is shown as an escape', () => {
  assert.equal(printable('a\x1b[2J\nb\u009bä'), 'a\\x1b[2J\\nb\\x9bä');
});
