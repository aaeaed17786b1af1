import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { ManualClock } from '../kube/fixture/manual-clock.ts';
import { SmallApi } from '../kube/fixture/small-api.ts';
import { ProfileBook } from '../learning/profile-book.ts';
import { createLogger } from '../telemetry/log.ts';
import { KeptProfiles } from './kept-profiles.ts';

const PATH = '/api/v1/namespaces/sys/configmaps/t-profiles';
const PERIOD = 300_000;

/** One more second in which so many requests were answered, of one app. */
function learn(book: ProfileBook, matrix: string, requests: number): void {
  const window = {
    arrivals: requests,
    answered: requests,
    seconds: requests / 10,
    failures: 0,
    timeouts: 0,
    levels: null,
  };
  book.add([{ ...window, matrix, app: 'shop', server: 'a/web1' }], 1, 1e12, () => 60);
}

const rateOf = (book: ProfileBook, matrix: string): number | undefined => {
  const demand = book.matrices.get(matrix)?.get('shop')?.demand;
  return demand === undefined ? undefined : demand.rate / demand.weight;
};

async function scene(t: TestContext) {
  const small = await SmallApi.start();
  t.after(() => small.stop());
  const open = () => {
    const [book, clock, lines] = [new ProfileBook(), new ManualClock(), [] as string[]];
    const log = createLogger({ level: 'info', to: { write: (line: string) => void lines.push(line) } });
    const kept = new KeptProfiles({ api: small.api, namespace: 'sys', name: 't-profiles', book, log, clock });
    return { book, clock, lines, kept };
  };
  const version = () => small.objects('/api/v1/namespaces/sys/configmaps')[0]?.metadata.resourceVersion;
  return { small, open, version };
}

test('what the leader learned is known to whoever starts after it', async (t) => {
  const { small, open } = await scene(t);
  small.put(PATH, { kind: 'ConfigMap' });
  const [first, standby] = [open(), open()];
  await first.kept.restore();
  first.kept.lead(true);
  for (const { book } of [first, standby]) learn(book, 'a/m', 40);
  learn(first.book, 'b/n', 7);
  first.clock.advance(PERIOD);
  await Promise.all([first.kept.close(), standby.kept.close()]);
  const next = open();
  learn(next.book, 'b/n', 9);
  await next.kept.restore();
  assert.equal(rateOf(next.book, 'a/m'), rateOf(first.book, 'a/m'));
  assert.equal(rateOf(next.book, 'b/n'), 9, 'what is known by now is newer');
  assert.deepEqual(
    [first, standby, next].flatMap(({ lines }) => lines),
    [],
  );
});

test('a leader writes every five minutes and at its end, and only what has changed; others write nothing', async (t) => {
  const { open, version } = await scene(t);
  const { book, clock, kept } = open();
  learn(book, 'a/m', 1);
  clock.advance(2 * PERIOD);
  await kept.close();
  assert.equal(version(), undefined, 'it does not lead');
  kept.lead(true);
  clock.advance(PERIOD);
  await kept.write();
  const first = version();
  assert.ok(first !== undefined);
  clock.advance(PERIOD);
  await kept.write();
  assert.equal(version(), first);
  learn(book, 'a/m', 1);
  await kept.close();
  assert.notEqual(version(), first);
});

test('an API server that fails is said, and tried again; another leader is left alone', async (t) => {
  const { small, open, version } = await scene(t);
  const { book, lines, kept } = open();
  learn(book, 'a/m', 1);
  const refuse = (status: number, method: string) => {
    small.intercept = (seen, response) => {
      if (seen.method !== method) return false;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"not now"}');
      return true;
    };
  };
  refuse(500, 'GET');
  await kept.restore();
  await kept.write();
  assert.match(lines[0] ?? '', /what was learned before is not known: .*500 not now/);
  assert.match(lines[1] ?? '', /what was learned is not kept: .*500 not now/);
  refuse(409, 'POST');
  await kept.write();
  assert.equal(lines.length, 2);
  small.intercept = () => false;
  await kept.write();
  assert.ok(version() !== undefined);
});

test('an entry that cannot be read is said, and the others are used', async (t) => {
  const { small, open } = await scene(t);
  const { book, kept } = open();
  learn(book, 'a/m', 5);
  await kept.write();
  const [good = {}] = small.objects('/api/v1/namespaces/sys/configmaps').map((each) => each['binaryData'] as object);
  const odd = gzipSync('{"version":1,"matrices":"all"}').toString('base64');
  small.put(PATH, { binaryData: { 'odd.json.gz': odd, 'no.json.gz': 'bm8=', ...good } });
  const next = open();
  await next.kept.restore();
  assert.equal(rateOf(next.book, 'a/m'), 5);
  assert.match(next.lines.join(''), /odd\.json\.gz: matrices/);
  assert.match(next.lines.join(''), /no\.json\.gz: incorrect header check/);
});

test('where there is no room for all, the largest are left out, and it is said', async (t) => {
  const { open } = await scene(t);
  const { book, lines, kept } = open();
  learn(book, 'a/small', 3);
  learn(book, 'a/large', 3);
  const apps = book.matrices.get('a/large')!;
  const app = apps.get('shop')!;
  // Names that do not pack well.
  for (let at = 0; at < 20_000; at++) apps.set(createHash('sha256').update(`${at}`).digest('base64'), app);
  await kept.write();
  assert.match(lines.join(''), /matrix a\/large is not kept: there is no room/);
  const next = open();
  await next.kept.restore();
  assert.deepEqual([...next.book.matrices.keys()], ['a/small']);
});
