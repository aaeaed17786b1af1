/** Example 22: what is learned, and what is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ProfilesDocument } from '../../src/model/profiles.ts';
import { startExample } from '../demo/stage.ts';

/** Milliseconds. */
const LONGEST = 30_000;

test('22: browse is learned, and pay is what the matrix says', async () => {
  await using stage = await startExample('22-profiles', { servers: ['web1', 'web2'] });
  const profiles = async () => (await stage.serve.admin<ProfilesDocument>('/v1/profiles')).matrices[0]!.apps;
  let apps = await profiles();
  // Windows are of a second, however fast it is asked.
  const until = performance.now() + LONGEST;
  while (apps[0]!.seconds?.source !== 'learned' && performance.now() < until) {
    for (let sent = 0; sent < 10; sent++) assert.equal((await stage.get('/browse/')).status, 200);
    apps = await profiles();
  }
  const [browse, pay] = apps;
  assert.deepEqual([browse!.demand.source, browse!.seconds?.source, browse!.cells.length], ['learned', 'learned', 2]);
  assert.deepEqual([pay!.demand.value, pay!.demand.source], [120, 'given']);
  assert.deepEqual(
    Object.entries(pay!.cost).map(([resource, { value, source }]) => [resource, value, source]),
    [
      ['cpu', 0.008, 'given'],
      ['io', 65_536, 'given'],
    ],
  );
  assert.equal(pay!.seconds?.source, 'default');
});
