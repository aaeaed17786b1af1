import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { CountsDocument, CellWork } from '../model/counts.ts';
import { noLevels } from '../model/levels.ts';
import { withShares } from '../model/shares.ts';
import { seededRandom } from '../placement/random.ts';
import { EXPIRY } from './figure.ts';
import { observe } from './fixture.ts';
import { givenOf } from './given.ts';
import { bookOf, keptBook } from './kept-book.ts';
import { type MatrixGiven, ProfileBook } from './profile-book.ts';
import { type CellWindow, countedRows, windowsIn, windowsOf } from './windows.ts';

const NOW = 1e12;
const MATRIX = 'default/m';

const window = (app: string, server: string, more: Partial<CellWindow> = {}): CellWindow => ({
  matrix: MATRIX,
  app,
  server: `default/${server}`,
  arrivals: 10,
  answered: 10,
  seconds: 1,
  failures: 0,
  timeouts: 0,
  levels: null,
  ...more,
});

const given: MatrixGiven = {
  matrix: MATRIX,
  interval: 60,
  apps: ['shop', 'news'].map((app) => ({
    app,
    servers: ['default/web1', 'default/web2'],
    rate: null,
    cost: {},
  })),
  workloads: ['shop', 'news'].map((workload) => ({
    workload,
    apps: [workload],
    servers: ['default/web1', 'default/web2'],
  })),
};

const learn = (book: ProfileBook, windows: readonly CellWindow[], times = 100, from = NOW) => {
  for (let second = 0; second < times; second++) book.add(windows, 1, from + second * 1000, () => 60);
};

const cell = (server: string, requests: number, work?: CellWork) => ({
  server,
  app: 'shop',
  weight: 1,
  available: true,
  epochRequests: 0,
  requests,
  retries: 0,
  sticky: 2 * requests,
  failures: 1,
  ...(work === undefined ? {} : { work }),
});

const counts = (id: string, ...cells: ReturnType<typeof cell>[]): CountsDocument => ({
  rows: [{ id, epoch: 1, cells: withShares(cells) }],
  endpoints: [],
});

test('a window is what was counted between two looks; a cell that is new, or began anew, began at 0', () => {
  const work = { answered: 8, seconds: 4, timeouts: 1, shed: 2 };
  const before = counts('matrix d/m shop', cell('d/web1', 10, work));
  const more = { answered: 18, seconds: 6, timeouts: 1, shed: 3 };
  const after = counts('matrix d/m shop', cell('d/web2', 4), cell('d/web1', 15, more));
  const [two, one] = windowsOf(before, after);
  assert.deepEqual(one, {
    matrix: 'd/m',
    app: 'shop',
    server: 'd/web1',
    arrivals: 16,
    answered: 10,
    seconds: 2,
    failures: 0,
    timeouts: 0,
    levels: null,
  });
  assert.deepEqual([two?.arrivals, two?.failures], [12, 1]);
  assert.equal([...windowsOf(after, before)][0]?.arrivals, 32, 'all there is');
  assert.deepEqual([...windowsOf(before, counts('rule d/v shop', cell('d/web1', 15)))], [], 'no matrix');
  assert.deepEqual([...windowsOf(before, { ...before })], [], 'nothing new');
  const levels = [{ row: 'matrix d/m shop', server: 'd/web1', levels: noLevels() }];
  assert.deepEqual(
    [...windowsIn(countedRows(before, after), levels)].map(({ server, levels: own }) => [server, own !== null]),
    [
      ['d/web2', false],
      ['d/web1', true],
    ],
  );
});

const timed = (answered: number, times: readonly number[]) =>
  counts('matrix d/m shop', cell('d/web1', answered, { answered, seconds: 1, timeouts: 0, shed: 0, times }));

test('a row that is made anew, or seen for the first time, and idle has no window', () => {
  const row = () => counts('matrix d/m shop', cell('d/web1', 10));
  assert.deepEqual([...windowsOf(row(), row())], []);
  const idle = counts('matrix d/m shop', { ...cell('d/web1', 0), failures: 0 });
  assert.deepEqual([...windowsOf({ rows: [], endpoints: [] }, idle)], []);
  assert.equal([...windowsOf(idle, row())].length, 1);
});

test('answers by how long they took are those between two looks', () => {
  const before = timed(9, [1, 6, 2]);
  assert.deepEqual([...windowsOf(timed(5, [1, 4]), before)][0]?.times, [0, 2, 2]);
  assert.deepEqual([...windowsOf(before, timed(3, [3]))][0]?.times, [3], 'it began anew');
});

