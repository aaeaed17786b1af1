import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import { matrixOf, specOf, World } from './fixture.ts';
import type { Measured } from './measured.ts';
import { NEEDED } from './trust.ts';

const app = (rate: number, cost = 0.01) => ({ rate, cost, seconds: 0.05, failing: 0 });

/** A server of 1 core that gets nine of ten requests beside one of 3 cores. */
const skewed = (seed = 1) =>
  new World(matrixOf({ shop: { web1: 90, web2: 10 } }), { web1: 1, web2: 3 }, { shop: app(100) }, seed);

function shares(rows: Rows): Map<string, number> {
  return new Map(
    [...columnsOf(rows)].flatMap(([name, cells]) => {
      const sum = [...cells.values()].reduce((a, b) => a + b);
      return [...cells].map(([server, weight]): [string, number] => [`${name} ${server}`, weight / sum]);
    }),
  );
}

function furthest(a: Rows, b: Rows): number {
  const before = shares(a);
  return Math.max(...[...shares(b)].map(([cell, share]) => Math.abs(share - (before.get(cell) ?? 0))));
}

/** Cycles until Auto may act, and the one in which it does. */
function moved(world: World): Rows {
  const before = world.rows;
  for (let turn = 0; turn < NEEDED + 2; turn++) if (world.turn().did === 'Moved') return before;
  throw new Error('nothing moved');
}

