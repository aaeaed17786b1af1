import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ReplicaState } from '../../delivery/contract.ts';
import { ApiError } from '../../kube/api-error.ts';
import { ManualClock } from '../../kube/fixture/manual-clock.ts';
import type { KubeObject } from '../../kube/resource.ts';
import type { EndpointCounts } from '../../model/counts.ts';
import type { MatrixProfile } from '../../model/profiles.ts';
import type { Kind, ObjectStatus } from '../../model/status.ts';
import { createLogger } from '../../telemetry/log.ts';
import { StatusKeeper } from './status-keeper.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Moves the time, and lets what is due come to its end before it goes on. */
async function go(clock: ManualClock, milliseconds: number): Promise<void> {
  const end = clock.now() + milliseconds;
  for (let { next } = clock; next !== null && clock.now() + next <= end; { next } = clock) {
    clock.advance(next);
    for (let i = 0; i < 5; i++) await turn();
  }
  clock.advance(end - clock.now());
}

const status = (name: string, generation: number): ObjectStatus => ofKind('TcpVirtualServer', name, generation);

/** With the condition that only the serving side knows pending. */
function ofKind(kind: Kind, name: string, generation: number): ObjectStatus {
  const pending = kind === 'RealServer' ? 'Healthy' : 'Programmed';
  const conditions = ['Accepted', 'ResolvedRefs', pending].map((type) => ({
    type,
    status: type === pending ? ('Unknown' as const) : ('True' as const),
    reason: type === pending ? 'Pending' : type,
    message: '',
    observedGeneration: generation,
  }));
  return { kind, key: `shop/${name}`, observedGeneration: generation, conditions, details: {} };
}

const realServer = (name: string): ObjectStatus => ofKind('RealServer', name, 1);

const endpointOf = (server: string, available: boolean): EndpointCounts => ({
  server,
  address: '10.0.0.1',
  port: 80,
  active: 0,
  available,
  down: available ? [] : ['check'],
});

const replica = (uid: string, snapshot: string | null): ReplicaState => ({
  uid,
  name: uid,
  version: '',
  have: snapshot,
  programmed: snapshot === null ? null : { snapshot, listeners: [] },
  counts: { rows: [], endpoints: [] },
  samples: [],
  behind: 0,
  lastContact: 0,
});

/** Objects as an API server keeps them: a version that rises, writes of an older one refused. */
function open(names: readonly string[]) {
  const clock = new ManualClock();
  const objects = new Map(names.map((name) => [`shop/${name}`, objectOf(name, '1')]));
  const replicas = new Map<string, ReplicaState>();
  const profiles = new Map<string, MatrixProfile>();
  const writes: string[] = [];
  const flips: string[] = [];
  let version = 1;
  let fault: Error | null = null;
  const keeper = new StatusKeeper({
    present: (_kind: Kind, key) => objects.get(key),
    profiles: () => profiles,
    write: async (object, _kind, written) => {
      if (fault !== null) throw fault;
      const key = `shop/${object.metadata.name}`;
      if (object.metadata.resourceVersion !== objects.get(key)?.metadata.resourceVersion) {
        throw new ApiError('another one', 409, 'Conflict');
      }
      writes.push(object.metadata.name);
      const resourceVersion = String(++version);
      objects.set(key, { ...objectOf(object.metadata.name, resourceVersion), status: written });
      return resourceVersion;
    },
    replicas: () => replicas,
    ready: () => new Set(replicas.keys()),
    flipped: (object, _kind, { condition }) =>
      void flips.push(`${object.metadata.name} ${condition.type} ${condition.status}`),
    log: createLogger({ level: 'silent' }),
    clock,
    wallClock: () => clock.now(),
  });
  const conditionOf = (name: string, type: string) => {
    const { conditions = [] } = (objects.get(`shop/${name}`)?.['status'] ?? {}) as {
      conditions?: readonly { type: string; status: string }[];
    };
    return conditions.find((condition) => condition.type === type)?.status;
  };
  return {
    clock,
    objects,
    replicas,
    profiles,
    writes,
    flips,
    keeper,
    conditionOf,
    break: (error: Error | null) => (fault = error),
  };
}

const objectOf = (name: string, resourceVersion: string): KubeObject => ({
  metadata: { namespace: 'shop', name, resourceVersion, generation: 1 },
});

test('nobody but the leader writes, and a new leader writes what is not so already', async () => {
  const { clock, keeper, writes, replicas } = open(['a']);
  replicas.set('p1', replica('p1', '1'));
  keeper.translated({ snapshot: { id: '1', pieces: [] }, statuses: [status('a', 1)] });
  await go(clock, 10_000);
  assert.deepEqual(writes, []);
  keeper.lead(true);
  await go(clock, 1000);
  assert.deepEqual(writes, ['a']);
  keeper.lead(false);
  keeper.lead(true);
  await go(clock, 10_000);
  assert.deepEqual(writes, ['a']);
  await keeper.close();
});

test('an edit of one object is written once it is programmed, and nothing is written of the others', async () => {
  const { clock, keeper, writes, replicas, conditionOf, flips } = open(['a', 'b']);
  replicas.set('p1', replica('p1', '1'));
  const b = status('b', 1);
  keeper.lead(true);
  keeper.translated({ snapshot: { id: '1', pieces: [] }, statuses: [status('a', 1), b] });
  await go(clock, 1000);
  assert.deepEqual([...writes].toSorted(), ['a', 'b']);
  assert.equal(conditionOf('a', 'Ready'), 'True');
  keeper.translated({ snapshot: { id: '2', pieces: [] }, statuses: [status('a', 2), b] });
  // Acknowledged before anybody looks: no write says that it is on its way.
  replicas.set('p1', replica('p1', '2'));
  keeper.touched();
  await go(clock, 1000);
  assert.deepEqual(writes.slice(2), ['a']);
  assert.deepEqual(new Set(flips.filter((flip) => flip.startsWith('a Programmed'))), new Set(['a Programmed True']));
  // A proxy comes, and is not there yet.
  replicas.set('p2', replica('p2', null));
  keeper.touched();
  await go(clock, 1000);
  assert.equal(conditionOf('b', 'Programmed'), 'Unknown');
  await keeper.close();
});

