import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import fc from 'fast-check';

import { createLogger } from '../telemetry/log.ts';
import { refuse, type Seen, SmallApi } from './fixture/small-api.ts';
import { ResourceWatch, type ResourceWatchOptions } from './resource-watch.ts';
import { type KubeObject, type Resource, withoutBallast } from './resource.ts';

const THINGS: Resource = { group: '', version: 'v1', plural: 'things', kind: 'Thing' };
const PATH = '/api/v1/namespaces/n/things';
/** As the product's, a hundred times as fast. */
const QUICK = {
  least: 20_000,
  most: 20_000,
  grace: 20_000,
  backoff: { first: 1, most: 4, jitter: 0 },
  betweenLists: 1,
  slowly: 5,
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: Partial<ResourceWatchOptions<KubeObject>> = {}) {
  const small = await SmallApi.start();
  closers.push(() => small.stop());
  return { small, ...watchOf(small, options) };
}

function watchOf(small: SmallApi, options: Partial<ResourceWatchOptions<KubeObject>> = {}) {
  const told: string[] = [];
  const lines: string[] = [];
  let wake = nobody;
  const watch = new ResourceWatch<KubeObject>({
    api: small.api,
    resource: THINGS,
    namespace: 'n',
    keep: withoutBallast,
    log: createLogger({ level: 'info', to: { write: (line: string) => void lines.push(line) } }),
    ...options,
    timing: { ...QUICK, ...options.timing },
    onKeys: (keys, received) => {
      told.push(...keys);
      wake();
      options.onKeys?.(keys, received);
    },
    onProgress: () => wake(),
  });
  closers.push(() => watch.close());
  /** Resolves when something holds, which is looked at whenever the watch says anything. */
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { watch, told, lines, until };
}

const nobody = (): void => undefined;
const isWatch = (seen: Seen) => seen.watch;
const isList = (seen: Seen) => !seen.watch;
const names = (view: ReadonlyMap<string, unknown>) => [...view.keys()].toSorted();

test('what is there and what comes: keys are told, the view changes only with them', async () => {
  const { small, watch, told, until } = await open();
  small.put(`${PATH}/a`, { spec: 1 });
  assert.equal(watch.synced, false);
  await watch.start().whenSynced;
  assert.deepEqual(told, ['n/a']);
  assert.equal(watch.get('n/a')?.['spec'], 1);
  assert.equal(watch.get('n/a')?.kind, 'Thing');
  const before = watch.view;
  assert.equal(watch.view, before);
  small.put(`${PATH}/b`);
  await until(() => watch.view.size === 2);
  assert.notEqual(watch.view, before);
  small.put(`${PATH}/a`, { spec: 2 });
  await until(() => watch.get('n/a')?.['spec'] === 2);
  small.remove(`${PATH}/a`);
  await until(() => watch.get('n/a') === undefined);
  assert.deepEqual(told, ['n/a', 'n/b', 'n/a', 'n/a']);
  assert.equal(watch.version, small.version);
});

test('managed fields and what kubectl remembers are not kept', () => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', other: 'x' };
  const object = { metadata: { name: 'a', managedFields: [{}], annotations } };
  assert.deepEqual(withoutBallast(object), { metadata: { name: 'a', annotations: { other: 'x' } } });
  assert.deepEqual(withoutBallast({ metadata: { name: 'a' } }), { metadata: { name: 'a' } });
});

test('a change that says nothing new is not told', async () => {
  const { small, watch, told, until } = await open({
    keep: ({ metadata, spec }) => ({ metadata, spec }),
    same: (a, b) => a['spec'] === b['spec'],
  });
  small.put(`${PATH}/a`, { spec: 1 });
  await watch.start().whenSynced;
  small.put(`${PATH}/a`, { spec: 1, status: 'other' });
  await until(() => watch.version === small.version);
  assert.deepEqual(told, ['n/a']);
});

