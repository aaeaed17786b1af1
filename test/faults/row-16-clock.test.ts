/**
 * Row 16: the clock of the machine is set, by a month and by seconds, forwards and back, under load. Requests and timers do
 * not notice; what certificates are worth follows the clock.
 */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer } from 'node:tls';

import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { missing } from '../clients/commands.ts';
import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer, OK } from './load.ts';
import { type Served, startServe } from './serve.ts';

const DAY = 24 * 3_600_000;
const NAME = 'secure.example';
/** What /slow may take, and never takes less. */
const TIMEOUT = 400;
const CLOCKS = ['+30d', '-30d', '+1s', '-1s', '+0'];

test('16. the clock is set', { skip: missing(['faketime']), timeout: FULL ? 600_000 : 100_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-clock-'));
  const clock = join(directory, 'clock');
  // Wall clocks are read from the file each time; the monotonic one is the kernel's, as when somebody sets a real clock.
  const setClock = (offset: string) => writeFileSync(clock, `${offset}\n`);
  setClock('+0');
  const origin = await LoadServer.start();
  origin.answer = ({ target, socket }) => void (target === '/slow' || socket.write(OK));
  const authority = makeAuthority();
  const now = Date.now();
  const dates = { notBefore: new Date(now - 10 * DAY), notAfter: new Date(now + 10 * DAY) };
  const { certificate, privateKey } = authority.issue({ names: [NAME], ...dates });
  const secure = createServer({ cert: certificate, key: privateKey }, (socket) => {
    socket.on('error', () => {});
    // Each request makes a connection of its own, and so looks at the certificate.
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'));
  });
  await new Promise<void>((resolve) => {
    secure.listen(0, '127.0.0.1', resolve);
  });
  const spec = { protocol: 'HTTPS', tls: { hostname: NAME, caCertificateRefs: [{ name: 'authority' }] } };
  const served = await startServe({
    servers: [{ port: origin.port }, { port: (secure.address() as AddressInfo).port, spec }],
    rules: [
      { match: { path: { type: 'Prefix', value: '/secure' } }, servers: [{ server: 'web1', weight: 1 }] },
      { servers: [{ server: 'web0', weight: 1 }], timeouts: { request: `${TIMEOUT}ms` }, retry: { attempts: 0 } },
    ],
    objects: () => [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'authority' },
        stringData: { 'ca.crt': authority.certificate },
      },
    ],
    environment: {
      LD_PRELOAD: globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0] ?? '',
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
  });
  t.after(async () => {
    await served.stop();
    secure.close();
    await origin.close();
    rmSync(directory, { recursive: true });
  });
  const ask = async (path: string) => {
    const { statuses, errors } = await load({ ...where(served), connections: 1, requests: 1, make: () => get(path) });
    assert.deepEqual(errors, []);
    return Number(Object.keys(statuses)[0]);
  };
  assert.equal(await ask('/secure'), 200);

  let over = false;
  const begun = performance.now();
  const outcome = load({
    ...where(served),
    connections: 16,
    requests: count(2000, 100_000),
    rate: count(400, 1000),
    over: () => over,
    make: (index) => get(`/${index}`),
  });
  const pids = served.pids.join();
  const timeouts: number[] = [];
  for (let round = 0; round < count(1, 10); round++) {
    for (const offset of CLOCKS) {
      const asked = performance.now();
      const slow = ask('/slow');
      setClock(offset);
      assert.equal(await slow, 504, offset);
      timeouts.push(Math.round(performance.now() - asked));
      const isValid = !offset.endsWith('d');
      // Ejected for it, it is let in again only by a connection that is good.
      while ((await ask('/secure')) !== (isValid ? 200 : 502)) await sleep(50);
    }
  }
  if (!FULL) over = true;
  const { statuses, errors, milliseconds } = await outcome;
  const elapsed = (performance.now() - begun) / 1000;

  assert.deepEqual({ statuses: Object.keys(statuses), errors }, { statuses: ['200'], errors: [] });
  assert.equal(served.pids.join(), pids, 'no process was replaced');
  // Deadlines are looked at every 50 ms.
  assert.ok(Math.min(...timeouts) >= TIMEOUT - 50, `a timeout came early: ${timeouts.join()}`);
  const metrics = (await served.admin('/metrics')).body;
  const values = metrics.split('\n').flatMap((line) => (/^tcpvs_\w+(?:\{.*\})? /.test(line) ? [line] : []));
  assert.ok(values.length > 20);
  for (const line of values) {
    const value = Number(line.split(' ').at(-1));
    assert.ok(Number.isFinite(value) && value >= 0, line);
    // No time that was measured is longer than all of it together: a clock that is set would make months of it.
    if (/_seconds_sum/.test(line)) assert.ok(value <= elapsed * 64, line);
  }
  assert.ok(served.log.split('\n').length < 50 + 20 * timeouts.length, 'the log does not overflow');
  report(16, 'the clock is set', {
    sets: timeouts.length,
    requests: milliseconds.length,
    errors: errors.length,
    timeoutMs: TIMEOUT,
    waited: percentiles(timeouts),
  });
});

const where = ({ address, port }: Served) => ({ address, port });
