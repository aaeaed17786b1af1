import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { Refusal } from '../admin/refusal.ts';
import { content, is, object, openSource, refusedWith, write } from './fixture/source.ts';
import { temporaryDirectory } from './fixture/temporary-directory.ts';
import type { SourceState } from './source.ts';
import { StateDirectory } from './state-directory.ts';

const judge = (candidate: SourceState) => {
  assert.equal(content(candidate), 'a=1 b=1');
  throw new Refusal(422, 'no');
};

test('per object the last change wins: tcpvsadm over the manifest, then the manifest over tcpvsadm', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 1\nc 1\n');
  const { source, until } = await openSource(dir);
  await write(source, [object('a', 5), object('new', 1)], ['c']);
  assert.equal(content(source.state), 'a=5 b=1 new=1');
  // Another object of the same file changes: tcpvsadm's words stand.
  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 2\nc 1\n');
  await until(is('a=5 b=2 new=1'));
  await writeFile(join(dir, 'a.yaml'), 'a 3\nb 2\nc 2\n');
  await until(is('a=3 b=2 c=2 new=1'));
  await writeFile(join(dir, 'b.yaml'), 'new 9\n');
  await until(is('a=3 b=2 c=2 new=9'));
});

test('a write is refused whole: old revision, unknown object, object named twice, or by its judge', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  const { source } = await openSource(dir);
  const { revision } = source.state;
  await assert.rejects(
    source.write({ revision: revision - 1, apply: [], delete: [] }, () => undefined),
    refusedWith(409),
  );
  await assert.rejects(write(source, [object('b', 1)], ['nobody']), refusedWith(404));
  await assert.rejects(write(source, [object('b', 1), object('b', 2)]), refusedWith(400));
  await assert.rejects(source.write({ revision, apply: [object('b', 1)], delete: [] }, judge), refusedWith(422));
  assert.equal(content(source.state), 'a=1');
  assert.equal(source.state.revision, revision);
  await write(source, [object('b', 1)]);
  assert.ok(source.state.revision > revision);
});

test('what tcpvsadm changed survives a restart, as do identities; a manifest that changed meanwhile wins', async () => {
  const dir = temporaryDirectory();
  const state = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 1\nc 1\n');
  const first = await openSource(dir, state);
  const uid = first.source.state.objects.get('RealServer x/b')?.metadata['uid'];
  await write(first.source, [object('a', 5), object('new', 1)], ['c']);
  await first.source.close();
  assert.equal((await stat(join(state, 'state.json'))).mode & 0o777, 0o600);

  const second = await openSource(dir, state);
  assert.equal(content(second.source.state), 'a=5 b=1 new=1');
  assert.equal(second.source.state.objects.get('RealServer x/b')?.metadata['uid'], uid);
  assert.equal(second.source.state.objects.get('RealServer x/a')?.metadata.generation, 2);
  await second.source.close();

  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 1\nc 2\n');
  const third = await openSource(dir, state);
  assert.equal(content(third.source.state), 'a=5 b=1 c=2 new=1');
  await third.source.close();
  const withoutState = await openSource(dir);
  assert.equal(content(withoutState.source.state), 'a=1 b=1 c=2');
});

test('the start works from the last good configuration when the present files are faulty or gone', async () => {
  const dir = temporaryDirectory();
  const state = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  await writeFile(join(dir, 'b.yaml'), 'b 1\n');
  const first = await openSource(dir, state);
  await first.source.close();
  await writeFile(join(dir, 'a.yaml'), 'rubbish\n');
  await writeFile(join(dir, 'b.yaml'), 'b 2\n');
  const second = await openSource(dir, state);
  assert.equal(content(second.source.state), 'a=1 b=2');
  assert.equal(second.source.state.faults.length, 1);
  await second.source.close();
  await rm(dir, { recursive: true });
  const third = await openSource(dir, state);
  assert.equal(content(third.source.state), 'a=1 b=2');
  assert.equal(third.source.state.known, true);
});