describe('a cycle', () => {
  it('recommends and leaves the weights alone in Recommend', () => {
    const world = skewed();
    world.spec = { ...world.spec, mode: 'Recommend' };
    for (const outcome of world.turns(2 * NEEDED)) {
      assert.equal(outcome.did, 'Held');
      assert.equal(world.state.rows, null);
      const share = shares(outcome.recommended!.rows).get('shop web2')!;
      assert.ok(Math.abs(share - 0.75) < 0.01, String(share));
      assert.match(
        outcome.why,
        /the fullest host, web[12], is used to 2\d %; with those in force web1 is, to [89]\d %/,
      );
    }
    assert.equal(world.state.trust.good, NEEDED);
  });

  it('acts in Auto after ten cycles that came as predicted, by steps of 20 points, and stops when it is there', () => {
    const world = skewed();
    const outcomes = world.turns(40);
    // The first cycle has nothing to compare with.
    assert.equal(
      outcomes.findIndex(({ did }) => did === 'Moved'),
      NEEDED,
    );
    assert.match(outcomes[5]!.why, /the weights stay until it is proven: 5 of 10 cycles in a row/);
    assert.ok(outcomes.slice(20).every(({ did }) => did === 'Held'));
    assert.ok(shares(world.rows).get('shop web2')! > 0.68);
  });

  it('needs a proof: with a demand that is not what is said, it never acts', () => {
    const world = skewed();
    world.apps['shop']!.rate = 20;
    const said = world.profile().apps.map((each) => ({ ...each, demand: { ...each.demand, value: 100 } }));
    world.profile = () => ({ matrix: 'd/m', apps: said });
    for (const { did, why } of world.turns(20)) {
      assert.equal(did, 'Held');
      assert.match(why, /0 of 10|web1 had \d+ requests\/s where 90 were predicted/);
    }
  });

  it('takes a change back that makes answers slower in two windows, and holds for half an hour', () => {
    const world = skewed();
    const before = moved(world);
    world.apps['shop']!.seconds = 0.09;
    const [once, twice, ...after] = world.turns(40);
    assert.match(
      once!.why,
      /stay for a window, since after the last change app shop: its answers take [89][\d.]+ ms, before [45][\d.]+ ms/,
    );
    assert.equal(twice!.did, 'RolledBack');
    assert.match(twice!.why, /as they were before the last change/);
    assert.equal(
      after.findIndex(({ did }) => did === 'Moved'),
      29,
    );
    assert.deepEqual(
      shares(before),
      new Map([
        ['shop web1', 0.9],
        ['shop web2', 0.1],
      ]),
    );
  });

  it('takes a change back for failures, too, as far as the weights before the first of its steps', () => {
    const world = skewed();
    moved(world);
    assert.equal(world.turn().did, 'Moved');
    world.apps['shop']!.failing = 0.05;
    assert.deepEqual(
      world.turns(2).map(({ did }) => did),
      ['Held', 'RolledBack'],
    );
    assert.equal(world.state.rows, null);
  });

  it('takes a change back that makes the slowest answers slower, though hardly the mean', () => {
    const world = skewed();
    world.noise = 0;
    moved(world);
    // Two of a hundred take ten times as long, while the mean stays as it was.
    world.distort = (measured) => ({
      ...measured,
      cells: measured.cells.map((cell) => ({ ...cell, seconds: cell.answered * 0.05 })),
    });
    world.apps['shop']!.slow = 2;
    const [once, twice] = world.turns(2);
    assert.deepEqual([once!.did, twice!.did], ['Held', 'RolledBack']);
    assert.match(
      twice!.why,
      /app shop: one of a hundred of its answers takes more than 4\d\d ms, before [56][\d.]+ ms/,
    );
  });

  it('blames no change for answers that take longer while more is asked for', () => {
    const world = skewed();
    moved(world);
    Object.assign(world.apps['shop']!, { seconds: 0.09, rate: 140 });
    assert.ok(world.turns(10).every(({ did }) => did !== 'RolledBack'));
  });

  it('freezes when it is paused', () => {
    const world = skewed();
    moved(world);
    const { rows } = world;
    world.spec = { ...world.spec, placement: specOf({ placement: { paused: true } }).placement! };
    world.apps['shop']!.failing = 0.5;
    for (const outcome of world.turns(5)) assert.match(outcome.why, /^placement.paused is set/);
    assert.deepEqual(world.rows, rows);
  });

  it('goes back to spec.rows when it may only recommend', () => {
    const world = skewed();
    moved(world);
    world.spec = { ...world.spec, mode: 'Recommend' };
    world.turn();
    assert.equal(world.state.rows, null);
  });

  it('drops the weights of a column that the object changes, and keeps the others', () => {
    const weights = { shop: { web1: 90, web2: 10 }, blog: { web1: 50, web2: 50 } };
    const world = new World(matrixOf(weights), { web1: 1, web2: 3 }, { shop: app(70), blog: app(50) });
    moved(world);
    const blog = shares(world.rows).get('blog web1');
    assert.notEqual(blog, 0.5);
    world.spec = matrixOf({ ...weights, shop: { web1: 90, web2: 0 } }, { placement: { paused: true } });
    world.turn();
    assert.deepEqual(
      shares(world.rows),
      new Map([
        ['shop web1', 1],
        ['shop web2', 0],
        ['blog web1', blog],
        ['blog web2', 1 - blog!],
      ]),
    );
  });
});

describe('in doubt', () => {
  const cases: Record<string, [(measured: Measured) => Measured | null, RegExp]> = {
    'nothing was counted': [() => null, /nothing was counted over a whole interval/],
    'counts are old': [(m) => ({ ...m, age: 121 }), /the counts are 121 s old/],
    'proxies are silent': [(m) => ({ ...m, proxies: { heard: 8, all: 9 } }), /8 of 9 proxies/],
    'there is no proxy': [(m) => ({ ...m, proxies: { heard: 0, all: 0 } }), /no proxy serves/],
    'a count is no number': [
      (m) => ({ ...m, cells: [{ ...m.cells[0]!, seconds: Number.NaN }] }),
      /app shop on web1 is said to have NaN seconds/,
    ],
    'a count is negative': [
      (m) => ({ ...m, cells: [{ ...m.cells[0]!, arrivals: -1 }] }),
      /app shop on web1 is said to have -1 arrivals/,
    ],
  };
  for (const [name, [distort, why]] of Object.entries(cases)) {
    it(`holds still: ${name}`, () => {
      const world = skewed();
      world.turns(NEEDED);
      world.distort = distort;
      for (const outcome of world.turns(3)) {
        assert.equal(outcome.did, 'Held');
        assert.match(outcome.why, why);
      }
      world.distort = (measured) => measured;
      // The first one has nothing to compare with, and makes no tenth.
      assert.equal(
        world.turns(3).findIndex(({ did }) => did === 'Moved'),
        1,
      );
    });
  }

  it('does not believe a demand a hundred times as large the first time', () => {
    const world = skewed();
    world.noise = 0;
    world.turns(NEEDED);
    world.apps['shop']!.rate = 30_000;
    const [first, second] = world.turns(2);
    assert.match(first!.why, /app shop: its demand went from 100 to 19\d+ in one cycle/);
    assert.equal(first!.did, 'Held');
    assert.notEqual(second!.recommended, null);
  });

  it('says what is missing by its name', () => {
    const world = skewed();
    world.profile = () => ({ matrix: 'd/m', apps: [] });
    assert.match(world.turn().why, /^nothing is asked of any app/);
  });
});

