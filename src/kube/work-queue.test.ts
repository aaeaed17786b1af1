import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { ManualClock } from './fixture/manual-clock.ts';
import { DONE, type Outcome, WorkQueue } from './work-queue.ts';

/** A queue whose work ends when the test says so. */
function held(options: Partial<ConstructorParameters<typeof WorkQueue>[0]> = {}) {
  const clock = new ManualClock();
  const started: string[] = [];
  const running = new Map<string, PromiseWithResolvers<Outcome>>();
  const failures: string[] = [];
  const queue = new WorkQueue({
    clock,
    process: (key) => {
      assert.ok(!running.has(key), `${key} is with two at once`);
      started.push(key);
      const work = Promise.withResolvers<Outcome>();
      running.set(key, work);
      return work.promise;
    },
    onFailure: (key, { kind, why }, count) => failures.push(`${key} ${kind} ${why} ${count}`),
    ...options,
  });
  /** Lets a key's work end, and the queue take note of it. */
  const end = async (key: string, outcome: Outcome | Error = DONE) => {
    const work = running.get(key);
    assert.ok(work !== undefined, `${key} does not run`);
    running.delete(key);
    if (outcome instanceof Error) work.reject(outcome);
    else work.resolve(outcome);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, clock, started, running, failures, end };
}

test('one key at a time, in the order in which they came, each once however often it was added', async () => {
  const { queue, started, end } = held();
  for (const key of ['a', 'b', 'c', 'b']) queue.add(key);
  assert.deepEqual(started, ['a']);
  await end('a');
  await end('b');
  await end('c');
  assert.deepEqual(started, ['a', 'b', 'c']);
  await queue.whenIdle();
  assert.deepEqual(queue.stats, { depth: 0, added: 4, done: 3, retried: 0, terminal: 0 });
});

test('added while it is processed: it comes again afterwards, once', async () => {
  const { queue, started, end } = held();
  queue.add('a');
  queue.add('a');
  queue.add('a');
  await end('a');
  assert.deepEqual(started, ['a', 'a']);
  await end('a');
  assert.deepEqual(started, ['a', 'a']);
});

test('several keys at once, where that is asked for, but never one key twice', async () => {
  const { queue, started, end } = held({ concurrency: 2 });
  for (const key of ['a', 'b', 'c', 'a']) queue.add(key);
  assert.deepEqual(started, ['a', 'b']);
  await end('b');
  assert.deepEqual(started, ['a', 'b', 'c']);
  await end('a');
  assert.deepEqual(started, ['a', 'b', 'c', 'a']);
});

test('failures: the delay doubles from 5 ms to the cap, and starts anew after a success', async () => {
  const { queue, clock, failures, end } = held({ backoff: { first: 5, most: 40 } });
  queue.add('a');
  for (const delay of [5, 10, 20, 40, 40]) {
    await end('a', { kind: 'Retry', why: 'no' });
    assert.equal(clock.next, delay);
    clock.advance(delay);
  }
  await end('a', new Error('threw'));
  clock.advance(40);
  await end('a');
  assert.equal(clock.next, null);
  assert.equal(failures.length, 6);
  assert.equal(failures[5], 'a Retry threw 6');
  queue.add('a');
  await end('a', { kind: 'Retry', why: 'no' });
  assert.equal(clock.next, 5);
});

test('a key that waits for its next try goes at once when it is added, and its timer is gone', async () => {
  const { queue, clock, started, end } = held({ backoff: { first: 1000, most: 1000 } });
  queue.add('a');
  await end('a', { kind: 'Retry', why: 'no' });
  assert.equal(clock.next, 1000);
  queue.add('a');
  assert.deepEqual(started, ['a', 'a']);
  assert.equal(clock.next, null);
  await end('a');
});

test('Again comes back at its time, Terminal only when it is added', async () => {
  const { queue, clock, started, failures, end } = held();
  queue.add('a');
  await end('a', { kind: 'Again', after: 500 });
  clock.advance(499);
  assert.deepEqual(started, ['a']);
  clock.advance(1);
  assert.deepEqual(started, ['a', 'a']);
  await end('a', { kind: 'Terminal', why: 'never' });
  assert.equal(clock.next, null);
  assert.deepEqual(failures, ['a Terminal never 1']);
  queue.add('a');
  assert.equal(started.length, 3);
});

