import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createLogger, isLogLevel } from './log.ts';
import { RateLimit } from './rate-limit.ts';

function capture(level: 'info' | 'warn') {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level,
    to: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  return { lines, log };
}

test('lines are JSON with level by name; the level can be changed while running', () => {
  const { lines, log } = capture('warn');
  log.info('not shown');
  log.level = 'info';
  log.info({ file: 'a.yaml' }, 'shown');
  assert.equal(lines.length, 1);
  assert.deepEqual({ ...lines[0], time: '' }, { level: 'info', time: '', file: 'a.yaml', msg: 'shown' });
  assert.match(String(lines[0]?.['time']), /^\d{4}-\d\d-\d\dT/);
});

test('secrets do not reach the log, wherever the field stands', () => {
  const { lines, log } = capture('info');
  const canary = 'canary-5f1e';
  const keys = { cookieKeys: [canary], ticketKeys: [canary], piece: { privateKey: canary } };
  log.info({ cookie: canary, headers: { authorization: canary }, a: { b: { token: canary } }, ...keys });
  assert.ok(!JSON.stringify(lines).includes(canary));
});

test('levels are known by name', () => {
  assert.ok(isLogLevel('debug'));
  assert.ok(!isLogLevel('verbose'));
});

test('a rate limit lets a burst through, then one per interval, and counts what it held back', () => {
  let now = 0;
  const limit = new RateLimit({ burst: 2, interval: 1000, now: () => now });
  assert.deepEqual([limit.take('a'), limit.take('a'), limit.take('a'), limit.take('a')], [0, 0, null, null]);
  assert.equal(limit.take('b'), 0);
  now = 1000;
  assert.equal(limit.take('a'), 2);
  assert.equal(limit.take('a'), null);
});