describe('over many cycles', () => {
  const world = fc.record({
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
    noise: fc.double({ min: 0, max: 0.06, noNaN: true }),
    /** In flight at a server; null: no caps are computed. */
    requests: fc.option(fc.integer({ min: 1, max: 200 })),
    cores: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 4 }),
    apps: fc.array(
      fc.record({
        rate: fc.integer({ min: 5, max: 60 }),
        weights: fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 4, maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  });
  type Drawn = typeof world extends fc.Arbitrary<infer T> ? T : never;
  const build = ({ seed, noise, requests, cores, apps }: Drawn): World => {
    const servers = Object.fromEntries(cores.map((each, at) => [`web${at + 1}`, each]));
    const weights = Object.fromEntries(
      apps.map((each, at) => [
        `app${at}`,
        Object.fromEntries(Object.keys(servers).map((server, cell) => [server, each.weights[cell]!])),
      ]),
    );
    const built = new World(
      matrixOf(weights, requests === null ? {} : { placement: { caps: 'Computed' } }),
      servers,
      Object.fromEntries(apps.map(({ rate }, at) => [`app${at}`, app(rate)])),
      seed,
      requests,
    );
    built.noise = noise;
    return built;
  };

  it('a constant noisy demand changes nothing more than once in ten cycles', () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const built = build(drawn);
        // The way to where it is good is not noise.
        built.turns(30);
        const changes = built.turns(50).flatMap(({ did }, at) => (did === 'Held' ? [] : [at]));
        for (const [at, change] of changes.entries()) {
          assert.ok(at === 0 || change - changes[at - 1]! >= 10, `changed in cycles ${changes.join(', ')}`);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('a doubled demand moves the weights within few cycles, no share by more than 20 points in one', () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const built = build(drawn);
        built.turns(30);
        const before = built.answer();
        built.apps['app0']!.rate *= 2;
        let rows = built.rows;
        for (let turn = 0; turn < 8; turn++) {
          built.turn();
          assert.ok(furthest(rows, built.rows) <= 0.2 + 1e-9, String(furthest(rows, built.rows)));
          ({ rows } = built);
        }
        assert.equal(before.kind, 'Solved');
        const { recommended } = built.turn();
        const gain = recommended!.present.utilization - recommended!.expected.utilization;
        assert.ok(gain < 0.05 + 0.03, `after eight cycles the fullest host could still be ${gain} lower`);
      }),
      { numRuns: 25 },
    );
  });

  it('every weight is one that the object may have, and live cells stay warm', () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const built = build(drawn);
        for (const { recommended } of built.turns(14)) {
          for (const { weights } of [...built.rows, ...(recommended?.rows ?? [])]) {
            for (const { weight, cap = 1 } of weights) {
              assert.ok(Number.isInteger(weight) && weight >= 1 && weight <= 65_535);
              assert.ok(Number.isInteger(cap) && cap >= 1 && cap <= (drawn.requests ?? 1));
            }
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