test('the pace: a burst goes at once, the rest as time passes', async () => {
  const { queue, clock, started, end } = held({ concurrency: 10, pace: { perSecond: 10, burst: 2 } });
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  assert.deepEqual(started, ['a', 'b']);
  clock.advance(100);
  assert.deepEqual(started, ['a', 'b', 'c']);
  clock.advance(100);
  assert.deepEqual(started, ['a', 'b', 'c', 'd']);
  await Promise.all(['a', 'b', 'c', 'd'].map((key) => end(key)));
});

test('what is removed does not come again, whether it waits, is retried, or runs', async () => {
  const { queue, clock, started, end } = held();
  queue.add('a');
  queue.add('b');
  queue.remove('b');
  queue.remove('a');
  await end('a', { kind: 'Retry', why: 'no' });
  assert.deepEqual(started, ['a']);
  assert.equal(clock.next, null);
});

test('close: what runs may end, nothing starts any more', async () => {
  const { queue, started, clock, end } = held();
  queue.add('a');
  queue.add('b');
  const closed = queue.close();
  await end('a', { kind: 'Retry', why: 'no' });
  await closed;
  queue.add('c');
  assert.deepEqual(started, ['a']);
  assert.equal(clock.next, null);
});

test('property: whatever happens, every add is followed by a look at the world that began after it', async () => {
  const step = fc.oneof(
    fc.record({ add: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ end: fc.constantFrom<Outcome['kind']>('Done', 'Retry', 'Again', 'Terminal') }),
    fc.record({ advance: fc.integer({ min: 0, max: 30 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 40 }), async (concurrency, steps) => {
      const { queue, clock, running, end } = held({ concurrency });
      const unseen = new Set<string>();
      const begin = new Set<string>();
      const look = () => {
        for (const key of running.keys()) if (!begin.has(key)) unseen.delete(key);
        begin.clear();
        for (const key of running.keys()) begin.add(key);
      };
      for (const each of steps) {
        if ('add' in each) {
          unseen.add(each.add);
          queue.add(each.add);
        } else if ('advance' in each) clock.advance(each.advance);
        else {
          const [key] = running.keys();
          if (key === undefined) continue;
          begin.delete(key);
          const outcome = {
            Done: DONE,
            Retry: { kind: 'Retry', why: '' },
            Again: { kind: 'Again', after: 7 },
          } as const;
          await end(key, each.end === 'Terminal' ? { kind: 'Terminal', why: '' } : outcome[each.end]);
        }
        look();
      }
      while (running.size > 0) {
        const [key = ''] = running.keys();
        begin.delete(key);
        await end(key);
        look();
      }
      assert.deepEqual([...unseen], []);
    }),
    { numRuns: 200 },
  );
});

test('how long keys wait and are worked on is told, also of what is not done yet', async () => {
  const { queue, clock, end } = held();
  const lines = (which: 'waited' | 'worked') =>
    queue.measures.times[which]
      .samples({})
      .filter(({ suffix }) => suffix === '_sum' || suffix === '_count')
      .map(({ value }) => value);
  queue.add('a');
  queue.add('b');
  clock.advance(200);
  queue.add('b');
  queue.add('a');
  clock.advance(300);
  assert.deepEqual(queue.measures.times.unfinished, [0.5]);
  assert.deepEqual(
    [lines('waited'), lines('worked')],
    [
      [0, 1],
      [0, 0],
    ],
  );
  await end('a');
  // b has waited since it was added first, a since it was added while it ran.
  assert.deepEqual(
    [lines('waited'), lines('worked')],
    [
      [0.5, 2],
      [0.5, 1],
    ],
  );
  clock.advance(100);
  await end('b');
  assert.deepEqual(
    [lines('waited'), lines('worked')],
    [
      [0.9, 3],
      [0.6, 2],
    ],
  );
  queue.add('c');
  queue.remove('c');
  await end('a');
  assert.deepEqual([lines('waited')[1], queue.measures.times.unfinished], [3, []]);
});
