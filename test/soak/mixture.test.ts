import assert from 'node:assert/strict';
import { test } from 'node:test';

import { leaveGround, MIXTURE, newGround } from './mixture.ts';
import { startSetting } from './setting.ts';

test('each kind of client gets what it expects, of each of its apps', async () => {
  await using setting = await startSetting(2);
  const ground = newGround(setting.port, setting.tls);
  for (const { name, apps, run } of MIXTURE) {
    const results = await Promise.allSettled(apps.map((app) => run(ground, `/${app}/`)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    assert.deepEqual([name, failures], [name, []]);
  }
  assert.ok(ground.ticket !== undefined, 'a session was given for later');
  await leaveGround(ground);
});

test('shares are of a hundred', () => {
  assert.equal(
    MIXTURE.reduce((sum, { share }) => sum + share, 0),
    100,
  );
});
