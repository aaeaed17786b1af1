import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { capsOf, type Rows } from '../model/matrix-rows.ts';
import type { AppProfile } from '../model/profiles.ts';
import { capThatDiffers, plannedCaps } from './caps.ts';
import { appProfile, figure, matrixOf, specOf, World } from './fixture.ts';
import { type Planned, problemOf } from './problem-of.ts';
import type { ServerFacts } from './servers.ts';
import { NEEDED } from './trust.ts';

const COMPUTED = specOf({ placement: { caps: 'Computed' } }).placement!;

function planned(
  weights: Readonly<Record<string, Readonly<Record<string, number>>>>,
  apps: readonly AppProfile[],
  servers: Readonly<Record<string, Omit<ServerFacts, 'quiesced'>>>,
  usedByOthers = new Map<string, Readonly<Record<string, number>>>(),
): { readonly planned: Planned; readonly rows: Rows } {
  const spec = matrixOf(weights, { placement: { caps: 'Computed' } });
  const posed = problemOf({
    spec,
    rows: spec.rows,
    servers: new Map(Object.entries(servers).map(([name, facts]) => [name, { ...facts, quiesced: false }])),
    profile: { matrix: 'd/m', apps },
    isOut: () => false,
    usedByOthers,
  });
  assert.ok(posed.ok, posed.ok ? '' : posed.lacks.join('; '));
  return { planned: posed.planned, rows: spec.rows };
}

const texts = (caps: ReturnType<typeof plannedCaps>): string[] =>
  [...caps].flatMap(([app, cells]) => [...cells].map(([server, cap]) => `${app} ${server} ${cap}`)).toSorted();

const plannedTexts = (...args: Parameters<typeof planned>): string[] => {
  const given = planned(...args);
  return texts(plannedCaps(given.planned, given.rows));
};

/** A cell alone. */
const oneCell = (cap?: number): Rows => [
  { server: 'web1', weights: [{ app: 'shop', weight: 1, ...(cap === undefined ? {} : { cap }) }] },
];

const host = { capacity: { cpu: 4 }, requests: 40 };

/** Seconds of a request alone, of an app whose throughput was learned with a knee. */
const alone = (knee: number): number | undefined => {
  const learned = {
    inflight: 1,
    limit: figure(9),
    peaked: true,
    seen: { lowest: 1, highest: 9 },
    known: { lowest: 1, highest: 9 },
    knee,
  };
  const concurrency = { ...learned, coefficients: [0.01, 0.002, 0.0001] as const };
  const shop = { ...appProfile('shop', 100, { cpu: 0.01 }), concurrency };
  return planned({ shop: { web1: 1 } }, [shop], { web1: host }).planned.alone.get('shop');
};