const row = (app: string, requests: number) => counts(`matrix d/m ${app}`, cell('d/web1', requests)).rows[0]!;

test('a row is known by its name, wherever it stands by now', () => {
  const [one, two] = [row('one', 10), row('two', 20)];
  const before = { rows: [one, two], endpoints: [] };
  const after = { rows: [row('new', 1), one, row('two', 25)], endpoints: [] };
  assert.deepEqual(
    [...windowsOf(before, after)].map(({ app, arrivals }) => [app, arrivals]),
    [
      ['new', 3],
      ['two', 15],
    ],
  );
});

test('windows of any looks add up to what was counted', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { minLength: 1, maxLength: 20 }), (steps) => {
      let [before, total, seen]: [CountsDocument, number, number] = [{ rows: [], endpoints: [] }, 0, 0];
      for (const step of steps) {
        total += step;
        const after = counts('matrix d/m shop', cell('d/web1', total));
        seen += [...windowsOf(before, after)][0]?.arrivals ?? 0;
        before = after;
      }
      assert.equal(seen, 3 * total);
    }),
  );
});

test('demand is that of all servers of an app, response times are weighted by their requests', () => {
  const book = new ProfileBook();
  learn(book, [window('shop', 'web1'), window('shop', 'web2', { arrivals: 30, answered: 30, seconds: 9 })]);
  const [shop, news] = book.profile(given, NOW + 100_000).apps;
  assert.ok(Math.abs(shop!.demand.value - 40) < 1e-9);
  assert.ok(Math.abs(shop!.seconds!.value - 0.25) < 1e-3);
  assert.deepEqual([shop!.demand.source, shop!.seconds!.source], ['learned', 'learned']);
  assert.deepEqual(
    shop!.cells.map(({ server, seconds }) => [server, Number(seconds!.value.toFixed(6))]),
    [
      ['default/web1', 0.1],
      ['default/web2', 0.3],
    ],
  );
  assert.deepEqual([news!.demand.source, news!.demand.value], ['default', 0]);
  assert.deepEqual([news!.seconds!.source, news!.seconds!.value], ['default', shop!.seconds!.value]);
});

test('what the object says counts, whatever was learned', () => {
  const spec = appWeightMatrixSpec.parse({
    apps: [{ name: 'shop', demand: { rate: '120' }, profile: { cpu: '8m', io: '64Ki' } }],
    rows: [{ server: 'web1', weights: [{ app: 'shop', weight: 1 }] }],
    placement: { interval: '2m' },
  });
  const said = givenOf(MATRIX, spec);
  assert.deepEqual(said, {
    matrix: MATRIX,
    interval: 120,
    workloads: [{ workload: 'shop', apps: ['shop'], servers: ['default/web1'] }],
    apps: [{ app: 'shop', servers: ['default/web1'], rate: 120, cost: { cpu: 0.008, io: 65_536 } }],
  });
  const book = new ProfileBook();
  learn(book, [window('shop', 'web1')]);
  const [shop] = book.profile(said, NOW).apps;
  assert.deepEqual([shop!.demand.value, shop!.demand.source], [120, 'given']);
  assert.deepEqual([shop!.cost['cpu']!.value, shop!.cost['cpu']!.source], [0.008, 'given']);
});

test('a server that nothing is known of is taken to be like the others', () => {
  const book = new ProfileBook();
  const truth = { rate: 200, most: 100, throughput: (n: number) => n / (0.01 + 1e-5 * n * n) };
  learn(book, [window('shop', 'web1', { levels: observe(truth, 2000, seededRandom(1)) })], 20);
  const [web1, web2] = book.profile(given, NOW + 20_000).apps[0]!.cells;
  assert.equal(web1!.concurrency!.limit.source, 'learned');
  assert.equal(web2!.concurrency!.limit.source, 'default');
  assert.equal(web2!.concurrency!.limit.value, web1!.concurrency!.limit.value);
});

test('failures are a part of the tries', () => {
  const book = new ProfileBook();
  learn(book, [window('shop', 'web1', { answered: 10, failures: 2 })]);
  learn(book, [window('news', 'web1', { answered: 0, seconds: 0, failures: 5, timeouts: 5 })]);
  const [shop, news] = book.profile(given, NOW).apps;
  assert.ok(Math.abs(shop!.failures - 0.2) < 1e-9);
  assert.equal(news!.failures, 1);
});

