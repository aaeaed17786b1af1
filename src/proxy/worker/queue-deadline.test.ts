/** When the queue gives somebody up, by a clock of the test's own. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ExpectedTime } from '../../scheduler/expected-time.ts';
import { type Patience, Queue, type Waiter, type Waiting } from './queue.ts';

function stage(t: TestContext, expected: number) {
  const row = { expected: new ExpectedTime() };
  if (expected > 0) row.expected.answered(expected);
  const events: string[] = [];
  let [now, room] = [1000, 0];
  const queue = new Queue(() => now);
  // nobody is left waiting
  t.after(() => (now = Infinity));
  const enter = (name: string, patience: Patience, asked = now) => {
    const waiter: Waiter = {
      inQueue: null as Waiting | null,
      admit() {
        if (room === 0) return false;
        room--;
        events.push(name);
        queue.leave(waiter);
        return true;
      },
      waitedInVain(limit) {
        events.push(`${name} ${limit}`);
        queue.leave(waiter);
      },
    };
    queue.enter(waiter, row, patience, asked, false);
  };
  /** It has looked at the clock. */
  const at = async (time: number, places = 0) => {
    [now, room] = [1000 + time, places];
    await sleep(20);
  };
  return { row, events, enter, at, queue };
}

test('whoever has less time left than an answer takes is given up, not a moment earlier', async (t) => {
  const { events, enter, at } = stage(t, 400);
  enter('a', { timeout: 9000, deadline: 1000 });
  enter('b', { timeout: 9000, deadline: 1000 }, 900);
  enter('c', { timeout: 560 });
  await at(440);
  await at(499);
  assert.deepEqual(events, []);
  await at(550);
  assert.deepEqual(events, ['b queue_deadline'], 'its time began when it asked');
  await at(601);
  assert.deepEqual(new Set(events), new Set(['b queue_deadline', 'a queue_deadline', 'c queue_time']));
});

test('a fifth of the time may be waited however long answers take, and all of it where that is not known', async (t) => {
  const slow = stage(t, 50_000);
  slow.enter('a', { timeout: 9000, deadline: 1000 });
  await slow.at(199);
  assert.deepEqual(slow.events, []);
  await slow.at(260);
  assert.deepEqual(slow.events, ['a queue_deadline']);
  const unknown = stage(t, 0);
  unknown.enter('a', { timeout: 9000, deadline: 1000 });
  await unknown.at(999);
  assert.deepEqual(unknown.events, []);
  await unknown.at(1060);
  assert.deepEqual(unknown.events, ['a queue_deadline']);
});

test('a place goes to the first one that can still be answered', async (t) => {
  const { row, events, enter, at, queue } = stage(t, 100);
  enter('a', { timeout: 9000, deadline: 1000 });
  await at(300);
  enter('b', { timeout: 9000, deadline: 1000 });
  for (let each = 0; each < 100; each++) row.expected.answered(600);
  await at(450, 1);
  queue.roomMade();
  await at(450);
  assert.deepEqual(events, ['a queue_deadline', 'b']);
  assert.equal(queue.size, 0);
});
