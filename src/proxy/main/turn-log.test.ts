import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';

import { quiet } from './fixture/support.ts';
import { TurnLog } from './turn-log.ts';

const OUT = { level: 'warn', fields: { port: 80 }, message: 'out' } as const;
const BACK = { level: 'info', fields: { port: 80 }, message: 'back' } as const;

const turnLog = () => {
  const said: [string, object][] = [];
  const write = (fields: object, message: string) => said.push([message, fields]);
  return { said, turns: new TurnLog({ ...quiet, info: write, warn: write }, 1000) };
};

describe('lines about an endpoint that goes out and comes back', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  test('once: both at once, also the next time', () => {
    const { said, turns } = turnLog();
    for (let i = 0; i < 3; i++) {
      turns.say(1, OUT);
      turns.say(1, BACK);
      mock.timers.tick(1000);
    }
    assert.deepEqual(
      said.map(([message]) => message),
      ['out', 'back', 'out', 'back', 'out', 'back'],
    );
  });

  test('again and again: one line in each interval, with the last state and how many were left out', () => {
    const { said, turns } = turnLog();
    turns.say(1, OUT);
    turns.say(1, BACK);
    said.length = 0;
    for (let second = 0; second < 3; second++) {
      for (let i = 0; i < 50; i++) {
        turns.say(1, OUT);
        turns.say(1, BACK);
      }
      assert.deepEqual(said, []);
      mock.timers.tick(1000);
      assert.deepEqual(said.splice(0), [['back', { port: 80, suppressed: 99 }]]);
    }
    turns.say(1, OUT);
    mock.timers.tick(1000);
    assert.deepEqual(said.splice(0), [['out', { port: 80 }]], 'how it ended is never left out');
    mock.timers.tick(5000);
    turns.say(1, BACK);
    assert.deepEqual(said, [['back', { port: 80 }]], 'quiet for an interval: at once again');
  });

  test('each endpoint for itself; what is gone is not spoken of', () => {
    const { said, turns } = turnLog();
    for (let i = 0; i < 5; i++) turns.say(1, OUT);
    turns.say(2, OUT);
    assert.equal(said.splice(0).length, 3);
    turns.forget(1);
    mock.timers.tick(1000);
    assert.deepEqual(said, []);
    turns.say(1, OUT);
    assert.equal(said.length, 1, 'the slot belongs to another endpoint now');
  });
});
