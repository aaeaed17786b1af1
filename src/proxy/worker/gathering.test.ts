import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Gathering } from './gathering.ts';

/** Turns with so many requests each, the last ones with none: how many were waited for. */
function turnsWaited(requests: readonly number[], active: number, bytesEach = 100): number {
  const gathering = new Gathering();
  let sum = 0;
  for (let turn = 0; ; turn++) {
    const more = requests[turn] ?? 0;
    sum += more;
    for (let i = 0; i < more; i++) gathering.add();
    if (!gathering.goesOn(active, sum * bytesEach)) return turn;
  }
}

describe('gathering of requests to one server', () => {
  test('as long as each turn brings more', () => {
    assert.equal(turnsWaited([3, 1, 2], 40), 3);
    assert.equal(turnsWaited([3, 0, 2], 40), 1);
  });

  test('with few streams under way nothing waits', () => assert.equal(turnsWaited([1, 1, 1], 7), 0));

  test('half of all that are under way do not wait for the rest', () => {
    assert.equal(turnsWaited([20, 1], 40), 0);
    assert.equal(turnsWaited([15, 4, 1, 1], 40), 2);
  });

  test('a bounded number of turns, and of bytes', () => {
    assert.equal(turnsWaited(Array<number>(100).fill(1), 1000), 16);
    assert.equal(turnsWaited(Array<number>(100).fill(1), 1000, 1024), 8);
  });

  test('what is no request does not wait', () => assert.equal(turnsWaited([], 40), 0));

  test('begins anew with each write', () => {
    const gathering = new Gathering();
    for (let i = 0; i < 30; i++) gathering.add();
    assert.equal(gathering.goesOn(40, 100), false);
    gathering.ends();
    gathering.add();
    assert.equal(gathering.goesOn(40, 100), true);
    assert.equal(gathering.goesOn(40, 100), false);
  });
});
