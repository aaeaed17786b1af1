import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import type { ApiObject } from '../admin/contract.ts';
import { Refusal } from '../admin/refusal.ts';
import { createLogger } from '../telemetry/log.ts';
import { temporaryDirectory } from './fixture/temporary-directory.ts';
import type { ParsedFile } from './objects.ts';
import { type SourceState, StandaloneSource } from './source.ts';
import { StateDirectory } from './state-directory.ts';

/** The tests' own syntax, one object per line: `NAME WEIGHT`; anything else is a fault. */
function parse(text: string, file: string): ParsedFile {
  const objects: { object: ApiObject; line: number }[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const match = /^(\w+) (\d+)$/.exec(line);
    if (match === null) {
      return {
        objects: [],
        faults: [{ file, line: i + 1, column: 1, message: `read "${line}", expected NAME WEIGHT` }],
      };
    }
    objects.push({ object: object(match[1] ?? '', Number(match[2])), line: i + 1 });
  }
  return { objects, secrets: [], faults: [] };
}

function object(name: string, weight: number): ApiObject {
  return { apiVersion: 'tcpvs.io/v1alpha1', kind: 'RealServer', metadata: { name, namespace: 'x' }, spec: { weight } };
}

const status = (expected: number) => (error: unknown) => error instanceof Refusal && error.status === expected;

const opened: StandaloneSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

interface Opened {
  readonly source: StandaloneSource;
  readonly lines: string[];
  /** Resolves with the first state, now or later, for which the condition holds. */
  readonly until: (holds: (state: SourceState) => boolean) => Promise<SourceState>;
}

async function openSource(config: string, stateDir?: string, rescan = 60_000): Promise<Opened> {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', to: { write: (line: string) => void lines.push(line) } });
  const stateDirectory = stateDir === undefined ? null : await StateDirectory.open(stateDir);
  const source = await StandaloneSource.open({ config, parse, stateDirectory, log, rescan });
  opened.push(source);
  let check: () => void = Boolean;
  source.onChange = () => check();
  const until = (holds: (state: SourceState) => boolean) =>
    new Promise<SourceState>((resolve) => {
      check = () => {
        if (holds(source.state)) resolve(source.state);
      };
      check();
    });
  return { source, lines, until };
}