test('nothing read and nothing kept is not an empty configuration', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'rubbish\n');
  const { source, until } = await openSource(dir);
  assert.equal(source.state.known, false);
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  assert.equal((await until(is('a=1'))).known, true);
});

test('a write that was killed midway leaves the old state, and its leftovers are removed', async () => {
  const dir = temporaryDirectory();
  const state = temporaryDirectory();
  const first = await openSource(dir, state);
  await write(first.source, [object('a', 1)]);
  await first.source.close();
  const kept = await readFile(join(state, 'state.json'), 'utf8');
  await writeFile(join(state, 'state.json.999999999.abcd.tmp'), kept.slice(0, 40));
  const second = await openSource(dir, state);
  assert.equal(content(second.source.state), 'a=1');
  assert.deepEqual(await readdir(state), ['state.json']);
});

test('a state that cannot be understood is put aside and said; one of a newer version stops the start', async () => {
  const dir = temporaryDirectory();
  const state = temporaryDirectory();
  await writeFile(join(state, 'state.json'), '{"version":1,"overlay":');
  const { source, lines } = await openSource(dir, state);
  assert.equal(content(source.state), '');
  assert.ok(lines.some((line) => line.includes('state.json.bad')));
  await source.close();
  await writeFile(join(state, 'state.json'), '{"version":2}');
  await assert.rejects(openSource(dir, state), /version 2, this program reads version 1/);
});

test('cookie keys are made once, for their owner alone', async () => {
  const path = temporaryDirectory();
  const state = await StateDirectory.open(path);
  const keys = await state.cookieKeys(() => undefined);
  assert.match(keys[0] ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(await (await StateDirectory.open(path)).cookieKeys(() => undefined), keys);
  assert.equal((await stat(join(path, 'cookie-keys.json'))).mode & 0o777, 0o600);
  await writeFile(join(path, 'cookie-keys.json'), 'rubbish');
  const reports: string[] = [];
  assert.notDeepEqual(await state.cookieKeys((m) => reports.push(m)), keys);
  assert.equal(reports.length, 1);
});

test('keys of session tickets are kept, and rotated with overlap', async () => {
  const path = temporaryDirectory();
  const state = await StateDirectory.open(path);
  const day = 24 * 3_600_000;
  const at = async (now: number) => (await StateDirectory.open(path)).ticketKeys(() => undefined, now);
  const first = await at(day);
  assert.equal(first.length, 1);
  assert.equal((await stat(join(path, 'ticket-keys.json'))).mode & 0o777, 0o600);
  assert.deepEqual(await at(day + 1000), first);
  const second = await at(2 * day);
  assert.deepEqual(second.slice(1), first);
  assert.deepEqual(await at(2 * day + 1000), second, 'another process finds what this one has made');
  const third = await at(3 * day);
  assert.deepEqual((await at(4 * day)).slice(1), third.slice(0, 2), 'the oldest is forgotten');
  assert.deepEqual((await at(day)).slice(1), (await at(day)).slice(1), 'a clock that was set back');
  await writeFile(join(path, 'ticket-keys.json'), '{"made":1,"keys":["rubbish"]}');
  const reports: string[] = [];
  assert.equal((await state.ticketKeys((m) => reports.push(m), 5 * day)).length, 1);
  assert.equal(reports.length, 1);
  assert.ok(!reports.join().includes('rubbish'));
});

test('what another process kept meanwhile is taken over: a hot restart', async () => {
  const dir = temporaryDirectory();
  const state = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 1\n');
  const old = await openSource(dir, state);
  const next = await openSource(dir, state);
  await write(old.source, [object('a', 5)], ['b']);
  await next.source.adopt();
  assert.equal(content(next.source.state), 'a=5');
  const { revision } = next.source.state;
  await next.source.adopt();
  assert.equal(next.source.state.revision, revision);
  await old.source.close({ keep: false });
});