describe('caps that are planned', () => {
  it('divide what each server takes at once by the work that is planned there, rounded up', () => {
    const apps = [appProfile('shop', 100, { cpu: 0.01 }), appProfile('blog', 30, { cpu: 0.02 })];
    assert.deepEqual(
      plannedTexts({ shop: { web1: 75, web2: 25 }, blog: { web1: 1 } }, apps, { web1: host, web2: host }),
      [
        // web1: 0.75 core-seconds a second beside 0.6
        'blog web1 18',
        'shop web1 23',
        'shop web2 40',
      ],
    );
  });

  it('count a resource in the time that it takes, a core or the whole of the others', () => {
    const apps = [appProfile('shop', 10, { cpu: 0.01 }), appProfile('blog', 10, { cpu: 0.01, io: 2e6 })];
    const facts = { capacity: { cpu: 4, io: 100e6 }, requests: 40 };
    assert.deepEqual(plannedTexts({ shop: { web1: 1 }, blog: { web1: 1 } }, apps, { web1: facts }), [
      'blog web1 30',
      'shop web1 10',
    ]);
  });

  it('leave room for what waits for something else than its server, where that is learned', () => {
    const shop = appProfile('shop', 100, { cpu: 0.001 });
    const waiting: AppProfile = {
      ...shop,
      concurrency: {
        inflight: 20,
        limit: figure(60),
        peaked: false,
        knee: 0,
        coefficients: [0.199, 0.001, 0],
        seen: { lowest: 1, highest: 40 },
        known: { lowest: 1, highest: 40 },
      },
    };
    const blog = appProfile('blog', 100, { cpu: 0.02 });
    const weights = { shop: { web1: 1 }, blog: { web1: 1 } };
    assert.deepEqual(plannedTexts(weights, [shop, blog], { web1: host }), ['blog web1 39', 'shop web1 2']);
    assert.deepEqual(plannedTexts(weights, [waiting, blog], { web1: host }), ['blog web1 4', 'shop web1 37']);
  });

  it('leave to the apps of other matrices what these use', () => {
    const apps = [appProfile('shop', 100, { cpu: 0.01 })];
    const others = new Map([['web1', { cpu: 3 }]]);
    assert.deepEqual(plannedTexts({ shop: { web1: 1 } }, apps, { web1: host }, others), ['shop web1 10']);
  });

  it('are none for what nothing was ever asked of, and stay as they are for what nothing is asked of any more', () => {
    const apps = [appProfile('shop', 100, { cpu: 0.01 }), appProfile('blog', 0, { cpu: 0.01 })];
    const given = planned({ shop: { web1: 1 }, blog: { web1: 1 } }, apps, { web1: host });
    assert.deepEqual(texts(plannedCaps(given.planned, given.rows)), ['shop web1 40']);
    const [row] = given.rows;
    const before = [{ ...row!, weights: row!.weights.map((cell) => ({ ...cell, cap: 7 })) }];
    assert.deepEqual(texts(plannedCaps(given.planned, before)), ['blog web1 7', 'shop web1 40']);
  });

  it('need to know how many requests a server takes', () => {
    const spec = matrixOf({ shop: { web1: 1 } }, { placement: { caps: 'Computed' } });
    const posed = problemOf({
      spec,
      rows: spec.rows,
      servers: new Map([['web1', { capacity: { cpu: 4 }, requests: null, quiesced: false }]]),
      profile: { matrix: 'd/m', apps: [appProfile('shop', 100, { cpu: 0.01 })] },
      isOut: () => false,
      usedByOthers: new Map(),
    });
    assert.deepEqual(posed.ok ? [] : posed.lacks, [
      'RealServer web1: how many requests it takes at once is not given, and caps are to be computed: give spec.capacity.requests',
    ]);
  });

  it('are at least 1, come to what the server takes and to one more per app at most, and leave room for what is planned', () => {
    const app = fc.record({ rate: fc.integer({ min: 1, max: 500 }), cost: fc.integer({ min: 1, max: 100 }) });
    fc.assert(
      fc.property(
        fc.array(app, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 2000 }),
        (apps, requests) => {
          const profiles = apps.map(({ rate, cost }, at) => appProfile(`app${at}`, rate, { cpu: cost / 1000 }));
          const weights = Object.fromEntries(profiles.map(({ app: name }) => [name, { web1: 1 }]));
          const given = planned(weights, profiles, { web1: { capacity: { cpu: 8 }, requests } });
          const caps = plannedCaps(given.planned, given.rows);
          const need = apps.map(({ rate, cost }) => (rate * cost) / 1000);
          const whole = need.reduce((a, b) => a + b, 0);
          const each = profiles.map(({ app: name }) => caps.get(name)!.get('web1')!);
          assert.ok(each.every((cap) => Number.isInteger(cap) && cap >= 1));
          const sum = each.reduce((a, b) => a + b, 0);
          assert.ok(sum >= requests && sum <= requests + apps.length, `${sum} of ${requests}`);
          if (whole <= requests) for (const [at, cap] of each.entries()) assert.ok(cap >= need[at]! - 1e-9);
        },
      ),
    );
  });

  it('take the time of a request alone from how its throughput was learned', () => {
    assert.deepEqual([alone(0), alone(4)], [0.0121, 0.01]);
  });

  it('differ where one comes or goes, or by more than a quarter; never by 1', () => {
    assert.equal(capThatDiffers(oneCell(), oneCell()), null);
    assert.equal(capThatDiffers(oneCell(2), oneCell(3)), null);
    assert.equal(capThatDiffers(oneCell(40), oneCell(50)), null);
    assert.equal(capThatDiffers(oneCell(40), oneCell(51)), 'shop on web1 gets 51 in place of 40');
    assert.equal(capThatDiffers(oneCell(), oneCell(51)), 'shop on web1 gets 51');
    assert.equal(capThatDiffers(oneCell(40), oneCell()), 'shop on web1 has none any more');
  });
});