test('a list in pages', async () => {
  const { small, watch } = await open();
  for (let i = 0; i < 1203; i++) small.put(`${PATH}/t${i}`);
  const pages: (string | null)[] = [];
  small.intercept = ({ query, watch: is }) => {
    if (!is) pages.push(query.get('limit'));
    return false;
  };
  await watch.start().whenSynced;
  assert.equal(watch.view.size, 1203);
  assert.deepEqual(pages, ['500', '500', '500']);
});

test('a page that fails: nothing of the list is taken, and it is tried again', async () => {
  const { small, watch } = await open();
  for (let i = 0; i < 600; i++) small.put(`${PATH}/t${i}`);
  let failed = 0;
  small.intercept = ({ query }, response) => {
    if (query.get('continue') === null || failed === 2) return false;
    failed++;
    refuse(response, 500, 'InternalError');
    assert.equal(watch.view.size, 0);
    return true;
  };
  await watch.start().whenSynced;
  assert.equal(watch.view.size, 600);
  assert.equal(watch.restarts.get('error'), 2);
});

test('bookmarks move the place from which the next watch begins', async () => {
  const { small, watch, until } = await open();
  await watch.start().whenSynced;
  await small.seen(isWatch);
  small.put('/api/v1/namespaces/n/others/x');
  small.bookmark();
  await until(() => watch.version === small.version);
  const renewed = small.seen(isWatch);
  small.say(`${JSON.stringify({ type: 'ERROR', object: { code: 500, reason: 'InternalError', message: 'x' } })}\n`);
  assert.equal((await renewed).query.get('resourceVersion'), small.version);
});

test('a watch asks for bookmarks, names its object, and says when it ends', async () => {
  const { small, watch } = await open({ name: 'a', timing: { least: 40_000, most: 52_000 } });
  small.put(`${PATH}/a`);
  small.put(`${PATH}/b`);
  const asked = small.seen(isWatch);
  await watch.start().whenSynced;
  assert.deepEqual(names(watch.view), ['n/a']);
  const { query } = await asked;
  assert.equal(query.get('allowWatchBookmarks'), 'true');
  assert.equal(query.get('fieldSelector'), 'metadata.name=a');
  const seconds = Number(query.get('timeoutSeconds'));
  assert.ok(seconds >= 40 && seconds <= 52, String(seconds));
});

for (const [name, fail] of [
  ['410 as a status', null],
  ['410 as an event', { code: 410, reason: 'Expired', message: 'too old' }],
] as const) {
  test(`${name}: listed anew, and the difference is told`, async () => {
    const { small, watch, told, until } = await open();
    for (const each of ['a', 'b', 'c', 'd']) small.put(`${PATH}/${each}`);
    const watched = small.seen(isWatch);
    await watch.start().whenSynced;
    await watched;
    told.length = 0;
    const listed = small.seen(isList);
    small.intercept = (seen, response) => {
      if (!seen.watch) return false;
      // while the watch was away …
      small.put(`${PATH}/a`, { spec: 1 });
      small.remove(`${PATH}/b`);
      small.put(`${PATH}/e`);
      small.compact();
      small.intercept = () => false;
      if (fail === null) return false;
      response.write(`${JSON.stringify({ type: 'ERROR', object: fail })}\n`);
      return true;
    };
    small.reset();
    await listed;
    await until(() => watch.get('n/e') !== undefined);
    assert.deepEqual(told.toSorted(), ['n/a', 'n/b', 'n/e']);
    assert.deepEqual(names(watch.view), ['n/a', 'n/c', 'n/d', 'n/e']);
    assert.equal(watch.restarts.get('gone'), 1);
  });
}

