import assert from 'node:assert/strict';
import test from 'node:test';

import type { Condition, ObjectStatus } from '../../model/status.ts';
import { desiredStatus } from './desired-status.ts';

const condition = (type: string, status: Condition['status'], message = '', observedGeneration = 2): Condition => ({
  type,
  status,
  reason: status === 'Unknown' ? 'Pending' : type,
  message,
  observedGeneration,
});

const complete = (conditions: readonly Condition[], details: Record<string, unknown> = {}): ObjectStatus => ({
  kind: 'TcpVirtualServer',
  key: 'shop/http',
  observedGeneration: 2,
  conditions,
  details,
});

const [THEN, NOW] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
const WELL = ['Accepted', 'Programmed', 'Ready'].map((type) => condition(type, 'True'));
/** As the API has it afterwards. */
const written = (status: ObjectStatus, time = THEN) => ({ addresses: [], ...desiredStatus(status, {}, time).status });

test('times move only when a status flips', () => {
  const present = written(complete(WELL));
  const flipped = complete([WELL[0]!, condition('Programmed', 'False'), condition('Ready', 'False')]);
  const { status, worth, flips } = desiredStatus(flipped, present, NOW);
  assert.equal(worth, 'Now');
  assert.deepEqual(
    (status['conditions'] as { type: string; lastTransitionTime: string }[]).map((c) => [c.type, c.lastTransitionTime]),
    [
      ['Accepted', THEN],
      ['Programmed', NOW],
      ['Ready', NOW],
    ],
  );
  assert.deepEqual(
    flips.map(({ object, condition: { type }, from }) => [object, type, from]),
    [
      ['TcpVirtualServer shop/http', 'Programmed', 'True'],
      ['TcpVirtualServer shop/http', 'Ready', 'True'],
    ],
  );
});

test('what is there already is not worth a write, counts are worth a slow one', () => {
  const now = complete(WELL, { replicas: { programmed: 2, total: 2 } });
  const present = written(now);
  assert.equal(desiredStatus(now, present, NOW).worth, 'Nothing');
  const scaled = complete(
    WELL.map((each) => ({ ...each, message: 'All 3 proxies serve it' })),
    { replicas: { programmed: 3, total: 3 } },
  );
  assert.equal(desiredStatus(scaled, present, NOW).worth, 'Slow');
  assert.equal(desiredStatus({ ...now, observedGeneration: 3 }, present, NOW).worth, 'Now');
  assert.equal(desiredStatus(complete(WELL, { ports: '80/HTTP' }), present, NOW).worth, 'Now');
});

const listener = (status: Condition['status']) => ({
  listeners: [{ name: 'web', attachedRules: 1, conditions: [condition('Programmed', status)] }],
});

test('the conditions of listeners and rules have times of their own', () => {
  const present = written(complete(WELL, listener('True')));
  const same = desiredStatus(complete(WELL, listener('True')), present, NOW);
  assert.equal(same.worth, 'Nothing');
  const { status } = desiredStatus(complete(WELL, listener('False')), present, NOW);
  const [web] = status['listeners'] as [{ conditions: { lastTransitionTime: string }[] }];
  assert.equal(web.conditions[0]?.lastTransitionTime, NOW);
});

const types = (...conditions: Condition[]) =>
  (desiredStatus(complete(conditions), {}, NOW).status['conditions'] as Condition[]).map((c) => c.type).join(' ');

test('kstatus: Reconciling while it is not known, Stalled where the object itself is wrong, neither when it is well', () => {
  assert.equal(types(...WELL), 'Accepted Programmed Ready');
  assert.equal(types(condition('Accepted', 'True'), condition('Ready', 'Unknown')), 'Accepted Ready Reconciling');
  assert.equal(types(condition('Accepted', 'False'), condition('Ready', 'False')), 'Accepted Ready Stalled');
  assert.equal(types(condition('Accepted', 'True'), condition('Ready', 'False')), 'Accepted Ready');
});

const rows = (weight: number) => [{ server: 'web1', weights: [{ app: 'shop', weight }], since: THEN }];
const matrix = (weight: number, recommended: number, reason: string) =>
  complete(WELL, { rows: rows(weight), recommendation: { rows: rows(recommended), changes: [], reason } });

test('weights in force and another reason are written at once, what is computed anew all the time is not', () => {
  const present = written(matrix(1, 2, 'web1 is used to 40 %; 3 of 10 cycles'));
  const worth = (status: ObjectStatus) => desiredStatus(status, present, NOW).worth;
  assert.equal(worth(matrix(1, 2, 'web1 is used to 40 %; 3 of 10 cycles')), 'Nothing');
  assert.equal(worth(matrix(1, 3, 'web1 is used to 41.5 %; 4 of 10 cycles')), 'Slow');
  assert.equal(worth(matrix(5, 2, 'web1 is used to 40 %; 3 of 10 cycles')), 'Now');
  assert.equal(worth(matrix(1, 2, 'placement.paused is set')), 'Now');
  assert.equal(worth(complete(WELL, { rows: rows(1) })), 'Now');
});
