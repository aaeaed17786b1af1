import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { EventQueue } from './event-queue.ts';
import { Station } from './station.ts';

interface Job {
  readonly at: number;
  readonly work: number;
  /** When it is abandoned; Infinity: never. */
  readonly until: number;
}

/** Processor sharing step by step, every job's rest looked at at every event. */
function slowly(jobs: readonly Job[], capacity: number, most: number, slowdown: number): number[] {
  const left = jobs.map(({ work }) => work);
  const ends = jobs.map(() => Infinity);
  const changes = [...new Set(jobs.flatMap(({ at, until }) => [at, until]))].toSorted((a, b) => a - b);
  let now = 0;
  for (;;) {
    const active = jobs.flatMap(({ at, until }, i) => (at <= now && now < until && left[i]! > 0 ? [i] : []));
    const change = changes.find((time) => time > now) ?? Infinity;
    if (active.length === 0 && change === Infinity) return ends;
    const rate = Math.min(most, capacity / active.length) / slowdown;
    const first = active.length === 0 ? Infinity : now + Math.min(...active.map((i) => left[i]!)) / rate;
    const to = Math.min(first, change);
    if (to === Infinity) return ends;
    for (const i of active) left[i] = Math.max(0, left[i]! - (to - now) * rate);
    for (const i of active) if (to === first && left[i]! < 1e-9) [left[i], ends[i]] = [0, to];
    now = to;
  }
}

function fast(jobs: readonly Job[], capacity: number, most: number, slowdown: number): number[] {
  const ends = jobs.map(() => Infinity);
  const over = new Set<number>();
  const station = new Station(capacity, most);
  const changes = jobs
    .flatMap(({ at, until }, i) => [
      { time: at, i, begins: true },
      { time: until, i, begins: false },
    ])
    .toSorted((a, b) => a.time - b.time);
  const isOver = (i: number): boolean => over.has(i);
  for (;;) {
    const end = station.next(slowdown, isOver);
    const change = changes[0]?.time ?? Infinity;
    if (end === Infinity && change === Infinity) return ends;
    if (end <= change) {
      station.advance(end);
      const i = station.take();
      ends[i] = end;
      over.add(i);
      continue;
    }
    const { i, begins } = changes.shift()!;
    station.advance(change);
    if (begins) station.add(i, jobs[i]!.work);
    else if (!over.has(i)) {
      over.add(i);
      station.abandon();
    }
  }
}

const job = fc
  .record({
    at: fc.double({ min: 0, max: 10, noNaN: true }),
    work: fc.double({ min: 0.01, max: 5, noNaN: true }),
    patience: fc.oneof(fc.constant(Infinity), fc.double({ min: 0.1, max: 10, noNaN: true })),
  })
  .map(({ at, work, patience }): Job => ({ at, work, until: at + patience }));

test('jobs end when plain processor sharing, step by step, says that they do', () => {
  fc.assert(
    fc.property(
      fc.array(job, { minLength: 1, maxLength: 12 }),
      fc.constantFrom(0.5, 1, 2.4),
      fc.constantFrom(1, Infinity),
      fc.constantFrom(1, 1.7),
      (jobs, capacity, most, slowdown) => {
        const expected = slowly(jobs, capacity, most, slowdown);
        for (const [i, end] of fast(jobs, capacity, most, slowdown).entries()) {
          // One that ends when it is given up may be taken for either.
          if (Math.abs(expected[i]! - jobs[i]!.until) < 1e-6 || Math.abs(end - jobs[i]!.until) < 1e-6) return;
          const message = `job ${i}: ${end}, expected ${expected[i]}`;
          if (end === Infinity || expected[i] === Infinity) assert.equal(end, expected[i], message);
          else assert.ok(Math.abs(end - expected[i]!) < 1e-6, message);
        }
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});

test('what is given out is the work that was done', () => {
  const station = new Station(2, 1);
  station.advance(1);
  station.add(0, 3);
  station.add(1, 1);
  station.add(2, 1);
  assert.equal(
    station.next(1, () => false),
    1 + 1.5,
  );
  station.advance(2.5);
  assert.deepEqual(new Set([station.take(), station.take()]), new Set([1, 2]));
  assert.equal(
    station.next(1, () => false),
    4.5,
  );
  station.advance(4.5);
  assert.equal(station.take(), 0);
  assert.ok(Math.abs(station.given - 5) < 1e-12);
  assert.equal(
    station.next(1, () => false),
    Infinity,
  );
});

test('a resource that there is nothing of never ends anything', () => {
  const station = new Station(0, Infinity);
  station.add(0, 0);
  assert.equal(
    station.next(1, () => false),
    Infinity,
  );
});

test('the queue of events always has the earliest source first', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ source: fc.nat(9), time: fc.oneof(fc.constant(Infinity), fc.nat(20)) }), { maxLength: 60 }),
      (moves) => {
        const queue = new EventQueue(10);
        const times = Array.from({ length: 10 }, () => Infinity);
        for (const { source, time } of moves) {
          queue.set(source, time);
          times[source] = time;
          assert.equal(queue.time, Math.min(...times));
          assert.equal(times[queue.source], queue.time);
        }
      },
    ),
  );
});