test('errors never make smaller what is known: 500, 429, 403, resets, what is no JSON, an end at once', async () => {
  const { small, watch, until } = await open();
  small.put(`${PATH}/a`);
  await watch.start().whenSynced;
  const bad: ((seen: Seen, response: Parameters<SmallApi['intercept']>[1]) => void)[] = [
    (_, response) => refuse(response, 500, 'InternalError'),
    (_, response) => refuse(response, 429, 'TooManyRequests'),
    (_, response) => refuse(response, 403, 'Forbidden'),
    (_, response) => refuse(response, 404, 'NotFound'),
    (_, response) => void response.destroy(),
    (_, response) => void response.end('<html>\n'),
    (_, response) => void response.end('{"type":"ADDED"}\n'),
    (_, response) => void response.end(`${JSON.stringify({ type: 'ERROR', object: { code: 500 } })}\n`),
    (_, response) => void response.end(),
  ];
  for (const each of bad) {
    const again = new Promise<void>((resolve) => {
      let times = 0;
      small.intercept = (seen, response) => {
        if (times++ === 3) {
          small.intercept = () => false;
          resolve();
          return false;
        }
        each(seen, response);
        return true;
      };
    });
    small.reset();
    await again;
    assert.deepEqual(names(watch.view), ['n/a']);
  }
  small.put(`${PATH}/b`);
  await until(() => watch.view.size === 2);
  assert.equal(watch.trouble, null);
});

test('an API server that was away for long, and says on its return that nothing is allowed yet, is asked again soon', async () => {
  // A pause for want of rights would be longer than this test may take.
  const { small, watch, until } = await open({ timing: { slowly: 3_600_000 } });
  small.put(`${PATH}/a`);
  let asked = 0;
  small.intercept = (_, response) => {
    asked++;
    if (asked > 43) return false;
    if (asked <= 40) response.destroy();
    else refuse(response, asked === 42 ? 404 : 403, asked === 42 ? 'NotFound' : 'Forbidden');
    return true;
  };
  await watch.start().whenSynced;
  assert.deepEqual([watch.get('n/a')?.metadata.name, watch.trouble], ['a', null]);
  assert.equal(watch.restarts.get('broken'), 40);
  await until(() => watch.restarts.get('refused') === 2);
});

test('a list that lacks more than half of what is known is believed when a second one says the same', async () => {
  const { small, watch, lines, until } = await open();
  for (const each of ['a', 'b', 'c', 'd', 'e']) small.put(`${PATH}/${each}`);
  await watch.start().whenSynced;
  let lists = 0;
  const lie = (seen: Seen, response: Parameters<SmallApi['intercept']>[1]) => {
    if (seen.watch) return false;
    if (lists++ > 0) return false;
    response.end(JSON.stringify({ metadata: { resourceVersion: small.version }, items: [] }));
    return true;
  };
  const relist = () => {
    small.put(`${PATH}/f`);
    small.compact();
    small.reset();
  };
  small.intercept = lie;
  relist();
  await until(() => watch.view.size === 6);
  assert.equal(lists, 2);
  assert.match(lines.join(''), /lacks more than half/);
  // … and where it is so, it is believed
  lists = 0;
  small.intercept = (seen, response) => {
    lists += seen.watch ? 0 : 1;
    if (!seen.watch || lists > 0) return false;
    for (const each of ['a', 'b', 'c', 'd']) small.remove(`${PATH}/${each}`);
    small.compact();
    refuse(response, 410, 'Expired');
    return true;
  };
  small.reset();
  await until(() => watch.view.size === 2);
  assert.deepEqual(names(watch.view), ['n/e', 'n/f']);
  assert.equal(lists, 2);
});

test('values that hold nothing are suspected like those that are gone', async () => {
  const { small, watch, until } = await open({ isEmpty: (object) => object['endpoints'] === 0 });
  for (const each of ['a', 'b']) small.put(`${PATH}/${each}`, { endpoints: 1 });
  await watch.start().whenSynced;
  let lists = 0;
  small.intercept = (seen, response) => {
    if (seen.watch || lists++ > 0) return false;
    const items = small.objects(PATH).map((object) => ({ ...object, endpoints: 0 }));
    response.end(JSON.stringify({ metadata: { resourceVersion: small.version }, items }));
    return true;
  };
  small.put(`${PATH}/c`, { endpoints: 1 });
  small.compact();
  small.reset();
  await until(() => watch.view.size === 3);
  assert.ok(lists >= 2);
  assert.deepEqual(
    [...watch.view.values()].map((object) => object['endpoints']),
    [1, 1, 1],
  );
});

