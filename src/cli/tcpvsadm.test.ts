import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, test } from 'node:test';

import { demoObjects } from '../ktcpvs/test-objects.ts';
import { bindAddress } from './tcpvsadm-input.ts';
import { runTcpvsadm } from './tcpvsadm-run.ts';
import { startFakeAdmin } from './tcpvsadm-test-server.ts';
import type { FakeAdmin } from './tcpvsadm-test-server.ts';

const TCPVSADM = join(import.meta.dirname, '../../bin/tcpvsadm');
let admin: FakeAdmin;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tcpvsadm-test-'));
});
after(async () => {
  await admin.close();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  await (admin as FakeAdmin | undefined)?.close();
  admin = await startFakeAdmin();
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** In this process: the same but for its start. */
async function run(args: readonly string[], input = '', environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
  let out = '';
  let error = '';
  const code = await runTcpvsadm(args, {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (error += text) },
    environment: { TCPVS_SOCKET: admin.socket, ...environment },
  });
  return { code, out, error };
}

/** The command itself. */
function spawned(
  args: readonly string[],
  input = '',
  environment: NodeJS.ProcessEnv = { TCPVS_SOCKET: admin.socket },
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(TCPVSADM, args, { env: { ...process.env, ...environment } });
    let out = '';
    let error = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, error }));
    child.stdin.on('error', () => undefined).end(input);
  });
}

/** A command as one types it; words are separated by one blank, and nothing is expanded. */
async function types(line: string, how: (args: readonly string[]) => Promise<Ran> = run): Promise<string> {
  const { code, out, error } = await how(line.split(' ').slice(1));
  assert.deepEqual([code, error], [0, ''], line);
  return out;
}

const DONE: Ran = { code: 0, out: '', error: '' };

