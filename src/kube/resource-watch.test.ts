import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { refuse } from './fixture/small-api.ts';
import { closeAll, isList, isWatch, names, open, PATH, watchOf } from './fixture/watched.ts';
import { withoutBallast } from './resource.ts';

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
      await closeAll();
    }),
    { numRuns: 60 },
  );
});
