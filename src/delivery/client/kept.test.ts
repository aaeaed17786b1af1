import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { server, snapshotOf } from '../fixture/pieces.ts';
import { listeningLog, quiet } from '../fixture/servers.ts';
import type { Publication } from '../wire.ts';
import { Kept } from './kept.ts';

const yes = () => Promise.resolve(true);
const SECRET = 'ab'.repeat(32);
const publication = (port: number, count = 250): Publication => ({
  snapshot: snapshotOf(Array.from({ length: count }, (_, i) => server(`d/${i}`, port))),
  versions: { services: '7' },
  keys: { cookies: [SECRET], tickets: [] },
});

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpvs-test-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('what was written last is read back, by this process or the next one; nobody else may read it', async (t) => {
  const path = join(directory(t), 'a/state');
  const kept = (await Kept.open(path, quiet, yes))!;
  assert.equal(await kept.read(), null);
  for (const port of [1, 2, 3]) kept.write(publication(port));
  await kept.close();
  assert.deepEqual(readdirSync(path), ['snapshot.json']);
  assert.equal(statSync(join(path, 'snapshot.json')).mode & 0o777, 0o600);
  chmodSync(join(path, 'snapshot.json'), 0o644);
  const next = (await Kept.open(path, quiet, yes))!;
  assert.deepEqual(await next.read(), publication(3));
  assert.equal(statSync(join(path, 'snapshot.json')).mode & 0o777, 0o600);
  next.write(publication(4, 0));
  await next.close();
  assert.deepEqual(await next.read(), publication(4, 0));
});

test('a damaged file is told, without what stands in it, and removed', async (t) => {
  const path = directory(t);
  const file = join(path, 'snapshot.json');
  const kept = (await Kept.open(path, quiet, yes))!;
  kept.write(publication(1, 2));
  await kept.close();
  const text = readFileSync(file, 'utf8');
  const damaged = [
    '',
    text.slice(0, -10),
    text.replace('"port":1', '"port":2'),
    text.replace('"services":"7"', '"services":7'),
    text.replace('"format":1', '"format":99'),
    text.replace(/"id":"\w{16}"/, '"id":"0123456789abcdef"'),
    `${text.slice(0, 40)}${SECRET}`,
    JSON.stringify({ ...JSON.parse(text), pieces: (JSON.parse(text) as { pieces: object[] }).pieces.toReversed() }),
  ];
  for (const each of damaged) {
    writeFileSync(file, each);
    const log = listeningLog();
    assert.equal(await (await Kept.open(path, log, yes))!.read(), null);
    assert.equal(log.lines.length, 1);
    assert.doesNotMatch(JSON.stringify(log.lines), /abab/);
    assert.deepEqual(readdirSync(path), []);
  }
});

test('a directory that is on a disk is not used; one that cannot be made is told', async (t) => {
  const path = directory(t);
  const log = listeningLog();
  assert.equal(await Kept.open(path, log, () => Promise.resolve(false)), null);
  assert.match(log.lines[0]!.message, /not in memory/);
  writeFileSync(join(path, 'file'), '');
  await assert.rejects(
    Kept.open(join(path, 'file/state'), quiet, yes),
    /^Error: state directory .*file\/state: .*is a file/,
  );
});

test(
  'where the system tells it, memory is told from a disk',
  { skip: process.platform !== 'linux' && 'only Linux tells' },
  async (t) => {
    const log = listeningLog();
    mkdirSync(`/dev/shm/tcpvs-test-${process.pid}`);
    t.after(() => rmSync(`/dev/shm/tcpvs-test-${process.pid}`, { recursive: true }));
    assert.notEqual(await Kept.open(`/dev/shm/tcpvs-test-${process.pid}`, log), null);
    assert.deepEqual(log.lines, []);
    // The project's own folder is on a disk.
    assert.equal(await Kept.open(import.meta.dirname, log), null);
  },
);

test('what cannot be written is told, and the next one is tried', async (t) => {
  const path = join(directory(t), 'state');
  const log = listeningLog();
  const kept = (await Kept.open(path, log, yes))!;
  rmSync(path, { recursive: true });
  kept.write(publication(1));
  await kept.close();
  assert.match(log.lines[0]!.message, /could not be kept/);
  mkdirSync(path);
  kept.write(publication(2));
  await kept.close();
  assert.deepEqual(await kept.read(), publication(2));
});
