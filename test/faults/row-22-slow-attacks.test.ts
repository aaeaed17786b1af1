/** Row 22: many connections that send heads, send bodies or read answers as slowly as they can. Others are served. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';

import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer, OK } from './load.ts';
import { startServe } from './serve.ts';

const CLIENTS = count(300, 4000);
const SECONDS = count(4, 120);
const HEAD = 'GET / HTTP/1.1\r\nHost: a.example\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\n';

/** What is sent at first, and then every second; a connection that was closed is opened again. */
const ATTACKS: Record<string, { first: string; later: string; reads: boolean }> = {
  'slow heads': { first: HEAD, later: 'X: y\r\n', reads: true },
  'slow bodies': { first: POST, later: 'x', reads: true },
  'slow reading': { first: get('/long'), later: '', reads: false },
  'nothing at all': { first: '', later: '', reads: true },
};

describe('22. slow attacks', { concurrency: false }, () => {
  for (const [name, { first, later, reads }] of Object.entries(ATTACKS)) {
    test(name, { timeout: FULL ? 300_000 : 60_000 }, async (t) => {
      const origin = await LoadServer.start();
      const long = `HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n${'x'.repeat(4_000_000)}`;
      origin.answer = ({ target, socket }) => void socket.write(target === '/long' ? long : OK);
      const limits = FULL ? {} : { headTimeout: '2s', readTimeout: '2s', writeTimeout: '2s', keepAliveTimeout: '2s' };
      const served = await startServe({ servers: [{ port: origin.port }], limits });
      let over = false;
      const sockets = new Set<Socket>();
      const attack = () => {
        const socket = connect({ host: served.address, port: served.port });
        sockets.add(socket);
        if (reads) socket.resume();
        else socket.pause();
        socket.on('error', () => {});
        const timer = setInterval(() => later !== '' && socket.writable && socket.write(later), 1000);
        socket.on('close', () => {
          clearInterval(timer);
          sockets.delete(socket);
          // Attackers come back, at a rate that leaves this process time for its own probes.
          if (!over) setTimeout(() => !over && attack(), 250);
        });
        socket.on('end', () => socket.destroy());
        socket.write(first);
      };
      t.after(async () => {
        over = true;
        for (const socket of sockets) socket.destroy();
        await served.stop();
        await origin.close();
      });
      const pids = served.pids.join();
      for (let index = 0; index < CLIENTS; index++) attack();
      await sleep(500);
      const probes = count(20, 1) * SECONDS;
      const outcome = await load({
        address: served.address,
        port: served.port,
        connections: 2,
        requests: probes,
        rate: probes / SECONDS,
        make: () => `GET / HTTP/1.1\r\nHost: a.example\r\n\r\n`,
      });
      const milliseconds = percentiles(outcome.milliseconds);
      report(22, name, {
        clients: CLIENTS,
        seconds: SECONDS,
        statuses: outcome.statuses,
        errors: outcome.errors.length,
        milliseconds,
      });
      assert.deepEqual(outcome.errors, []);
      assert.equal(outcome.statuses[200], probes, JSON.stringify(outcome.statuses));
      assert.ok(milliseconds.p99 <= (FULL ? 200 : 2000), JSON.stringify(milliseconds));
      assert.equal(served.pids.join(), pids, served.log.slice(-2000));
    });
  }
});
