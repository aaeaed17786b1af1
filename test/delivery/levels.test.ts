/** How many requests are in flight at once, and how fast they are answered then, is known of several proxies together alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { appWeightMatrixSpec } from '../../src/api/app-weight-matrix.ts';
import { ClusterProfiles } from '../../src/controller/cluster-profiles.ts';
import { named, snapshotOf } from '../../src/delivery/fixture/pieces.ts';
import { startController } from '../../src/delivery/fixture/servers.ts';
import { ProfileBook } from '../../src/learning/profile-book.ts';
import { throughputAt } from '../../src/learning/throughput-curve.ts';
import { levelOf, noLevels } from '../../src/model/levels.ts';
import type { MatrixPiece } from '../../src/model/snapshot.ts';
import { seededRandom } from '../../src/placement/random.ts';
import { ask, freePort, origin, realServer, rule, virtualServer } from '../../src/proxy/worker/fixture.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { startProxy } from './stage.ts';

/** Requests that it answers at once, and milliseconds that each takes. */
const PROCESSORS = 4;
const EACH = 20;
const RATE = 150;
/** Of load, at most: of every five, one is looked at. */
const SECONDS = 90;

const COLUMN: MatrixPiece = {
  kind: 'Matrix',
  key: 'test/m',
  hash: '',
  columns: [{ app: 'shop', service: null, cells: [{ server: 'test/web', weight: 1 }] }],
};

/** Answers so many at once; the others wait. `each`: milliseconds that one has taken, which on a busy machine are more than asked for. */
function processors() {
  const waiting: (() => void)[] = [];
  let [busy, answered, spent] = [0, 0, 0];
  return {
    each: () => spent / answered,
    work: async (end: () => void) => {
      if (busy === PROCESSORS) await new Promise<void>((resolve) => waiting.push(resolve));
      else busy++;
      const since = performance.now();
      await sleep(EACH);
      end();
      spent += performance.now() - since;
      answered++;
      const next = waiting.shift();
      if (next === undefined) busy--;
      else next();
    },
  };
}

/** Answers per second with n asked for at once, as those see it who ask. */
function asking() {
  const { seconds, answers } = noLevels();
  let [inFlight, since] = [0, performance.now()];
  const changeBy = (change: number) => {
    const now = performance.now();
    if (inFlight > 0) seconds[levelOf(inFlight)]! += (now - since) / 1000;
    since = now;
    inFlight += change;
  };
  return {
    ask: async (port: number) => {
      changeBy(1);
      await ask(port, '/');
      answers[levelOf(inFlight)]!++;
      changeBy(-1);
    },
    throughputAt: (n: number) => answers[levelOf(n)]! / seconds[levelOf(n)]!,
  };
}

test('two proxies, one server: throughput by concurrency is that of the server', { timeout: 150_000 }, async (t) => {
  const machine = processors();
  const web = await origin('web', (_, response) => void machine.work(() => response.end('done')));
  t.after(() => web.close());
  const shop = rule('shop', [], {}, { destinations: { kind: 'App', matrix: 'test/m', app: 'shop' } });
  const pieces = [realServer('web', web.port), COLUMN];
  // On one machine two proxies cannot listen on the same port: each has a snapshot of its own.
  const [ports, controllers] = [
    [await freePort(), await freePort()],
    [await startController(t), await startController(t)],
  ];
  for (const [at, controller] of controllers.entries()) {
    const snapshot = snapshotOf([...pieces, virtualServer(ports[at]!, { rules: [shop] })].map(named));
    controller.server.publish(snapshot, { services: '1' }, { cookies: [], tickets: [] });
    const proxy = await startProxy(t, controller, { token: `token-${at + 1}` });
    await proxy.ready();
  }

  const spec = appWeightMatrixSpec.parse({
    apps: [{ name: 'shop' }],
    rows: [{ server: 'web', weights: [{ app: 'shop', weight: 1 }] }],
  });
  const profiles = new ClusterProfiles({
    replicas: () => new Map(controllers.flatMap(({ server }) => [...server.replicas()])),
    matrices: () => new Map([['test/m', { spec }]]) as never,
    book: new ProfileBook({ usesAreLate: true }),
    podMetrics: null,
    log: createLogger({ level: 'silent' }),
    onPriors: () => undefined,
  });
  profiles.start();
  t.after(() => profiles.close());
  const known = () => profiles.profiles().matrices[0]!.apps[0]!.concurrency;
  const [random, clients] = [seededRandom(7), asking()];
  const asked: Promise<unknown>[] = [];
  let due = performance.now();
  // Until those at which the server is as busy as it can be have been seen often enough.
  while ((known()?.seen.highest ?? 0) < PROCESSORS && asked.length < RATE * SECONDS) {
    due += (-Math.log(1 - random()) / RATE) * 1000;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    asked.push(clients.ask(ports[Math.floor(random() * 2)]!));
  }
  await Promise.all(asked);
  const learned = known()!;
  assert.ok(learned !== null && learned.seen.highest >= PROCESSORS, `not enough is known: ${JSON.stringify(learned)}`);
  // On its way a request is in flight at a client before it is at a proxy, and at a proxy before it is at the server.
  for (let n = learned.seen.lowest; n <= PROCESSORS; n++) {
    const [seen, x, most] = [clients.throughputAt(n), throughputAt(learned, n), n / (machine.each() / 1000)];
    assert.ok(x > 0.8 * seen && x < 1.2 * most, `X(${n}) is ${x}, not ${seen} to ${most}: ${JSON.stringify(learned)}`);
  }
});