test('the session of the README, as it stands', async () => {
  await types('tcpvsadm -A -i http -s http', spawned);
  for (const server of ['r1', 'r2', 'r3']) await types(`tcpvsadm -a -i http -r ${server}:80`, spawned);
  await types('tcpvsadm --add-rule -i http --pattern=/images/.* -r r1:80', spawned);
  await types('tcpvsadm --add-rule -i http --pattern=/html/.* -r r2:80', spawned);
  await types('tcpvsadm --add-rule -i http --pattern=.* -r r3:80', spawned);
  const listing = await types('tcpvsadm --list', spawned);
  assert.match(listing, /^# tcpvs \d+\.\d+\.\d+: 1 virtual server\n\nVirtual http \{\n/);
  assert.match(listing, /rule = pattern "\/images\/\.\*" match 0 weight 1 use server r1:http\n/);
  assert.ok(!listing.includes('\x1b'));
  const stopped = structuredClone(admin.objects);
  await types('tcpvsadm --start -i http');
  assert.notDeepEqual(admin.objects, stopped);
  await types('tcpvsadm --stop -i http');
  assert.deepEqual(admin.objects, stopped);
  const file = join(directory, 'table.conf');
  await writeFile(file, listing);
  await types('tcpvsadm -F');
  assert.deepEqual(admin.objects, []);
  await types(`tcpvsadm -f ${file}`);
  assert.equal(await types('tcpvsadm'), listing);
});

test('the matrix command of the README, on the demo', async () => {
  admin.objects = demoObjects();
  await types('tcpvsadm --add-rule -i http --pattern=/appc/.* --weight 87 -r web2:8080');
  assert.deepEqual([admin.objects, admin.writes], [demoObjects(), 0]);
  await types('tcpvsadm --add-rule -i http --pattern=/appc/.* --weight 50 -r web2:8080');
  assert.equal(admin.writes, 1);
  assert.match(await types('tcpvsadm -Ln'), /"\/appc\/\.\*" match 0 weight 50 use server 10\.0\.0\.12:8080/);
});

test('the listing is loaded from standard input; nothing is written where nothing changes', async () => {
  admin.objects = demoObjects();
  const listing = await types('tcpvsadm -L');
  assert.deepEqual(await run(['-f', '-'], listing), DONE);
  assert.equal(admin.writes, 0);
});

test('as JSON, with rates', async () => {
  admin.objects = demoObjects();
  const cell = {
    app: 'appa',
    weight: 100,
    available: true,
    asked: 1,
    askedAvailable: 1,
    delivered: 1,
    retries: 0,
    sticky: 0,
  };
  const counted = { ...cell, server: 'default/web1', epochRequests: 7, requests: 7, failures: 0 };
  admin.counts = { rows: [{ id: 'matrix default/eapac appa', epoch: 1, cells: [counted] }], endpoints: [] };
  const document = JSON.parse(await types('tcpvsadm -L -i http --json --rate')) as {
    virtuals: { rules: { destinations: unknown[] }[] }[];
  };
  const live = { requests: 7, asked: 1, askedAvailable: 1, delivered: 1, available: true, requestsPerSecond: 0 };
  assert.deepEqual(document.virtuals[0]?.rules[0]?.destinations, [
    { name: 'web1', address: '10.0.0.11', port: 8080, weight: 100, ...live },
  ]);
});

test('a wrong command line: one line on standard error, status 2, nothing changes', async () => {
  const wrong = await run(['-D', '-i', 'http', '-w', '5']);
  assert.deepEqual(wrong, {
    code: 2,
    out: '',
    error: 'tcpvsadm: --weight (-w) is not allowed with --delete-service (-D)\n',
  });
  assert.equal((await run(['-A', '-F'])).code, 2);
  assert.equal(admin.writes, 0);
});

test('refused: status 1, said why', async () => {
  assert.deepEqual(await run(['-D', '-i', 'http']), {
    code: 1,
    out: '',
    error: 'tcpvsadm: no virtual server http; there is none\n',
  });
  assert.deepEqual(await run(['-L', '-i', 'http']), { code: 1, out: '', error: 'tcpvsadm: no virtual server http\n' });
  admin.refusal = 'TcpVirtualServer default/http: \x1b[31mport 80 is taken';
  assert.deepEqual(await run(['-A', '-i', 'http']), {
    code: 1,
    out: '',
    error: 'tcpvsadm: TcpVirtualServer default/http: \\x1b[31mport 80 is taken\n',
  });
  assert.deepEqual(admin.objects, []);
});

test('somebody else writes in between: read again, computed again', async () => {
  admin.conflicts = 3;
  assert.deepEqual(await run(['-A', '-i', 'http']), DONE);
  assert.equal(admin.objects.length, 1);
  admin.conflicts = 1000;
  const { code, error } = await run(['-F']);
  assert.equal(code, 1);
  assert.match(error, /^tcpvsadm: revision is \d+\n$/);
});

test('faults of a configuration file: file, line, column; nothing changes', async () => {
  admin.objects = demoObjects();
  const file = join(directory, 'faulty.conf');
  await writeFile(file, 'virtual web {\n  scheduler = rr\n  started = maybe\n}\n');
  assert.deepEqual(await run(['-f', file]), {
    code: 1,
    out: '',
    error:
      `tcpvsadm: ${file}:2:15: read "rr", expected a scheduler: wlc, http, phttp, chttp, hhttp\n` +
      `tcpvsadm: ${file}:3:13: read "maybe", expected yes or no\n`,
  });
  assert.deepEqual(admin.objects, demoObjects());
  const gone = join(directory, 'nosuch');
  assert.equal((await run(['-f', gone])).error, `tcpvsadm: ${gone}: cannot be read: there is no such file\n`);
  assert.equal((await run(['-f', directory])).error, `tcpvsadm: ${directory}: cannot be read: it is a directory\n`);
  assert.deepEqual(admin.objects, demoObjects());
});

test('no server: named, status 1', async () => {
  const nobody = join(directory, 'nobody.sock');
  const expected = { code: 1, out: '', error: `tcpvsadm: no tcpvs server: there is no socket at ${nobody}\n` };
  assert.deepEqual(await run([], '', { TCPVS_SOCKET: nobody }), expected);
  assert.deepEqual(await run(['--socket', nobody, '-F']), expected);
  assert.deepEqual(await run(['-F', `--socket=${nobody}`]), expected);
});

test('--socket goes before TCPVS_SOCKET', async () => {
  assert.deepEqual(await run(['--socket', admin.socket, '-A', '-i', 'http'], '', { TCPVS_SOCKET: '/nosuch' }), DONE);
});

const virtual = {
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'TcpVirtualServer',
  metadata: { name: 'http', namespace: 'default' },
  spec: {},
};
const condition = (type: string, status: 'True' | 'False' | 'Unknown', reason: string) => ({
  type,
  status,
  reason,
  message: `${reason}\nport 8080`,
  observedGeneration: 1,
});

test('what was taken but does not work is said, and stands in the listing', async () => {
  const conditions = [
    condition('Accepted', 'False', 'ListenerConflict'),
    condition('Programmed', 'False', 'PortUnavailable'),
    condition('Ready', 'False', 'PortUnavailable'),
  ];
  admin.status = { objects: [{ ...virtual, status: { observedGeneration: 1, conditions } }] };
  const error =
    'tcpvsadm: note: TcpVirtualServer default/http: Accepted=False (ListenerConflict): ListenerConflict\\nport 8080\n' +
    'tcpvsadm: note: TcpVirtualServer default/http: Programmed=False (PortUnavailable): PortUnavailable\\nport 8080\n';
  assert.deepEqual(await run(['-A', '-i', 'http']), { code: 0, out: '', error });
  const listing = await types('tcpvsadm -L');
  assert.match(listing, /^ {4}# Programmed=False \(PortUnavailable\): PortUnavailable\\nport 8080$/m);
  assert.deepEqual(await run(['-f', '-'], listing), DONE);
});

test('a rule that nothing uses is said', async () => {
  const conditions = [condition('Accepted', 'True', 'Accepted'), condition('Programmed', 'True', 'Programmed')];
  const rules = [
    { name: 'x', conditions: [condition('Used', 'False', 'SchedulerReadsNoRequest')] },
    { name: 'y', conditions: [condition('ResolvedRefs', 'False', 'ServerNotFound')] },
    { name: 'z' },
  ];
  admin.status = { objects: [{ ...virtual, status: { observedGeneration: 1, conditions, rules } }] };
  const { code, error } = await run(['-A', '-i', 'http']);
  assert.equal(code, 0);
  assert.equal(
    error,
    'tcpvsadm: note: TcpVirtualServer default/http: rule x: Used=False (SchedulerReadsNoRequest): ' +
      'SchedulerReadsNoRequest\\nport 8080\n',
  );
});

test('a virtual server that is stopped is as asked', async () => {
  const conditions = [condition('Accepted', 'True', 'Accepted'), condition('Programmed', 'False', 'Suspended')];
  admin.status = { objects: [{ ...virtual, status: { observedGeneration: 1, conditions } }] };
  assert.deepEqual(await run(['-A', '-i', 'http']), DONE);
});

test('it waits for the server to have decided', async () => {
  admin.status = {
    objects: [
      { ...virtual, status: { observedGeneration: 1, conditions: [condition('Programmed', 'Unknown', 'Pending')] } },
    ],
  };
  const running = run(['-A', '-i', 'http']);
  await admin.statusRead();
  const conditions = [condition('Programmed', 'False', 'PortUnavailable')];
  admin.status = { objects: [{ ...virtual, status: { observedGeneration: 1, conditions } }] };
  assert.match((await running).error, /note: .*PortUnavailable/);
});

test('a server without counts still lists', async () => {
  admin.counts = null;
  const { code, out, error } = await run([]);
  assert.deepEqual([code, error], [0, 'tcpvsadm: note: no live counts: not ready\n']);
  assert.match(out, /0 virtual servers/);
});

test('the command itself: status and streams', async () => {
  assert.equal((await spawned(['-D'])).code, 2);
  const listing = await spawned(['-f', '-'], 'virtual a { server = r1:80 }');
  assert.deepEqual(listing, DONE);
  assert.deepEqual(await spawned(['-D', '-i', 'b']), {
    code: 1,
    out: '',
    error: 'tcpvsadm: no virtual server b; there is a\n',
  });
});

test('help needs no server', async () => {
  const { code, out, error } = await run(['-h'], '', { TCPVS_SOCKET: '/nosuch' });
  assert.deepEqual([code, error], [0, '']);
  assert.match(out, /--add-rule {12,}-i NAME -p PATTERN -r HOST\[:PORT\] \[-m N\] \[-w N\]/);
  assert.ok(out.split('\n').every((line) => line.length <= 120));
});

test('on a terminal, comments stand back; without the colours it is the same text', async () => {
  admin.objects = demoObjects();
  const plain = await types('tcpvsadm -L');
  let out = '';
  await runTcpvsadm(['-L'], {
    stdin: Readable.from([]),
    stdout: { write: (text) => (out += text), isTTY: true, columns: 120 },
    stderr: { write: (text) => assert.fail(text) },
    environment: { TCPVS_SOCKET: admin.socket, TERM: 'xterm' },
  });
  assert.ok(out.startsWith('\x1b[2m# tcpvs'));
  assert.equal(
    ['\x1b[0m', '\x1b[1m', '\x1b[2m'].reduce((text, code) => text.replaceAll(code, ''), out),
    plain,
  );
});

test('virtual servers of other namespaces', async () => {
  assert.deepEqual(await run(['-A', '-i', 'shop/http']), DONE);
  assert.deepEqual(await run(['-a', '-i', 'shop/http', '-r', 'r1:80']), DONE);
  assert.deepEqual(admin.objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).toSorted(), [
    'shop/http',
    'shop/r1-80',
  ]);
  const listing = await types('tcpvsadm -L -i shop/http');
  assert.match(listing, /^Virtual shop\/http \{$/m);
  assert.deepEqual(await run(['-f', '-'], listing), DONE);
  assert.equal(admin.writes, 2);
});

test('a host name to listen on is looked up; one that is none is refused', async () => {
  assert.deepEqual(await run(['-A', '-i', 'a', '-l', 'localhost:81']), DONE);
  assert.match(JSON.stringify(admin.objects), /"address":"(127\.0\.0\.1|::1)"/);
  // An empty label: no resolver asks anybody for that.
  await assert.rejects(bindAddress('a..b'), /^Refused: the host a\.\.b to listen on has no address that can be found/);
});
