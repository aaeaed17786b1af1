/** A watch in trouble: what is known stays, and is put right when the trouble is over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { refuse, type Seen, type SmallApi } from './fixture/small-api.ts';
import { isList, isWatch, names, open, PATH } from './fixture/watched.ts';

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
