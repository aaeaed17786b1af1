import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeAuthority } from '../../tls/fixture/authority.ts';
import { CertificateDates } from './certificate-dates.ts';

const DAY = 24 * 3_600_000;
const authority = makeAuthority();

const piece = (key: string, from: number, to: number) => ({
  kind: 'Certificate' as const,
  key,
  hash: '',
  ...authority.issue({ names: ['a.example'], notBefore: new Date(from), notAfter: new Date(to) }),
});

test('dates for the metrics, and a line for what ends soon, has ended or has not begun', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const world = { now: Date.UTC(2026, 5, 1) };
  const { now } = world;
  const lines: [string, string][] = [];
  const log = {
    warn: (fields: object, message: string) =>
      void lines.push([(fields as { certificate: string }).certificate, message]),
  };
  const dates = new CertificateDates(log, () => world.now);
  dates.update(
    [
      piece('a/good', now - DAY, now + 30 * DAY),
      piece('a/soon', now - DAY, now + DAY),
      piece('a/over', now - 2 * DAY, now - DAY),
      piece('a/early', now + DAY, now + 30 * DAY),
    ],
    [],
  );
  assert.deepEqual(lines.splice(0), [
    ['a/soon', 'certificate expires within a week'],
    ['a/over', 'certificate has expired; clients refuse it'],
    ['a/early', 'certificate is not valid yet; clients refuse it'],
  ]);
  assert.deepEqual(dates.totals()[0], { key: 'a/good', notAfter: (now + 30 * DAY) / 1000 });
  world.now += 2 * DAY;
  dates.update([], ['a/over']);
  assert.equal(lines.length, 0, 'nothing changed');
  t.mock.timers.tick(60_000);
  assert.deepEqual(lines.splice(0), [['a/soon', 'certificate has expired; clients refuse it']], 'once a day');
  dates.update([piece('a/soon', now, now + 90 * DAY)], []);
  assert.equal(lines.length, 0);
  assert.equal(dates.totals().length, 3);
  t.mock.timers.tick(60_000);
  assert.equal(lines.length, 0, 'the same day');
  world.now -= 30 * DAY;
  t.mock.timers.tick(60_000);
  assert.deepEqual(
    lines.splice(0).map(([key]) => key),
    ['a/good', 'a/soon', 'a/early'],
    'the clock was set back: none of them is valid yet',
  );
  dates.close();
  t.mock.timers.tick(DAY);
  assert.deepEqual(lines, []);
});