test('who was overtaken looks again, and an API server that does not answer is asked again', async () => {
  const { clock, keeper, writes, objects, replicas, conditionOf, break: fail } = open(['a']);
  replicas.set('p1', replica('p1', '1'));
  keeper.lead(true);
  fail(new ApiError('no answer', 0, 'NoAnswer'));
  keeper.translated({ snapshot: { id: '1', pieces: [] }, statuses: [status('a', 1)] });
  await go(clock, 1000);
  assert.deepEqual(writes, []);
  fail(null);
  // The watch brings another version between reading and writing.
  const stale = objects.get('shop/a')!;
  objects.set('shop/a', { ...stale, metadata: { ...stale.metadata, resourceVersion: '7' } });
  await go(clock, 60_000);
  assert.equal(conditionOf('a', 'Ready'), 'True');
  assert.equal(writes.length, 1);
  assert.ok(keeper.stats.failed >= 1);
  await keeper.close();
});

test('counts alone go along with the next change, or after ten minutes', async () => {
  const { clock, keeper, writes, replicas, objects } = open(['a']);
  replicas.set('p1', replica('p1', '1'));
  keeper.lead(true);
  keeper.translated({ snapshot: { id: '1', pieces: [] }, statuses: [status('a', 1)] });
  await go(clock, 1000);
  replicas.set('p2', replica('p2', '1'));
  keeper.touched();
  await go(clock, 9 * 60_000);
  assert.equal(writes.length, 1);
  await go(clock, 2 * 60_000);
  assert.equal(writes.length, 2);
  const written = objects.get('shop/a')!['status'] as { replicas: unknown };
  assert.deepEqual(written.replicas, { programmed: 2, total: 2 });
  await keeper.close();
});

const learned = (rate: number): MatrixProfile => {
  const demand = { value: rate, source: 'learned', count: 9, error: 0, upper: rate, age: 1 } as const;
  const shop = { app: 'shop', demand, cost: {}, seconds: null, failures: 0, concurrency: null, cells: [] };
  return { matrix: 'shop/m', apps: [shop] };
};

test('what is learned of apps goes along with the next change, or after ten minutes', async () => {
  const { clock, keeper, writes, replicas, objects, profiles } = open(['m']);
  replicas.set('p1', replica('p1', '1'));
  profiles.set('shop/m', learned(5));
  keeper.lead(true);
  keeper.translated({ snapshot: { id: '1', pieces: [] }, statuses: [ofKind('AppWeightMatrix', 'm', 1)] });
  await go(clock, 1000);
  profiles.set('shop/m', learned(7));
  keeper.touched();
  await go(clock, 9 * 60_000);
  assert.equal(writes.length, 1);
  await go(clock, 2 * 60_000);
  assert.equal(writes.length, 2);
  const written = objects.get('shop/m')!['status'] as { profiles: unknown };
  assert.deepEqual(written.profiles, [{ app: 'shop', demand: { value: '7', upper: '7', source: 'Learned' } }]);
  await keeper.close();
});

test('what a proxy reports of health is in the status at once, and of shares within seconds, whatever else happens', async () => {
  const { clock, keeper, replicas, conditionOf } = open(['web']);
  const report = (available: boolean) => {
    const counts = { rows: [], endpoints: [endpointOf('shop/web', available)] };
    replicas.set('p1', { ...replica('p1', '1'), counts });
  };
  report(false);
  keeper.lead(true);
  keeper.translated({ snapshot: { id: '1', pieces: [] }, statuses: [realServer('web')] });
  await go(clock, 1000);
  assert.equal(conditionOf('web', 'Healthy'), 'False');
  report(true);
  keeper.reported('Health');
  await go(clock, 1000);
  assert.equal(conditionOf('web', 'Healthy'), 'True');
  report(false);
  keeper.reported('Counts');
  await go(clock, 5600);
  assert.equal(conditionOf('web', 'Healthy'), 'False');
  await keeper.close();
});

test('counts that come while others wait for their time do not wait with them', async () => {
  const { clock, keeper, replicas, conditionOf } = open(['a', 'web']);
  replicas.set('p1', replica('p1', '1'));
  keeper.lead(true);
  keeper.translated({ snapshot: { id: '1', pieces: [] }, statuses: [status('a', 1), realServer('web')] });
  await go(clock, 1000);
  // A second proxy is a change of numbers alone, which is not worth a write yet.
  const counts = { rows: [], endpoints: [endpointOf('shop/web', false)] };
  replicas.set('p2', { ...replica('p2', '1'), counts });
  keeper.reported('Counts');
  await go(clock, 6000);
  assert.equal(conditionOf('web', 'Healthy'), 'False');
  replicas.set('p2', { ...replica('p2', '1'), counts: { ...counts, endpoints: [endpointOf('shop/web', true)] } });
  keeper.reported('Counts');
  await go(clock, 6000);
  assert.equal(conditionOf('web', 'Healthy'), 'True');
  await keeper.close();
});
