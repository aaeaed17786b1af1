import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';

import { emptySync } from '../fixture/caller.ts';
import { server, snapshotOf } from '../fixture/pieces.ts';
import { keysId } from '../keys.ts';
import { HOLD } from '../wire.ts';
import { HeldSyncs } from './held.ts';
import { Offers } from './offers.ts';
import { Refused } from './requests.ts';

const keys = { cookies: [], tickets: [] };
const snapshot = snapshotOf([server('d/a', 1)]);
const response = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));
const request = { ...emptySync, have: snapshot.id, keys: keysId(keys) };

test('a sync is held at most 25 s, and not all of them equally long; then it is told that there is nothing, or newer versions', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let draws = 0;
  t.mock.method(Math, 'random', () => (draws++ % 2 === 0 ? 0.1 : 0.9));
  const offers = new Offers();
  offers.publish({ snapshot, versions: { a: '1' }, keys });
  const held = new HeldSyncs(offers, () => undefined);
  const all = Array.from({ length: 20 }, (_, i) => {
    const each = response();
    held.hold(`uid-${i}`, { ...request, versions: { a: i < 10 ? '1' : '0' } }, each);
    return each;
  });
  t.mock.timers.tick(HOLD * 0.8 - 1);
  assert.equal(held.size, 20);
  t.mock.timers.tick(HOLD * 0.1);
  assert.equal(held.size, 10);
  t.mock.timers.tick(HOLD * 0.1 + 1);
  assert.equal(held.size, 0);
  assert.deepEqual(
    all.map(({ statusCode }) => statusCode),
    [...Array.from({ length: 10 }, () => 204), ...Array.from({ length: 10 }, () => 200)],
  );
});

test('of one pod a few are held, and one that is gone makes room', () => {
  const held = new HeldSyncs(new Offers(), () => undefined);
  const all = Array.from({ length: 4 }, response);
  for (const each of all) held.hold('uid', request, each);
  assert.throws(
    () => held.hold('uid', request, response()),
    (error) => error instanceof Refused && error.status === 429,
  );
  held.hold('other', request, response());
  all[0]!.emit('close');
  held.hold('uid', request, response());
  assert.equal(held.size, 5);
  held.close();
  assert.equal(held.size, 0);
});

test('thousands are answered in turns, each of them once', async () => {
  const offers = new Offers();
  const sent: number[] = [];
  const held = new HeldSyncs(offers, (bytes) => sent.push(bytes));
  const all = Array.from({ length: 1000 }, (_, i) => {
    const each = response();
    held.hold(`uid-${i}`, emptySync, each);
    return each;
  });
  offers.publish({ snapshot, versions: {}, keys });
  const woken = held.wake();
  assert.ok(held.size > 0, 'others have their turn');
  // What is published meanwhile is what those get that have not been answered yet.
  const next = snapshotOf([server('d/a', 2)]);
  offers.publish({ snapshot: next, versions: {}, keys });
  await Promise.all([woken, held.wake()]);
  assert.equal(held.size, 0);
  assert.equal(sent.length, 1000);
  assert.ok(all.every(({ statusCode, writableEnded }) => statusCode === 200 && writableEnded));
});
