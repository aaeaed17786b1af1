import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { TokenBucket } from './token-bucket.ts';

test('never more than the burst and what has come in since', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      fc.array(fc.tuple(fc.nat(20), fc.nat(2000)), { maxLength: 60 }),
      (burst, rate, takes) => {
        const bucket = new TokenBucket(burst, rate, 0);
        let now = 0;
        let given = 0;
        for (const [amount, after] of takes) {
          now += after;
          if (bucket.take(amount, now)) given += amount;
          assert.ok(given <= burst + (rate * now) / 1000 + 1e-6);
        }
      },
    ),
  );
});

test('what is within the rate is always given', () => {
  const bucket = new TokenBucket(1000, 200, 0);
  for (let i = 0; i < 1000; i++) assert.ok(bucket.take(1, 0));
  assert.ok(!bucket.take(1, 0));
  for (let i = 1; i < 5000; i++) assert.ok(bucket.take(1, i * 5), `${i}`);
});
