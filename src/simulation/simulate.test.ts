import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { seededRandom } from '../placement/random.ts';
import { createChooser } from '../scheduler/create-chooser.ts';
import type { Arrivals } from './arrivals.ts';
import { drawArrivals } from './arrivals.ts';
import { everywhere, inTurn, setting, world } from './fixture.ts';
import type { Observer } from './observer.ts';
import { type Setting, simulate } from './simulate.ts';

/** Requests of one resource, by hand. */
function requests(of: readonly { readonly at: number; readonly work: number; readonly column?: number }[]): Arrivals {
  return {
    count: of.length,
    resourceCount: 1,
    time: Float64Array.from(of, ({ at }) => at),
    column: Int32Array.from(of, ({ column }) => column ?? 0),
    work: Float64Array.from(of, ({ work }) => work),
  };
}

function byHand(of: ReturnType<typeof world>, arrivals: Arrivals, more: Partial<Setting> = {}): Setting {
  return {
    world: of,
    arrivals,
    dispatching: inTurn(everywhere(of)),
    timeout: 5,
    stops: false,
    warmUp: 0,
    random: seededRandom(1),
    ...more,
  };
}

const close = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a}, expected ${b}`);

describe('clients', () => {
  // Two of 4 s together need 8 s: both clients leave after 5, when 3 s of work are left.
  const both = requests([
    { at: 0, work: 4 },
    { at: 0, work: 4 },
    { at: 5, work: 3 },
  ]);

  it('leave after their timeout, and the server goes on with what they left', () => {
    const outcome = simulate(byHand(world([1], 1), both));
    assert.deepEqual([outcome.replied, outcome.timedOut], [0, 3]);
    // The third one had a third of the processor until both are done at 11: not ready after 5. Nothing of it was idle.
    close(outcome.given[0]!, 10);
    assert.equal(outcome.seconds, 10);
  });

  it('or it stops, and others are faster', () => {
    const outcome = simulate(byHand(world([1], 1), both, { stops: true }));
    assert.deepEqual([outcome.replied, outcome.timedOut], [1, 2]);
    close(outcome.mean, 3);
  });

  it('that leave while the server has not accepted them are passed over, where it stops', () => {
    const one = world([1], 1, { accepts: Int32Array.of(1) });
    const three = requests([
      { at: 0, work: 4.5 },
      { at: 1, work: 1 },
      { at: 1.5, work: 4.5 },
      { at: 5, work: 1 },
    ]);
    const outcome = simulate(byHand(one, three, { stops: true }));
    // The second one ends at 5.5; the third one's client leaves at 6.5; the fourth one begins then.
    assert.deepEqual([outcome.replied, outcome.timedOut], [3, 1]);
    close(outcome.mean, (4.5 + 4.5 + 2.5) / 3);
  });

  it('of the warm-up are not counted', () => {
    const outcome = simulate(byHand(world([1], 1), both, { warmUp: 1 }));
    assert.deepEqual([outcome.offered, outcome.replied, outcome.timedOut], [1, 0, 1]);
  });

  it('of a column that runs nowhere are refused, queue or not', () => {
    const of = world([1], 2);
    const cells = everywhere(of).filter(({ column }) => column === 0);
    const arrivals = requests([
      { at: 0, work: 1 },
      { at: 0, work: 1, column: 1 },
    ]);
    for (const reserve of [null, [0, 0]]) {
      const outcome = simulate(byHand(of, arrivals, { dispatching: inTurn(cells, { reserve }), timeout: Infinity }));
      assert.deepEqual([outcome.replied, outcome.refused], [1, 1]);
    }
  });
});

describe('costs', () => {
  const two = requests([
    { at: 0, work: 1, column: 0 },
    { at: 0, work: 1, column: 1 },
  ]);

  it('grow with the number of requests on the host', () => {
    // Each has a core; kappa (2 - 1) = 0.5.
    const outcome = simulate(byHand(world([2], 2, { kappa: Float64Array.of(0.5) }), two));
    close(outcome.mean, 1.5);
  });

  it('grow beside a neighbour: as soon as it runs there, or by how much it does', () => {
    const chi = Float64Array.of(0, 0.5, 0, 0);
    const only = requests([{ at: 0, work: 1, column: 0 }]);
    close(simulate(byHand(world([2], 2, { chi }), only)).mean, 1.5);
    close(simulate(byHand(world([2], 2, { chi, pressureAt: 2 }), only)).mean, 1);
    const after = requests([
      { at: 0, work: 1, column: 1 },
      { at: 0.5, work: 1, column: 0 },
    ]);
    // One of two that would be felt in full: a quarter more.
    close(simulate(byHand(world([2], 2, { chi, pressureAt: 2 }), after)).mean, (1 + 1.25) / 2);
  });

  it('are nothing where a request needs nothing', () => {
    const outcome = simulate(byHand(world([1], 1), requests([{ at: 1, work: 0 }])));
    assert.deepEqual([outcome.replied, outcome.mean], [1, 0]);
  });
});

describe('caps', () => {
  it('without a queue refuse what no instance takes', () => {
    const of = world([1, 1], 1);
    const three = requests([
      { at: 0, work: 1 },
      { at: 0, work: 1 },
      { at: 0, work: 1 },
    ]);
    const outcome = simulate(byHand(of, three, { dispatching: inTurn(everywhere(of, 1)) }));
    assert.deepEqual([outcome.replied, outcome.refused], [2, 1]);
  });

  it('with one let wait, in order, and shed those for whom it is too late', () => {
    const of = world([1], 1);
    const four = requests([0, 0.1, 0.2, 0.3].map((at) => ({ at, work: 2 })));
    const reserve = [1.5];
    const outcome = simulate(byHand(of, four, { dispatching: inTurn(everywhere(of, 1), { reserve }) }));
    // They begin at 0 and 2; at 4 the third has 1.2 s left and the fourth 1.3.
    assert.deepEqual([outcome.replied, outcome.shed, outcome.timedOut], [2, 2, 0]);
    close(outcome.mean, (2 + 3.9) / 2);
  });

  it('with one that follows what answers take, shed whoever the last ones leave no time for', () => {
    const of = world([1], 1);
    const four = requests([0, 0.1, 0.2, 0.3].map((at) => ({ at, work: 2 })));
    const dispatching = inTurn(everywhere(of, 1), { reserve: 'followed' });
    const outcome = simulate(byHand(of, four, { dispatching }));
    // The first answer takes 2 s: at 4 the third has 1.2 s left. A timeout of 5 s leaves 4 s of reserve at most.
    assert.deepEqual([outcome.replied, outcome.shed, outcome.timedOut], [2, 2, 0]);
  });

  it('in an overload serve nobody in vain, where what answers take is followed', () => {
    const of = world([1], 1);
    const overload = { seed: 3, seconds: 600, rate: [3], cost: [0.5] };
    const outcomes = ([[1], 'followed'] as const).map((reserve) =>
      simulate(setting(of, overload, { dispatching: inTurn(everywhere(of, 4), { reserve }), timeout: 5 })),
    );
    const [byTime, followed] = outcomes.map(({ replied, offered }) => replied / offered);
    // two thirds can be served
    assert.ok(followed! > 0.6 && followed! < 0.67, `${followed}`);
    assert.ok(byTime! < followed! - 0.1, `${byTime} against ${followed}`);
  });

  it('of a host hold for all its cells; what becomes free goes first to the one below its own cap', () => {
    const of = world([1], 2);
    const arrivals = requests([
      { at: 0, work: 1, column: 0 },
      { at: 0.1, work: 1, column: 0 },
      { at: 0.2, work: 1, column: 0 },
      { at: 0.3, work: 1, column: 1 },
    ]);
    const dispatching = inTurn(everywhere(of, 1), { hostCaps: [2], reserve: [0, 0] });
    const outcome = simulate(byHand(of, arrivals, { dispatching }));
    // Column 0 has both places, above its cap of 1; when one is free, column 1 goes before its third.
    assert.deepEqual(
      outcome.columns.map(({ replied }) => replied),
      [3, 1],
    );
    // The first ends at 1.9, and the last begins; the second ends at 2.1, and the third begins; they end at 3.9 and 4.
    close(outcome.mean, (1.9 + 2 + 3.6 + 3.8) / 4);
  });
});

describe('a cell below its own cap', () => {
  it('takes requests though its host is full, where that is guaranteed', () => {
    const of = world([1], 2);
    const arrivals = requests([
      { at: 0, work: 1, column: 0 },
      { at: 0.1, work: 1, column: 0 },
      { at: 0.2, work: 1, column: 0 },
      { at: 0.3, work: 1, column: 1 },
    ]);
    const dispatching = inTurn(everywhere(of, 1), { hostCaps: [2], guaranteed: true, reserve: [0, 0] });
    const outcome = simulate(byHand(of, arrivals, { dispatching }));
    // Column 0 had both places, as long as nobody else asked. From 0.3 on there are three; the first ends at 2.7, and leaves as many
    // as the host may have; the second ends at 2.9, and the one that waits begins; they end at 3.1 and 4.
    close(outcome.mean, (2.7 + 2.8 + 2.8 + 3.8) / 4);
  });
});

describe('a run', () => {
  const options = { seed: 7, seconds: 60, resourceCount: 1, sizes: 'exponential' } as const;
  const chaos = fc.record({
    seed: fc.nat(1000),
    balance: fc.constantFrom('RoundRobin', 'LeastConnections', 'PowerOfTwo', 'PeakEwma'),
    cap: fc.constantFrom(1, 3, Infinity),
    hostCap: fc.constantFrom(null, 2, 5),
    queue: fc.boolean(),
    followed: fc.boolean(),
    guaranteed: fc.boolean(),
    stops: fc.boolean(),
    rate: fc.constantFrom(0.5, 4, 9),
    kappa: fc.constantFrom(0, 0.05),
    accepts: fc.constantFrom(1, 4, 1000),
  } as const);

  it('settles every request in one way, and is the same again', () => {
    fc.assert(
      fc.property(chaos, (of) => {
        const where = world([1, 2], 2, {
          kappa: Float64Array.of(of.kappa, of.kappa),
          accepts: new Int32Array(4).fill(of.accepts),
          chi: Float64Array.of(0, 0.3, 0.6, 0),
          pressureAt: 1,
        });
        const run = () =>
          simulate(
            setting(
              where,
              { seed: of.seed, seconds: 60, rate: [of.rate, of.rate], cost: [0.2, 0.3] },
              {
                timeout: 5,
                stops: of.stops,
                dispatching: {
                  cells: everywhere(where, of.cap),
                  chooser: (row, state, senses) => createChooser(row, of.balance, state, senses),
                  hostCaps: of.hostCap === null ? null : [of.hostCap, of.hostCap],
                  guaranteed: of.guaranteed,
                  reserve: of.queue ? (of.followed ? 'followed' : [0.2, 0]) : null,
                },
              },
            ),
          );
        const outcome = run();
        const { offered, replied, timedOut, refused, shed } = outcome;
        assert.equal(offered, replied + timedOut + refused + shed);
        assert.ok(of.queue || shed === 0);
        assert.ok(outcome.utilization.every((part) => part <= 1 + 1e-9));
        assert.deepEqual(run(), outcome);
      }),
      { numRuns: 150, seed: 3 },
    );
  });

  it('has the same requests of a column whatever the other columns are asked for', () => {
    const a = drawArrivals({ ...options, rate: [3, 1], cost: [0.1, 0.1] });
    const b = drawArrivals({ ...options, rate: [3, 40], cost: [0.1, 0.7] });
    assert.deepEqual(ofFirst(a), ofFirst(b));
    assert.ok(ofFirst(a).length > 100);
  });

  it('is refused where the parts do not fit together', () => {
    const of = world([1], 1);
    const arrivals = requests([{ at: 0, work: 1 }]);
    const absent = { ...of, accepts: Int32Array.of(0) };
    assert.throws(() => simulate(byHand(absent, arrivals)), /no instance of workload 0 runs there/);
    assert.throws(() => simulate(byHand({ ...of, kappa: new Float64Array(3) }, arrivals)), /kappa has 3 numbers/);
  });
});

function ofFirst({ count, column, time, work }: Arrivals): unknown[] {
  return Array.from({ length: count }, (_, i) => i)
    .filter((i) => column[i] === 0)
    .map((i) => [time[i], work[i]]);
}

describe('who looks on', () => {
  it('is told of every request, in order, and of all that uses a resource', () => {
    const of = world([1, 1], 2, {
      resourceCount: 2,
      capacity: Float64Array.of(1, 1, 1, 1),
      most: Float64Array.of(1, 1),
    });
    const told = { came: 0, waits: 0, sent: 0, answered: 0, left: 0 };
    const inflight = [0, 0, 0, 0];
    const jobs = new Map<string, number>();
    const used = new Map<string, number>();
    let [last, seconds] = [0, 0];
    const at = (now: number): void => {
      assert.ok(now >= last);
      for (const [resource, count] of jobs) if (count > 0) used.set(resource, (used.get(resource) ?? 0) + now - last);
      last = now;
    };
    const observer: Observer = {
      came(_column, slot, now) {
        at(now);
        told.came++;
        if (slot < 0) told.waits++;
      },
      sent(slot, now) {
        at(now);
        told.sent++;
        inflight[slot]!++;
      },
      answered(slot, took, now) {
        at(now);
        told.answered++;
        seconds += took;
        inflight[slot]!--;
      },
      left(slot, now) {
        at(now);
        told.left++;
        inflight[slot]!--;
      },
      began(host, resource, _workload, now) {
        at(now);
        jobs.set(`${host} ${resource}`, (jobs.get(`${host} ${resource}`) ?? 0) + 1);
      },
      ended(host, resource, _workload, now) {
        at(now);
        jobs.set(`${host} ${resource}`, jobs.get(`${host} ${resource}`)! - 1);
      },
    };
    for (const stops of [false, true]) {
      Object.assign(told, { came: 0, waits: 0, sent: 0, answered: 0, left: 0 });
      jobs.clear();
      used.clear();
      [last, seconds] = [0, 0];
      const dispatching = inTurn(everywhere(of, 2), { reserve: [0.4, 0.4] });
      const asked = setting(
        of,
        { seed: 4, seconds: 200, rate: [3, 3], cost: [0.4, 0.2, 0.2, 0.4] },
        { dispatching, timeout: 2, stops, observer },
      );
      const { offered, replied, mean, timedOut, shed, given } = simulate(asked);
      assert.deepEqual([told.came, told.answered], [offered, replied]);
      assert.equal(told.sent, told.answered + told.left);
      assert.ok(told.left <= timedOut && told.waits >= shed && told.left > 0 && shed > 0);
      assert.ok(Math.abs(seconds / replied - mean) < 1e-9);
      // One unit each: what is given is the time in which anybody works.
      if (!stops) {
        for (const [place, amount] of used) {
          const [host, resource] = place.split(' ').map(Number);
          assert.ok(Math.abs(amount - given[host! * 2 + resource!]!) < 1e-6, `${place}: ${amount}`);
        }
      }
      if (stops) assert.deepEqual([...new Set(jobs.values())], [0]);
      assert.deepEqual(inflight, [0, 0, 0, 0]);
    }
  });
});
