import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryDirectory } from '../standalone/fixture/temporary-directory.ts';
import { readCommandLine, UsageError } from './command-line.ts';
import { nearestWord } from './nearest.ts';
import { SERVE_HELP, serveOptions } from './serve-options.ts';
import { runTcpvs } from './tcpvs-run.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEMO = join(ROOT, 'examples/01-eapac-demo');

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** In this process; the program itself is started by few tests, since that takes its time. */
async function tcpvs(...args: string[]): Promise<Ran> {
  let [out, err] = ['', ''];
  const code = await runTcpvs(args, {
    out: (text) => (out += text),
    err: (text) => (err += text),
    style: { bold: (text) => text, dim: (text) => text },
  });
  return { code, out, err };
}

function started(...args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, 'bin/tcpvs'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const read = (...args: string[]) => serveOptions(readCommandLine(SERVE_HELP, ['--config', 'x', ...args]), {});

test('--memory-limit is a quantity as Kubernetes writes it', () => {
  const sizes: [string, number][] = [
    ['268435456', 2 ** 28],
    ['256Mi', 2 ** 28],
    ['1.5G', 1.5e9],
    ['2Gi', 2 ** 31],
    ['300000K', 3e8],
  ];
  for (const [text, bytes] of sizes) assert.equal(read('--memory-limit', text).memoryLimit, bytes, text);
  assert.equal(read().memoryLimit, null);
  for (const text of ['', '127Mi', '256', '256MB', '256i', '-1G', '1e9', '256 Mi', 'max', '0']) {
    assert.throws(() => read('--memory-limit', text), UsageError, text);
  }
  assert.throws(() => read('--memory-limit', '256m'), /--memory-limit: read "256m", expected a size of at least 128Mi/);
});

test('the program as it is started: version, a wrong word, a fault', async () => {
  const [version, wrong, overview] = await Promise.all([started('version'), started('serv'), started('--help')]);
  assert.deepEqual([version.code, version.err], [0, '']);
  assert.match(version.out, /^tcpvs \d+\.\d+\.\d+\n$/);
  assert.deepEqual([wrong.code, wrong.out], [2, '']);
  assert.match(wrong.err, /^tcpvs: unknown command "serv"; did you mean serve\? .*\n$/);
  assert.equal(overview.code, 0);
});

test('a wrong command line is answered in one line that names it, and the nearest known word; exit status 2', async () => {
  const wrong: [string[], RegExp][] = [
    [['serv'], /unknown command "serv"; did you mean serve\?/],
    [['frobnicate'], /unknown command "frobnicate"; there is serve, .*validate/],
    [['--verbose'], /unknown option --verbose/],
    [['serve'], /--config PATH is needed/],
    [['serve', '--confg', '.'], /unknown option --confg; did you mean --config\?/],
    [['serve', '--config'], /--config needs a value: --config PATH/],
    [['serve', '--config', '--workers', '2'], /--config needs a value/],
    [['serve', '--config', '.', '--config', '.'], /--config stands twice/],
    [['serve', '--config', '/no/such/place'], /--config \/no\/such\/place: no such file or directory/],
    [['serve', '--config', '.', 'more'], /unexpected word "more"/],
    [['serve', '--config', '.', '--workers', '0'], /--workers: read "0", expected an integer from 1 to 16/],
    [['validate'], /a PATH, or --live, is needed/],
    [['validate', '--json=1', '.'], /--json takes no value/],
    [['explain', 'GET', 'ftp://x', '--config', '.'], /URL: read "ftp:\/\/x", expected http\[s\]:\/\//],
    [['explain', 'GET', 'http://x/', '--config', '.', '-H', 'novalue'], /--header: read "novalue"/],
  ];
  const answers = await Promise.all(wrong.map(([args]) => tcpvs(...args)));
  for (const [i, [args, message]] of wrong.entries()) {
    const { code, out, err } = answers[i] ?? { code: null, out: '', err: '' };
    assert.equal(code, 2, args.join(' '));
    assert.equal(out, '');
    assert.match(err, message);
    assert.equal(err.split('\n').length, 2, `one line: ${err}`);
  }
});

test('--help tells of every option with examples, everywhere', async () => {
  const overview = await tcpvs('--help');
  assert.equal(overview.code, 0);
  for (const word of ['serve', 'validate', 'explain', 'demo', 'version', 'Examples'])
    assert.match(overview.out, new RegExp(word));
  for (const command of ['serve', 'validate', 'explain', 'version']) {
    const { code, out } = await tcpvs(command, '--help');
    assert.equal(code, 0);
    assert.match(out, new RegExp(`tcpvs ${command}`));
  }
  const { out } = await tcpvs('help', 'serve');
  for (const option of Object.keys(SERVE_HELP.options)) assert.match(out, new RegExp(`--${option}\\b`));
  assert.equal((await tcpvs()).code, 2);
  assert.match((await tcpvs('version')).out, /^tcpvs \d+\.\d+\.\d+\n$/);
});

test('validate prints every fault with its place and exits 1; 0 where there is none', async () => {
  const good = await tcpvs('validate', DEMO);
  assert.deepEqual([good.code, good.err], [0, '']);
  assert.match(good.out, /7 objects, no fault/);
  const dir = temporaryDirectory();
  const head = 'apiVersion: tcpvs.io/v1alpha1\n';
  await writeFile(
    join(dir, 'a.yaml'),
    `${head}kind: RealServer\nmetadata: {name: web1}\nspec:\n  address: 10.0.0.1\n  port: 99999\n`,
  );
  const listeners = 'listeners: [{name: web, port: 8000, protocol: HTTP}]';
  const rules = 'rules: [{name: r, match: {path: {type: Pattern, value: "(("}}, servers: [{server: nobody}]}]';
  await writeFile(
    join(dir, 'b.yaml'),
    `${head}kind: TcpVirtualServer\nmetadata: {name: x}\nspec:\n  ${listeners}\n  ${rules}\n`,
  );
  await writeFile(join(dir, 'table.conf'), 'Virtual x {\n  listen = 1.2.3.4:http\n  colour = red\n}\n');
  const bad = await tcpvs('validate', dir, join(dir, 'table.conf'));
  assert.equal(bad.code, 1);
  assert.match(bad.out, /a\.yaml:6:\d+: RealServer default\/web1: spec\.port: read 99999, expected/);
  assert.match(bad.out, /b\.yaml:1: TcpVirtualServer default\/x: InvalidPattern: .*\(\(/);
  assert.match(bad.out, /table\.conf:3:3: read "?colour/);
  const json = await tcpvs('validate', '--json', dir);
  assert.equal(json.code, 1);
  const document = JSON.parse(json.out) as { valid: boolean; results: { faults: { file: string; line: number }[] }[] };
  assert.equal(document.valid, false);
  assert.equal(document.results[0]?.faults[0]?.line, 6);
});

test('validate says of a reference into a faulty file why it leads nowhere', async () => {
  const dir = temporaryDirectory();
  const head = 'apiVersion: tcpvs.io/v1alpha1\n';
  await writeFile(join(dir, 'matrix.yaml'), `${head}kind: AppWeightMatrix\nmetadata: {name: m}\nspec: {rowz: []}\n`);
  await writeFile(
    join(dir, 'virtual.yaml'),
    `${head}kind: TcpVirtualServer\nmetadata: {name: x}\nspec: {listeners: [{name: a, port: 80}], matrixRefs: [{name: m}]}\n`,
  );
  const { out } = await tcpvs('validate', dir);
  assert.match(out, /matrix\.yaml:4:\d+: .*spec\.rowz/);
  assert.match(out, /virtual\.yaml:1: .* does not exist; objects of \S*matrix\.yaml are left out until the faults/);
  await writeFile(join(dir, 'matrix.yaml'), '');
  assert.match((await tcpvs('validate', dir)).out, /AppWeightMatrix default\/m does not exist\n$/);
});

test('serve refuses what can be neither read to its end nor watched', async () => {
  const { code, err } = await tcpvs('serve', '--config', '/dev/null');
  assert.equal(code, 2);
  assert.match(err, /--config \/dev\/null: is neither a directory nor a file/);
});

interface Explained {
  readonly outcome: string;
  readonly status: number | null;
  readonly rule: { readonly name: string } | null;
  readonly destinations: readonly { readonly server: string; readonly share: number }[];
}

async function explain(method: string, url: string, ...more: string[]): Promise<Explained> {
  const { code, out, err } = await tcpvs('explain', method, url, '--config', DEMO, '--json', ...more);
  assert.equal(code, 0, err);
  return JSON.parse(out) as Explained;
}

test('explain says which rule takes a request and with which shares', async () => {
  const appc = await explain('GET', 'http://127.0.0.1:8000/appc/x?y=1');
  assert.equal(appc.rule?.name, 'appc');
  assert.deepEqual(
    appc.destinations.map(({ server, share }) => [server, share]),
    [
      ['default/web2', 0.87],
      ['default/web3', 0.13],
    ],
  );
  assert.match((await explain('GET', 'http://127.0.0.1:81/')).outcome, /nothing listens on port 81; there is 8000/);
  assert.equal((await explain('BAD METHOD', 'http://127.0.0.1:8000/')).status, 400);
  assert.equal((await explain('GET', 'http://127.0.0.1:8000/appc/x', '-H', 'a: b', '-H', 'c: d')).rule?.name, 'appc');
  const text = await tcpvs('explain', 'GET', 'http://127.0.0.1:8000/appc/x', '--config', DEMO);
  assert.match(text.out, /default\/web2 .*weight 87 +87\.0 %/);
});

test('explain on a TCP port says where connections go', async () => {
  const config = ['--config', join(import.meta.dirname, '../../examples/03-wlc-tcp')];
  const { code, out, err } = await tcpvs('explain', 'GET', 'http://127.0.0.1:8000/', ...config, '--json');
  assert.equal(code, 0, err);
  const explained = JSON.parse(out) as Explained & { choice: string };
  assert.equal(explained.status, null);
  assert.match(explained.outcome, /TCP, each connection/);
  assert.match(explained.choice, /weighted least connections/);
  assert.equal(explained.rule, null);
  assert.deepEqual(
    explained.destinations.map(({ server }) => server),
    ['default/web1', 'default/web2'],
  );
  assert.match((await tcpvs('explain', 'GET', 'http://127.0.0.1:8000/', ...config)).out, /default\/web1 /);
});

test('values of options are judged with what was read and what was expected', () => {
  assert.deepEqual(read('--admin', '[::1]:9000').admin, { address: '::1', port: 9000 });
  assert.deepEqual(read('--admin=localhost:0').admin, { address: '127.0.0.1', port: 0 });
  assert.deepEqual(read('--trusted-proxies', '10.0.0.0/8, fd00::/8').trustedProxies, ['10.0.0.0/8', 'fd00::/8']);
  assert.equal(read('--drain-timeout', '2.5').drainTimeout, 2500);
  const wrong = [
    ['--admin', '9000'],
    ['--admin', 'example.org:9000'],
    ['--admin', '127.0.0.1:99999'],
    ['--trusted-proxies', '10.0.0.0/33'],
    ['--trusted-proxies', 'example.org'],
    ['--access-log', '1.5'],
    ['--access-log', '1e-3'],
    ['--drain-timeout', '0'],
    ['--log-level', 'loud'],
    ['--class', 'A b'],
    ['--state-dir', './x/'],
    ['--admin-socket', 'x'.repeat(120)],
  ];
  for (const args of wrong) assert.throws(() => read(...args), UsageError, args.join(' '));
});

test('the nearest word is near, or there is none', () => {
  const words = ['serve', 'validate', 'explain', 'version'];
  assert.equal(nearestWord('sevre', words), 'serve');
  assert.equal(nearestWord('valid', words), 'validate');
  assert.equal(nearestWord('explian', words), 'explain');
  assert.equal(nearestWord('x', words), null);
  assert.equal(nearestWord('completely-else', words), null);
});
