/**
 * Row 5: the network goes away in the middle of an answer, without FIN or RST. Needs root: the server lives in a network
 * namespace of its own, behind a veth pair whose far end is taken down.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';

import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get } from './load.ts';
import { startServe } from './serve.ts';

const NAME = `tv${process.pid % 100_000}`;
const IDLE = 2000;
/** Of a network for documentation (RFC 5737): nothing real is in the way. */
const HERE = '198.51.100.1';
const THERE = '198.51.100.2';
const SERVER = `require('node:net').createServer((s) => {
  s.on('error', () => {});
  s.on('data', () => s.write('HTTP/1.1 200 OK\\r\\nContent-Length: 1000000\\r\\n\\r\\n' + 'x'.repeat(1000)));
}).listen(8080, '${THERE}', () => console.log('up'));`;

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'ignore' });
}

async function farServer(): Promise<ChildProcess | null> {
  try {
    ip('netns', 'add', NAME);
    ip('link', 'add', NAME, 'type', 'veth', 'peer', 'name', 'far', 'netns', NAME);
    ip('addr', 'add', `${HERE}/30`, 'dev', NAME);
    ip('link', 'set', NAME, 'up');
    ip('-n', NAME, 'addr', 'add', `${THERE}/30`, 'dev', 'far');
    ip('-n', NAME, 'link', 'set', 'far', 'up');
  } catch {
    removeNetwork();
    return null;
  }
  const child = spawn('ip', ['netns', 'exec', NAME, process.execPath, '-e', SERVER], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await Promise.race([once(child.stdout, 'data'), sleep(5000)]);
  return child;
}

function removeNetwork(): void {
  try {
    ip('netns', 'del', NAME);
  } catch {
    // It was never made.
  }
  try {
    ip('link', 'del', NAME);
  } catch {
    // It went with its namespace.
  }
}

test('5. the network goes away in the middle of an answer', { timeout: 60_000 }, async (t) => {
  const server = await farServer();
  if (server === null) {
    t.skip('no network namespaces here (needs root)');
    return;
  }
  t.after(removeNetwork);
  t.after(() => server.kill('SIGKILL'));
  const rule = { timeouts: { idle: `${IDLE}ms`, request: `${IDLE}ms` }, retry: { attempts: 0 } };
  const served = await startServe({ servers: [{ address: THERE, port: 8080 }], rule });
  t.after(() => served.stop());
  const before = served.sockets;

  const connections = count(50, 1000);
  let started = 0;
  let cut = Number.NaN;
  const { promise: allStarted, resolve } = Promise.withResolvers<void>();
  const ends = Array.from(
    { length: connections },
    () =>
      new Promise<number>((done) => {
        const socket = connect({ host: served.address, port: served.port });
        let begun = false;
        socket.on('data', () => {
          if (!begun && ++started === connections) resolve();
          begun = true;
        });
        socket.on('error', () => {});
        socket.on('close', () => done(performance.now() - cut));
        socket.write(get('/'));
      }),
  );
  await Promise.race([allStarted, sleep(10_000)]);
  assert.equal(started, connections, 'answers that have begun');
  ip('-n', NAME, 'link', 'set', 'far', 'down');
  cut = performance.now();
  const milliseconds = percentiles(await Promise.all(ends));
  await sleep(500);
  const after = served.sockets;
  report(5, 'the network goes away', { connections, idleTimeoutMs: IDLE, closedAfterMs: milliseconds, before, after });
  assert.ok(milliseconds.max <= IDLE + (FULL ? 1000 : 5000), JSON.stringify(milliseconds));
  assert.ok(after <= before + 2, `sockets: ${before} → ${after}`);
});
