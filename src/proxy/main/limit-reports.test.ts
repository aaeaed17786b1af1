import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { LIMITS, type LimitName } from '../shared.ts';
import { quiet } from './fixture/support.ts';
import { LimitReports } from './limit-reports.ts';

test('one line for each limit that was reached since the last look, and none without', () => {
  mock.timers.enable({ apis: ['setInterval'] });
  const totals = Object.fromEntries(LIMITS.map((name) => [name, 5])) as Record<LimitName, number>;
  const lines: object[] = [];
  const log = { ...quiet, warn: (fields: object, message: string) => lines.push({ ...fields, message }) };
  const reports = new LimitReports(() => ({ ...totals }), log, 1000);
  mock.timers.tick(1000);
  assert.deepEqual(lines.splice(0), []);
  totals.clients += 2;
  totals.body_bytes += 1000;
  mock.timers.tick(1000);
  mock.timers.tick(1000);
  assert.deepEqual(lines.splice(0), [
    { limit: 'clients', hits: 2, message: 'limit reached' },
    { limit: 'body_bytes', hits: 1000, message: 'limit reached' },
  ]);
  totals.header_bytes++;
  reports.close();
  mock.timers.tick(5000);
  assert.deepEqual(lines, [{ limit: 'header_bytes', hits: 1, message: 'limit reached' }]);
});