test('a day after it was last seen, nothing is known; what no object names is forgotten', () => {
  const book = new ProfileBook();
  learn(book, [window('shop', 'web1'), window('gone', 'web1')]);
  const later = NOW + EXPIRY + 200_000;
  book.prune([given], NOW + 200_000);
  assert.deepEqual([...book.matrices.get(MATRIX)!.keys()], ['shop', 'gone']);
  const [shop] = book.profile(given, later).apps;
  assert.deepEqual([shop!.demand.source, shop!.seconds], ['default', null]);
  book.prune([given], later);
  assert.deepEqual([...book.matrices.get(MATRIX)!.keys()], ['shop'], 'its object still names it');
  assert.equal(book.matrices.get(MATRIX)!.get('shop')!.cells.size, 0);
  book.prune([], later);
  assert.equal(book.matrices.size, 0);
});

/** A request of shop takes 10 ms of a processor, one of news 30, and an idle instance a hundredth of one. */
function learnCosts(book: ProfileBook, windows = 300) {
  const random = seededRandom(11);
  for (let at = 0; at < windows; at++) {
    const now = NOW + at * 5000;
    const uses = ['web1', 'web2'].flatMap((server) =>
      given.workloads.map(({ workload }) => {
        // Now and then nothing is asked for a while.
        const answered = at % 20 < 3 ? 0 : Math.round(20 + 60 * random());
        book.add(
          [window(workload, server, { arrivals: answered, answered, seconds: answered / 20 })],
          5,
          now,
          () => 60,
        );
        const cpu = 0.05 + answered * (workload === 'shop' ? 0.01 : 0.03);
        return { server: `default/${server}`, workload, seconds: 5, amounts: { cpu } };
      }),
    );
    book.addUses(given, uses, now);
  }
}

test('what instances use is what their requests cost, unless the object says it', () => {
  const book = new ProfileBook();
  learnCosts(book);
  const later = NOW + 2_000_000;
  const { apps, workloads } = book.profile(given, later);
  const [shop, news] = apps.map(({ cost }) => cost['cpu']!);
  assert.ok(
    Math.abs(shop!.value - 0.01) < 2e-4 && Math.abs(news!.value - 0.03) < 5e-4,
    `${shop!.value} ${news!.value}`,
  );
  assert.deepEqual([shop!.source, shop!.upper >= shop!.value], ['learned', true]);
  const [first] = workloads!;
  assert.equal(first?.workload, 'shop');
  assert.ok(Math.abs(first.idle['cpu']!.value - 0.01) < 2e-3);
  assert.deepEqual(
    first.conflicts.map(({ with: neighbour, resource, factor }) => [neighbour, resource, factor.value]),
    [['news', 'cpu', 0]],
  );
  const said = { ...given, apps: given.apps.map((app) => ({ ...app, cost: { cpu: 0.5 } })) };
  assert.deepEqual(
    book.profile(said, later).apps.map(({ cost }) => [cost['cpu']!.value, cost['cpu']!.source]),
    [
      [0.5, 'given'],
      [0.5, 'given'],
    ],
  );
  const fewer = { ...given, workloads: given.workloads.slice(1) };
  book.prune([fewer], later);
  assert.deepEqual([...book.resources.get(MATRIX)!.workloads.keys()], ['news']);
  book.prune([], later);
  assert.equal(book.resources.size, 0);
});

test('what is kept is what was learned; anything else is refused with the place', () => {
  const book = new ProfileBook();
  const truth = { rate: 200, most: 100, throughput: (n: number) => n / (0.01 + 1e-5 * n * n) };
  learn(book, [window('shop', 'web1', { levels: observe(truth, 2000, seededRandom(1)) }), window('news', 'web2')], 20);
  learnCosts(book);
  const kept = JSON.parse(JSON.stringify(keptBook(book))) as ReturnType<typeof keptBook>;
  assert.deepEqual(bookOf(kept).profile(given, NOW + 60_000), book.profile(given, NOW + 60_000));
  assert.deepEqual(keptBook(bookOf(kept)), kept);
  assert.throws(() => bookOf({ ...kept, version: 99 }), /version/);
  assert.throws(
    () => bookOf({ version: 1, matrices: [['m', [['shop', { demand: { rate: -1 } }]]]] }),
    /matrices\.0\.1/,
  );
  assert.throws(() => bookOf(null), Error);
});