test('a stalled watch is given up and begun anew', async () => {
  const { small, watch, until } = await open({ timing: { least: 20, most: 20, grace: 20 } });
  await watch.start().whenSynced;
  let stalls = 0;
  const over = new Promise<void>((resolve) => {
    small.intercept = (seen, response) => {
      if (!seen.watch) return false;
      if (++stalls > 3) {
        small.intercept = () => false;
        resolve();
        return false;
      }
      response.writeHead(200);
      response.flushHeaders();
      return true;
    };
  });
  small.reset();
  await over;
  small.put(`${PATH}/a`);
  await until(() => watch.view.size === 1);
  assert.ok((watch.restarts.get('stalled') ?? 0) >= 3);
});

test('a kind that is not installed: no objects, looked for again, found; and gone again', async () => {
  const { small, watch, until } = await open({ optional: true });
  let installed = false;
  small.intercept = (_, response) => {
    if (!installed) refuse(response, 404, 'NotFound');
    return !installed;
  };
  await watch.start().whenSynced;
  assert.equal(watch.view.size, 0);
  assert.equal(watch.trouble, null);
  small.put(`${PATH}/a`);
  installed = true;
  await until(() => watch.view.size === 1);
  installed = false;
  small.reset();
  await until(() => watch.view.size === 0);
});

test('a handler that throws is logged and harms nothing', async () => {
  const { small, watch, lines, until } = await open({
    onKeys: () => {
      throw new Error('boom');
    },
  });
  small.put(`${PATH}/a`);
  await watch.start().whenSynced;
  small.put(`${PATH}/b`);
  await until(() => watch.view.size === 2);
  assert.match(lines.join(''), /boom/);
});

test('close ends the watch, wherever it is', async () => {
  const { small, watch } = await open();
  await watch.start().whenSynced;
  await small.seen(isWatch);
  await watch.close();
  small.intercept = () => true;
  const { watch: listing } = watchOf(small);
  listing.start();
  await small.seen(isList);
  await listing.close();
});

test('property: whatever is written and whatever fails, in the end both sides hold the same', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ put: name }),
    fc.record({ put: name }),
    fc.record({ remove: name }),
    fc.record({ fault: fc.constantFrom('compact', 'reset', 'bookmark', 'error', 'gone', 'refuse') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const { small, watch, until } = await open();
      await watch.start().whenSynced;
      let failures = 0;
      small.intercept = (_, response) => {
        if (failures <= 0) return false;
        failures--;
        refuse(response, 500, 'InternalError');
        return true;
      };
      let spec = 0;
      for (const each of steps) {
        if ('put' in each) small.put(`${PATH}/${each.put}`, { spec: spec++ });
        else if ('remove' in each) small.remove(`${PATH}/${each.remove}`);
        else if (each.fault === 'compact') small.compact();
        else if (each.fault === 'reset') small.reset();
        else if (each.fault === 'bookmark') small.bookmark();
        else if (each.fault === 'refuse') failures = 3;
        else small.say(`${JSON.stringify({ type: 'ERROR', object: { code: each.fault === 'gone' ? 410 : 500 } })}\n`);
        if (spec % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const last = small.put(`${PATH}/last`);
      const state = () => JSON.stringify(names(watch.view).map((key) => [key, watch.versionOf(key)]));
      const wanted = JSON.stringify(
        small
          .objects(PATH)
          .map(({ metadata }) => [`n/${metadata.name}`, metadata.resourceVersion])
          .toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
      );
      await until(() => watch.versionOf('n/last') === last.metadata.resourceVersion && state() === wanted);
      for (const close of closers.splice(0).toReversed()) await close();
    }),
    { numRuns: 60 },
  );
});
