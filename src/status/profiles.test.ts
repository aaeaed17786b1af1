import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { appWeightMatrixStatus } from '../api/app-weight-matrix.ts';
import type { Figure, MatrixProfile } from '../model/profiles.ts';
import { decimalText, statusProfiles } from './profiles.ts';

const figure = (value: number, source: Figure['source'] = 'learned'): Figure => ({
  value,
  source,
  count: 9,
  error: 1,
  upper: value + 0.8416,
  age: 1,
});

const unknown = { seconds: null, failures: 0, concurrency: null, cost: {}, cells: [] };

test('a status has what is known, as texts that its schema takes', () => {
  const profile: MatrixProfile = {
    matrix: 'd/m',
    apps: [
      { ...unknown, app: 'new', demand: figure(0, 'default') },
      {
        app: 'shop',
        demand: figure(120, 'given'),
        seconds: figure(0.0123456),
        failures: 0,
        concurrency: {
          inflight: 3,
          limit: figure(12.3456),
          peaked: true,
          coefficients: [1, 0, 0.01],
          knee: 0,
          seen: { lowest: 1, highest: 20 },
          known: { lowest: 1, highest: 20 },
        },
        cost: { cpu: figure(0.008, 'given') },
        cells: [],
      },
    ],
  };
  const profiles = statusProfiles(profile);
  assert.deepEqual(profiles, [
    {
      app: 'shop',
      demand: { value: '120', upper: '120.8', source: 'Given' },
      seconds: { value: '0.01235', upper: '0.8539', source: 'Learned' },
      limit: { value: '12.35', upper: '13.19', source: 'Learned', peaked: true },
      cost: [{ resource: 'cpu', value: '0.008', upper: '0.8496', source: 'Given' }],
    },
  ]);
  assert.deepEqual(appWeightMatrixStatus.parse({ profiles }).profiles, profiles);
});

test('any number is a decimal text within four digits of it', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (value) => {
      const text = decimalText(value);
      assert.match(text, /^[0-9]+(\.[0-9]+)?$/);
      assert.ok(text.length <= 20);
      assert.ok(Math.abs(Number(text) - value) <= Math.max(1e-9, value * 6e-4), `${value} as ${text}`);
    }),
  );
});
