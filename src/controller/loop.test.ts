import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ManualClock } from '../kube/fixture/manual-clock.ts';
import { createLogger } from '../telemetry/log.ts';
import { Loop } from './loop.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function open(run: (received: () => number) => Promise<void> = async () => undefined) {
  const clock = new ManualClock();
  const runs: { at: number; received: number }[] = [];
  const lines: string[] = [];
  const loop = new Loop({
    clock,
    log: createLogger({ level: 'error', to: { write: (line: string) => void lines.push(line) } }),
    run: async (received) => {
      await run(() => {
        const since = received();
        runs.push({ at: clock.now(), received: since });
        return since;
      });
    },
  });
  const advance = async (milliseconds: number) => {
    clock.advance(milliseconds);
    await turn();
  };
  return { loop, clock, runs, lines, advance };
}

const take = async (received: () => number) => void received();

test('a lone change goes at once, and so do those of the same moment with it', async () => {
  const { loop, runs, advance } = open(take);
  loop.changed(1);
  loop.changed(2);
  assert.equal(loop.pending, true);
  await advance(0);
  assert.deepEqual(runs, [{ at: 0, received: 1 }]);
  assert.equal(loop.pending, false);
  await advance(1000);
  loop.changed(3);
  await advance(0);
  assert.deepEqual(runs[1], { at: 1000, received: 3 });
});

test('a burst is held off until it pauses, a steady stream not longer than 25 ms', async () => {
  const { loop, clock, runs, advance } = open(take);
  loop.changed(0);
  await advance(0);
  for (let i = 0; i < 3; i++) {
    loop.changed(clock.now());
    await advance(3);
  }
  assert.equal(runs.length, 1);
  await advance(2);
  assert.deepEqual(runs[1], { at: 11, received: 0 });
  for (let i = 0; i < 100; i++) {
    loop.changed(clock.now());
    await advance(1);
  }
  const gaps = runs.slice(1).map(({ at }, i) => at - (runs[i]?.at ?? 0));
  assert.ok(Math.max(...gaps) <= 26, gaps.join());
  assert.ok(runs.length < 10, `${runs.length} runs`);
});

test('one run at a time; what comes while it lasts is one more', async () => {
  const ends: (() => void)[] = [];
  const { loop, runs, advance } = open(async (received) => {
    received();
    await new Promise<void>((resolve) => ends.push(resolve));
  });
  loop.changed(1);
  await advance(0);
  loop.changed(2);
  loop.changed(3);
  await advance(100);
  assert.equal(runs.length, 1);
  ends[0]?.();
  await turn();
  await advance(5);
  assert.deepEqual(runs[1]?.received, 2);
  ends[1]?.();
  await turn();
  assert.equal(loop.pending, false);
});

test('a run that fails is told, and the next change is taken up', async () => {
  let fails = true;
  const { loop, runs, lines, advance } = open(async (received) => {
    if (fails) throw new Error('boom');
    received();
  });
  loop.changed(1);
  await advance(0);
  assert.match(lines.join(''), /boom/);
  assert.equal(loop.pending, false);
  fails = false;
  loop.changed(2);
  await advance(50);
  assert.deepEqual(runs, [{ at: 5, received: 2 }]);
  await loop.close();
  loop.changed(3);
  await advance(50);
  assert.equal(runs.length, 1);
});
