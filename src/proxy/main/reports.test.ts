import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { Reports } from './reports.ts';

test('one line for each word that was counted since the last look, and none without', () => {
  mock.timers.enable({ apis: ['setInterval'] });
  const totals = { clients: 5, header_bytes: 5, body_bytes: 5 };
  const said: [string, number][] = [];
  const reports = new Reports({
    read: () => ({ ...totals }),
    say: (word, times) => said.push([word, times]),
    interval: 1000,
  });
  mock.timers.tick(1000);
  assert.deepEqual(said.splice(0), []);
  totals.clients += 2;
  totals.body_bytes += 1000;
  mock.timers.tick(1000);
  mock.timers.tick(1000);
  assert.deepEqual(said.splice(0), [
    ['clients', 2],
    ['body_bytes', 1000],
  ]);
  totals.header_bytes++;
  reports.close();
  mock.timers.tick(5000);
  assert.deepEqual(said, [['header_bytes', 1]]);
});
