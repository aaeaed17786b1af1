import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BRIEFLY, giveBackWhenCalm } from './calm.ts';

const burst = (): object[] => Array.from({ length: 400_000 }, (_, i) => ({ i, text: `${i}` }));

test('what a burst left is given back once the process is at rest', async () => {
  let garbage: object[] | null = burst();
  const { heapTotal } = process.memoryUsage();
  garbage = null;
  // A timer that keeps the process alive, since the one of the look does not.
  const alive = setInterval(() => undefined, 1000);
  await new Promise<void>((resolve) => {
    const end = giveBackWhenCalm({
      interval: 100,
      worth: -Infinity,
      gaveBack: () => {
        end();
        resolve();
      },
    });
  });
  clearInterval(alive);
  assert.equal(garbage, null);
  assert.ok(process.memoryUsage().heapTotal < heapTotal - 10_000_000);
});

test('where somebody might wait, it is done by what takes less time', async () => {
  let times = 0;
  const alive = setInterval(() => undefined, 1000);
  const collect = () => void times++;
  await new Promise<void>((resolve) => {
    const gaveBack = () => resolve(end());
    const end = giveBackWhenCalm({ ...BRIEFLY, interval: 20, worth: -Infinity, collect, gaveBack });
  });
  clearInterval(alive);
  assert.equal(times, 1);
});

test('nothing is done while it works, and nothing for little', async () => {
  let times = 0;
  const gaveBack = () => times++;
  const busy = giveBackWhenCalm({ interval: 20, rest: -1, worth: -Infinity, gaveBack });
  const small = giveBackWhenCalm({ interval: 20, worth: Infinity, gaveBack });
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setTimeout(resolve, 20));
  busy();
  small();
  assert.equal(times, 0);
});