/** `a=1 b=2` */
function content(state: SourceState): string {
  return [...state.objects.values()]
    .map((o) => `${o.metadata.name}=${(o.spec as { weight: number }).weight}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(' ');
}

const is = (expected: string) => (state: SourceState) => content(state) === expected;
const write = (source: StandaloneSource, apply: ApiObject[], names: string[] = []) =>
  source.write(
    {
      revision: source.state.revision,
      apply,
      delete: names.map((name) => ({ kind: 'RealServer', namespace: 'x', name })),
    },
    () => undefined,
  );

test('an empty directory is a valid, empty configuration; what is put there later counts', async () => {
  const dir = temporaryDirectory();
  const { source, until } = await openSource(dir);
  assert.equal(source.state.known, true);
  assert.equal(content(source.state), '');
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  await until(is('a=1'));
  await mkdir(join(dir, 'overlay'));
  await writeFile(join(dir, 'overlay', 'a.yaml'), 'a 7\n');
  await writeFile(join(dir, 'b.yaml'), 'b 1\n');
  await until(is('a=1 b=1'));
  await writeFile(join(dir, 'b.yaml'), 'b 2\n');
  await until(is('a=1 b=2'));
  await writeFile(join(dir, 'notes.txt'), 'nothing of ours\n');
  await unlink(join(dir, 'a.yaml'));
  await until(is('b=2'));
});

test('generation grows with the spec alone; uid and creationTimestamp stay', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 1\n');
  const { source, until } = await openSource(dir);
  const before = source.state.objects.get('RealServer x/a')?.metadata;
  assert.equal(before?.generation, 1);
  await writeFile(join(dir, 'a.yaml'), '\na 2\nb 1\n');
  const state = await until(is('a=2 b=1'));
  const after = state.objects.get('RealServer x/a')?.metadata;
  assert.equal(after?.generation, 2);
  assert.equal(after?.['uid'], before?.['uid']);
  assert.equal(after?.['creationTimestamp'], before?.['creationTimestamp']);
  assert.equal(state.objects.get('RealServer x/b')?.metadata.generation, 1);
});

test('a file replaced by an atomic rename is read', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'a.yaml');
  await writeFile(file, 'a 1\n');
  const { until } = await openSource(dir);
  await writeFile(join(dir, '.a.yaml.swp'), 'a 2\n');
  await rename(join(dir, '.a.yaml.swp'), file);
  await until(is('a=2'));
});

test('a single file as configuration is watched too, through renames', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'tcpvs.conf');
  await writeFile(file, 'a 1\n');
  const { until } = await openSource(file);
  for (const weight of [2, 3]) {
    await writeFile(`${file}.new`, `a ${weight}\n`);
    await rename(`${file}.new`, file);
    await until(is(`a=${weight}`));
  }
});

test('links are followed when they are pointed elsewhere: a Kubernetes volume, and a linked directory', async () => {
  const root = temporaryDirectory();
  const volume = join(root, 'volume');
  for (const [version, weight] of [
    ['..v1', 1],
    ['..v2', 2],
  ] as const) {
    await mkdir(join(volume, version), { recursive: true });
    await writeFile(join(volume, version, 'a.yaml'), `a ${weight}\n`);
  }
  await symlink('..v1', join(volume, '..data'));
  await symlink('..data/a.yaml', join(volume, 'a.yaml'));
  const mounted = await openSource(volume);
  assert.equal(content(mounted.source.state), 'a=1');
  await symlink('..v2', join(volume, '..tmp'));
  await rename(join(volume, '..tmp'), join(volume, '..data'));
  await mounted.until(is('a=2'));

  await symlink('volume/..v1', join(root, 'current'));
  const linked = await openSource(join(root, 'current'));
  await symlink('volume/..v2', join(root, 'next'));
  await rename(join(root, 'next'), join(root, 'current'));
  await linked.until(is('a=2'));
  await writeFile(join(volume, '..v2', 'a.yaml'), 'a 3\n');
  await linked.until(is('a=3'));
});

test('what no event tells is found by the rescan', async () => {
  const dir = temporaryDirectory();
  await mkdir(join(dir, 'elsewhere'));
  await mkdir(join(dir, 'config'));
  await writeFile(join(dir, 'elsewhere', 'x'), 'a 1\n');
  await symlink('../elsewhere/x', join(dir, 'config', 'a.yaml'));
  const { until } = await openSource(join(dir, 'config'), undefined, 50);
  await writeFile(join(dir, 'elsewhere', 'x'), 'a 2\n');
  await until(is('a=2'));
});

test('a faulty file changes nothing, is reported once with its place, and may be mended', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  await writeFile(join(dir, 'b.yaml'), 'b 1\n');
  const { source, until, lines } = await openSource(dir);
  await writeFile(join(dir, 'a.yaml'), 'a 7\nrubbish\n');
  const faulty = await until((state) => state.faults.length === 1);
  assert.equal(content(faulty), 'a=1 b=1');
  assert.equal(faulty.faults[0]?.file, join(dir, 'a.yaml'));
  await writeFile(join(dir, 'b.yaml'), 'b 2\n');
  await until(is('a=1 b=2'));
  await source.reload();
  const reports = lines.filter((line) => line.includes('rubbish'));
  assert.equal(reports.length, 1);
  assert.match(reports[0] ?? '', /a\.yaml:2:1: read/);
  await writeFile(join(dir, 'a.yaml'), 'a 8\n');
  assert.equal((await until(is('a=8 b=2'))).faults.length, 0);
});

test('a link that leads nowhere, or in a circle, is a fault, and what it led to stays', async () => {
  const dir = temporaryDirectory();
  await mkdir(join(dir, 'config'));
  await writeFile(join(dir, 'x'), 'a 1\n');
  await symlink('../x', join(dir, 'config', 'a.yaml'));
  await symlink('loop.yaml', join(dir, 'config', 'loop.yaml'));
  const { source, until } = await openSource(join(dir, 'config'));
  assert.match(source.state.faults[0]?.message ?? '', /a link that leads to itself/);
  await unlink(join(dir, 'x'));
  await source.reload();
  const broken = await until((state) => state.faults.length === 2);
  assert.equal(content(broken), 'a=1');
  assert.match(broken.faults[0]?.message ?? '', /a link that leads nowhere/);
  await unlink(join(dir, 'config', 'a.yaml'));
  await until(is(''));
});

test('a file that cannot be read, and a directory that disappears, change nothing', async () => {
  const dir = temporaryDirectory();
  const config = join(dir, 'config');
  await mkdir(config);
  await writeFile(join(config, 'a.yaml'), 'a 1\n');
  const { until } = await openSource(config);
  await writeFile(join(config, 'a.yaml'), Buffer.from([0xff, 0xfe]));
  const binary = await until((state) => state.faults.length === 1);
  assert.match(binary.faults[0]?.message ?? '', /UTF-8/);
  assert.equal(content(binary), 'a=1');
  await rename(config, join(dir, 'away'));
  const gone = await until((state) => /no such file/.test(state.faults[0]?.message ?? ''));
  assert.equal(content(gone), 'a=1');
  await mkdir(config);
  await writeFile(join(config, 'a.yaml'), 'a 2\n');
  await until(is('a=2'));
});

test('a directory of too many bytes is not read, and what was read before stays', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  const { until } = await openSource(dir);
  // Sparse: each small enough by itself.
  for (let each = 0; each < 9; each++) {
    await writeFile(join(dir, `hidden${each}`), '');
    await truncate(join(dir, `hidden${each}`), 30 << 20);
  }
  for (let each = 0; each < 9; each++) await rename(join(dir, `hidden${each}`), join(dir, `large${each}.yaml`));
  const state = await until((s) => /bytes together/.test(s.faults[0]?.message ?? ''));
  assert.equal(
    state.faults[0]?.message,
    'read 10 manifests of 283115524 bytes together, expected at most 268435456 bytes',
  );
  assert.equal(content(state), 'a=1');
  for (let each = 0; each < 9; each++) await unlink(join(dir, `large${each}.yaml`));
  await writeFile(join(dir, 'a.yaml'), 'a 2\n');
  await until(is('a=2'));
});

test('an object that stands twice is a fault, and stays as the file that had it says', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'b.yaml'), 'x 1\n');
  const { until } = await openSource(dir);
  await writeFile(join(dir, 'a.yaml'), 'x 2\n');
  const state = await until((s) => s.faults.length === 1);
  assert.equal(content(state), 'x=1');
  assert.equal(state.faults[0]?.file, join(dir, 'a.yaml'));
  assert.match(state.faults[0]?.message ?? '', /second time.*b\.yaml:1/);
});

test('a file that is being replaced is empty for a moment: no state lacks its objects', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'a.yaml');
  await writeFile(file, 'a 1\nb 1\n');
  const { until } = await openSource(dir);
  const seen: string[] = [];
  const done = until((state) => {
    seen.push(content(state));
    return is('a=2 b=1')(state);
  });
  await writeFile(file, '');
  await writeFile(file, 'a 2\nb 1\n');
  await done;
  assert.deepEqual(new Set(seen), new Set(['a=1 b=1', 'a=2 b=1']));
});

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
    status(409),
  );
  await assert.rejects(write(source, [object('b', 1)], ['nobody']), status(404));
  await assert.rejects(write(source, [object('b', 1), object('b', 2)]), status(400));
  const judge = (candidate: SourceState) => {
    assert.equal(content(candidate), 'a=1 b=1');
    throw new Refusal(422, 'no');
  };
  await assert.rejects(source.write({ revision, apply: [object('b', 1)], delete: [] }, judge), status(422));
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
