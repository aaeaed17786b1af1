import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listeningLog, quiet, Reviewer, until } from '../fixture/servers.ts';
import { Refused } from './requests.ts';
import { TokenGate } from './tokens.ts';

const status = (expected: number) => (error: unknown) => error instanceof Refused && error.status === expected;

function gateAt(start: number, log = quiet) {
  const reviewer = new Reviewer();
  const clock = { now: start };
  return { reviewer, clock, gate: new TokenGate({ reviewer, log, now: () => clock.now }) };
}

test('an answer is remembered until the token expires, a refusal for ten seconds', async () => {
  const { reviewer, clock, gate } = gateAt(1000);
  reviewer.expires = 60_000;
  const ask = (token: string) => gate.admit(`Bearer ${token}`, '10.0.0.1');
  assert.deepEqual(await ask('token-1'), { podUid: 'uid-1', podName: 'pod-1' });
  clock.now = 59_999;
  await ask('token-1');
  assert.equal(reviewer.reviews, 1);
  clock.now = 60_000;
  reviewer.expires = 120_000;
  await ask('token-1');
  assert.equal(reviewer.reviews, 2);
  await assert.rejects(ask('thief'), status(401));
  await assert.rejects(ask('thief'), status(401));
  assert.equal(reviewer.reviews, 3);
  clock.now += 10_000;
  await assert.rejects(ask('thief'), status(401));
  assert.equal(reviewer.reviews, 4);
  assert.deepEqual(gate.reviews, { accepted: 2, refused: 2, failed: 0 });
});

test('a failure is not remembered', async () => {
  const { reviewer, gate } = gateAt(0);
  reviewer.down = true;
  await assert.rejects(gate.admit('Bearer token-1', '10.0.0.1'), status(503));
  reviewer.down = false;
  assert.equal((await gate.admit('Bearer token-1', '10.0.0.1')).podUid, 'uid-1');
});

test('one address that makes up tokens is held back, others are not', async () => {
  const { reviewer, gate } = gateAt(0);
  const tokens = Array.from({ length: 400 }, (_, i) => `Bearer made-up-${i}`);
  let busy = 0;
  for (const token of tokens) {
    await assert.rejects(gate.admit(token, '10.0.0.66'), (error) => {
      if (status(503)(error)) busy++;
      else assert.ok(status(401)(error));
      return true;
    });
  }
  assert.equal(busy + reviewer.reviews, 400);
  assert.ok(reviewer.reviews < 200, 'fifty, and ten a second');
  assert.equal((await gate.admit('Bearer token-1', '10.0.0.1')).podUid, 'uid-1');
});

test('of reviews that do not end only so many run at once', async () => {
  const { reviewer, gate } = gateAt(0);
  const opened = Promise.withResolvers<void>();
  reviewer.gate = opened.promise;
  const running = Array.from({ length: 16 }, (_, i) => gate.admit(`Bearer token-${i}`, `10.0.1.${i}`));
  await until(() => reviewer.reviews === 16);
  await assert.rejects(gate.admit('Bearer token-99', '10.0.2.1'), status(503));
  // One that is being reviewed already needs no other review.
  const same = gate.admit('Bearer token-3', '10.0.2.1');
  opened.resolve();
  assert.equal((await same).podUid, 'uid-3');
  assert.equal((await Promise.all(running)).length, 16);
  assert.equal((await gate.admit('Bearer token-99', '10.0.2.1')).podUid, 'uid-99');
});

test('the log has the address and the reason, never the token', async () => {
  const log = listeningLog();
  const { gate } = gateAt(0, log);
  await assert.rejects(gate.admit('Bearer stolen-secret', '10.0.0.66'), status(401));
  assert.equal(log.lines.length, 1);
  assert.match(JSON.stringify(log.lines), /10\.0\.0\.66.*serviceaccount:other:thief/);
  assert.doesNotMatch(JSON.stringify(log.lines), /stolen-secret/);
});
