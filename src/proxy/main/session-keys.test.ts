import assert from 'node:assert/strict';
import { test } from 'node:test';

import { newTicketKey } from '../../tls/ticket-keys.ts';
import { SessionKeys } from './session-keys.ts';

test('without keys from outside there are own ones, rotated with overlap', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const told: (readonly string[])[] = [];
  const keys = new SessionKeys([], (all) => told.push(all), 1000);
  const [first] = keys.keys;
  assert.equal(keys.keys.length, 1);
  for (let i = 0; i < 4; i++) t.mock.timers.tick(1000);
  assert.equal(told.length, 4);
  assert.deepEqual(keys.keys, told[3]);
  assert.equal(told[1]!.length, 3);
  assert.equal(told[1]![2], first);
  assert.deepEqual(told[2]!.slice(1), told[1]!.slice(0, 2), 'the oldest is forgotten');
  keys.close();
  t.mock.timers.tick(5000);
  assert.equal(told.length, 4);
});

test('keys from outside are taken as they are, and end our own rotation', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const told: (readonly string[])[] = [];
  const keys = new SessionKeys([], (all) => told.push(all), 1000);
  const given = [newTicketKey(), newTicketKey()];
  keys.set(given);
  keys.set([...given]);
  keys.set([]);
  t.mock.timers.tick(5000);
  assert.deepEqual(told, [given], 'told once');
  assert.deepEqual(new SessionKeys(given, () => assert.fail()).keys, given);
});

test('what is no key is refused, and not quoted', () => {
  const wrong = 'g'.repeat(96);
  assert.throws(
    () => new SessionKeys([newTicketKey(), wrong], () => undefined),
    (error: Error) => error instanceof RangeError && !error.message.includes('ggg') && /key 2 of 2/.test(error.message),
  );
  const keys = new SessionKeys([newTicketKey()], () => assert.fail());
  assert.throws(() => keys.set(['']), RangeError);
});
