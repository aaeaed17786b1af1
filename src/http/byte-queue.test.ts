import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { ByteQueue } from './byte-queue.ts';

const sizes = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 300_000 }));

/** The byte of a queue that is put in as its `at`th. */
const byteAt = (which: number, at: number) => (at * 7 + which * 3 + (at >> 8)) & 255;

test('what is put in comes out in its order, whatever the sizes, and other queues are not touched', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ put: fc.boolean(), which: fc.nat(1), size: sizes }), { maxLength: 40 }),
      (steps) => {
        const queues = [new ByteQueue(), new ByteQueue()];
        const [put, taken] = [
          [0, 0],
          [0, 0],
        ];
        for (const { put: isPut, which, size } of steps) {
          const queue = queues[which]!;
          if (isPut) {
            const from = put[which]!;
            queue.put(
              Uint8Array.from({ length: size + 4 }, (_, i) => byteAt(which, from + i - 2)),
              2,
              size + 2,
            );
            put[which]! += size;
          } else {
            const into = new Uint8Array(size + 1).fill(99);
            const count = queue.take(into, size);
            assert.equal(count, Math.min(size, put[which]! - taken[which]!));
            for (let i = 0; i < count; i++) assert.equal(into[i], byteAt(which, taken[which]! + i));
            assert.equal(into[size], 99);
            taken[which]! += count;
          }
          assert.equal(queue.length, put[which]! - taken[which]!);
        }
        for (const queue of queues) queue.clear();
        assert.equal(queues[0]!.take(new Uint8Array(1), 1), 0);
      },
    ),
    { numRuns: 200 },
  );
});
