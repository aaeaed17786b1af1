import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { LoadServer } from '../faults/load.ts';
import { startLoad } from './load.ts';

const PLAN = { address: '127.0.0.1', host: 'a.example', paths: ['/a', '/b'], connections: 4, rate: 400, seconds: 30 };

test('counts who served what, and what failed', async () => {
  const server = await LoadServer.start();
  let broken = 0;
  server.answer = ({ target, socket }) => {
    if (target === '/b' && broken++ === 3)
      socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno');
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nweb1');
  };
  const load = startLoad({ ...PLAN, port: server.port }, []);
  while (server.requests < 100) await sleep(10);
  const report = await load.stop();
  await server.close();
  assert.equal(report.failed, 1);
  assert.match(report.failures[0]?.what ?? '', /status 503: no/);
  assert.equal(report.requests, server.requests);
  assert.equal(report.statuses['200'], report.requests - 1);
  assert.equal((report.served['/a']?.['web1'] ?? 0) + (report.served['/b']?.['web1'] ?? 0), report.requests - 1);
});

test('a server that goes away is a failure', async () => {
  const server = await LoadServer.start();
  const load = startLoad({ ...PLAN, port: server.port }, []);
  while (server.requests < 20) await sleep(10);
  await server.close();
  await sleep(100);
  const report = await load.stop();
  assert.ok(report.failed > 0);
  assert.equal(report.requests, report.failed + (report.statuses['200'] ?? 0));
});
