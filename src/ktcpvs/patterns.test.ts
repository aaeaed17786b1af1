import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseConfiguration } from './parse.ts';
import { judgePattern } from './patterns.ts';
import { BUILT_IN_SERVICES } from './services.ts';

test('patterns that can be served', () => {
  for (const pattern of ['.*', '^/.*', '/users/([^/]+)/.*', String.raw`\.(gif|jpe?g)$`, '/a{1,20}']) {
    assert.equal(judgePattern(pattern, 0), null, pattern);
  }
  assert.equal(judgePattern('/users/([^/]+)/.*', 1), null);
});

test('a group that the pattern does not have', () => {
  assert.deepEqual(judgePattern('/a', 1), { read: 'match 1', expected: 'match 0, as the pattern has no group' });
  assert.deepEqual(judgePattern('/(a)', 2), {
    read: 'match 2',
    expected: 'match 0 to 1, as the pattern has one group',
  });
});

test('patterns that cannot be served say where', () => {
  for (const pattern of ['/a(', '[z-a]', String.raw`(a)\1`, '*']) {
    const fault = judgePattern(pattern, 0);
    assert.match(fault?.expected ?? '', /\(at character \d+ of the pattern\)$/, pattern);
  }
});

test('in a file they are faults at the pattern', () => {
  const result = parseConfiguration(
    'virtual a { server = r1\n rule = pattern "/a(" use server r1 }',
    BUILT_IN_SERVICES,
  );
  assert.ok(!result.ok);
  assert.deepEqual([result.faults[0]?.line, result.faults[0]?.column], [2, 17]);
});
