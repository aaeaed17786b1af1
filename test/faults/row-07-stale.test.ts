/** Row 7: servers close idle connections just when they are used again. GETs never fail, POSTs are never doubled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Random } from '../fuzz/random.ts';
import { count, FULL, percentiles, report } from './figures.ts';
import { get, load, LoadServer, OK, post } from './load.ts';
import { startServe } from './serve.ts';

test('7. idle connections that are closed while they are taken', { timeout: FULL ? 1_200_000 : 60_000 }, async (t) => {
  const random = new Random(7);
  const origins = [await LoadServer.start(), await LoadServer.start(), await LoadServer.start()];
  let closed = 0;
  for (const origin of origins) {
    const timers = new WeakMap<object, NodeJS.Timeout>();
    origin.answer = ({ socket }) => {
      clearTimeout(timers.get(socket));
      socket.write(OK);
      // Keep-alive of 50–200 ms, ended as servers do it; at the reduced rate so short that it falls between two requests.
      const end = () => {
        closed++;
        socket.end();
      };
      timers.set(socket, setTimeout(end, FULL ? 50 + 150 * random.next() : 2 + 20 * random.next()));
    };
  }
  const served = await startServe({ servers: origins.map(({ port }) => ({ port })) });
  t.after(async () => {
    await served.stop();
    await Promise.all(origins.map((origin) => origin.close()));
  });
  const requests = count(3000, 1_000_000);
  const where = { address: served.address, port: served.port };
  const gets = load({ ...where, connections: 64, requests, rate: count(500, 2000), make: (i) => get(`/get/${i}`) });
  const posts = load({
    ...where,
    connections: 16,
    requests: requests / 10,
    rate: count(50, 200),
    make: (i) => post(`/post/${i}`),
  });
  const [got, posted] = await Promise.all([gets, posts]);
  const twice = origins.flatMap((origin) =>
    [...origin.seen].filter(([target, times]) => target.startsWith('/post/') && times > 1),
  );
  const postsSeen = new Map<string, number>();
  for (const origin of origins) {
    for (const [target, times] of origin.seen) {
      if (target.startsWith('/post/')) postsSeen.set(target, (postsSeen.get(target) ?? 0) + times);
    }
  }
  const doubled = [...postsSeen].filter(([, times]) => times > 1).length;
  report(7, 'stale idle connections', {
    gets: requests,
    getStatuses: got.statuses,
    getErrors: got.errors.length,
    posts: requests / 10,
    postStatuses: posted.statuses,
    doubled,
    closedByServers: closed,
    milliseconds: percentiles(got.milliseconds),
  });
  assert.deepEqual(got.errors, []);
  assert.equal(got.statuses[200], requests, JSON.stringify(got.statuses));
  assert.deepEqual(twice, []);
  assert.equal(doubled, 0, 'POSTs executed twice');
  assert.ok(closed > 20, 'the servers closed too few to prove anything');
});