const app = (rate: number) => ({ rate, cost: 0.01, seconds: 0.05, failing: 0 });

const capTexts = (of: Rows): string[] => texts(capsOf(of));

const near = (rows: Rows, expected: readonly string[], part = 0): void => {
  const [found, wanted] = [capTexts(rows), expected].map((all) => all.map((text) => text.split(' ')));
  assert.deepEqual(
    found!.map(([name, server]) => [name, server]),
    wanted!.map(([name, server]) => [name, server]),
  );
  for (const [at, [name, server, cap]] of found!.entries()) {
    const want = Number(wanted![at]![2]);
    assert.ok(Math.abs(Number(cap) - want) <= Math.max(1, part * want), `${name} ${server} ${cap}`);
  }
};

describe('a cycle that computes caps', () => {
  const EVEN = { shop: { web1: 50, web2: 50 }, blog: { web1: 50, web2: 50 } };
  const even = (more: object = {}) =>
    new World(
      matrixOf(EVEN, { placement: COMPUTED, ...more }),
      { web1: 4, web2: 4 },
      { shop: app(100), blog: app(300) },
      1,
      40,
    );
  const FIRST = ['blog web1 30', 'blog web2 30', 'shop web1 10', 'shop web2 10'];

  it('puts them in force once it is proven, and leaves weights that are good as they are', () => {
    const world = even();
    const outcomes = world.turns(NEEDED + 1);
    assert.equal(
      outcomes.findIndex(({ did }) => did === 'Moved'),
      NEEDED,
    );
    assert.match(outcomes.at(-1)!.why, /^caps follow what is planned: shop on web1 gets (10|11)$/);
    near(world.rows, FIRST);
    assert.deepEqual(
      world.rows.map(({ weights }) => weights.map(({ weight }) => weight)),
      [
        [50, 50],
        [50, 50],
      ],
    );
  });

  it('shows them in Recommend, where nothing rules but the object', () => {
    const world = even({ mode: 'Recommend' });
    const [last] = world.turns(NEEDED + 2).slice(-1);
    assert.equal(last!.did, 'Held');
    near(last!.recommended!.rows, FIRST);
    assert.equal(world.state.rows, null);
  });

  it('lets caps follow a demand that changed, and not one that is noisy', () => {
    const world = even();
    world.noise = 0.06;
    world.turns(NEEDED + 1);
    const noisy = world.turns(50).filter(({ did }) => did !== 'Held');
    assert.ok(noisy.length <= 5, `${noisy.length} changes in 50 cycles: ${noisy.map(({ why }) => why).join('; ')}`);
    world.apps['shop']!.rate = 300;
    world.turns(20);
    near(world.rows, ['blog web1 20', 'blog web2 20', 'shop web1 20', 'shop web2 20'], 0.25);
  });

  it('leaves a cap that a person gave, and takes its own away when they are not asked for any more', () => {
    const world = even();
    const [first, second] = world.spec.rows;
    const shop = { app: 'shop', weight: 50, cap: 3 };
    world.spec = { ...world.spec, rows: [{ ...first!, weights: [shop, first!.weights[1]!] }, second!] };
    world.turns(NEEDED + 1);
    near(world.rows, ['blog web1 30', 'blog web2 30', 'shop web1 3', 'shop web2 10']);
    assert.equal(capsOf(world.rows).get('shop')!.get('web1'), 3);
    world.spec = { ...world.spec, placement: { ...COMPUTED, caps: 'None' } };
    world.turn();
    assert.deepEqual(capTexts(world.rows), ['shop web1 3']);
  });

  it('takes them back with the change that clients were worse off after', () => {
    const world = even();
    world.turns(NEEDED + 1);
    world.apps['shop']!.failing = 0.05;
    const [, twice] = world.turns(2);
    assert.equal(twice!.did, 'RolledBack');
    assert.equal(world.state.rows, null);
  });
});
