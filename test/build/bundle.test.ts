/** The bundle by what is in it: reproducible, itemised, and with the Kubernetes client where it is wanted only. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { Metafile } from 'esbuild';

import { bundle, inAscii, loadedWith, ROOT } from '../../packaging/bundle.ts';
import { componentsOf } from '../../packaging/components.ts';
import { packageUrl } from '../../packaging/sbom.ts';
import { ask, freePort, origin } from '../../src/proxy/worker/fixture.ts';

function build(directory: string): Record<string, string> {
  execFileSync(process.execPath, [join(ROOT, 'build.ts'), directory], { cwd: tmpdir(), stdio: 'pipe' });
  return Object.fromEntries(
    readdirSync(directory).map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(directory, file)))
        .digest('hex'),
    ]),
  );
}

function run(cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
}

describe('the bundle', () => {
  let directory: string;
  let dist: string;
  let first: Record<string, string>;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'tcpvs-bundle-'));
    dist = join(directory, 'dist');
    first = build(dist);
    chmodSync(dist, 0o555);
  });
  after(() => {
    chmodSync(dist, 0o755);
    rmSync(directory, { recursive: true });
  });

  it('is the same to the byte when it is built again, elsewhere', () => {
    assert.deepEqual(build(join(directory, 'again/and/deeper')), first);
  });

  it('says nothing of where it was built', () => {
    for (const file of Object.keys(first)) {
      assert.ok(!readFileSync(join(dist, file), 'utf8').includes(ROOT), file);
    }
  });

  it('has code in ASCII alone, which is held in one byte per character', () => {
    for (const file of Object.keys(first)) {
      if (file.endsWith('.mjs')) assert.ok(/^[\0-\x7f]*$/.test(readFileSync(join(dist, file), 'utf8')), file);
    }
  });

  it('has the same characters in regular expressions, as escapes', async () => {
    const code = inAscii('export const is = (text) => /^(?:us|µs|→|😀)+$/u.test(text); // ©').toString();
    assert.match(code, /^[\0-\x7f]*$/);
    const loaded: unknown = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    const { is } = loaded as { readonly is: (text: string) => boolean };
    assert.deepEqual(['µs→😀us', '?s', 's'].map(is), [true, false, false]);
  });

  it('has the programs', () => {
    assert.match(run(directory, 'dist/tcpvs.mjs', 'version').stdout, /\d+\.\d+\.\d+/);
    assert.match(run(directory, 'dist/tcpvsadm.mjs', '--help').stdout, /--add-rule/);
    const validated = run(directory, 'dist/tcpvs.mjs', 'validate', join(ROOT, 'examples/01-eapac-demo'));
    assert.equal(validated.status, 0, validated.stderr);
  });

  it('serves and controls without undici, which is megabytes in each process', () => {
    const files = Object.keys(first).filter((name) => /^(?:serving|proxy-serving|controller)-\w+\.mjs$/.test(name));
    assert.ok(files.length >= 3);
    const imports = files.map((name) => `await import(${JSON.stringify(join(dist, name))});`).join('\n');
    const script = `${imports} console.log(process.moduleLoadList.join('\\n'));`;
    const { stdout, stderr } = run(directory, '--input-type=module', '-e', script);
    assert.match(stdout, /^NativeModule _http_server$/m, stderr);
    assert.doesNotMatch(stdout, /undici/);
  });

  it('optimises, with its solving thread and the WebAssembly of HiGHS', () => {
    const file = join(ROOT, 'examples/20-placement/problem.yaml');
    const { stdout, stderr } = run(directory, 'dist/tcpvs.mjs', 'optimize', '-f', file, '--json');
    assert.equal((JSON.parse(stdout) as { provenOptimal: boolean }).provenOptimal, true, stderr);
  });

  it('serves, with its supervisor and its workers', async () => {
    const web = await origin('web');
    const port = await freePort();
    const config = join(directory, 'main.conf');
    writeFileSync(
      config,
      `virtual web {\n  listen = 127.0.0.1:${port}\n  scheduler = http\n  server = 127.0.0.1:${web.port} 1\n  rule = pattern ".*" use server 127.0.0.1:${web.port}\n}\n`,
    );
    const socket = join(directory, 'admin.sock');
    const serve = spawn(process.execPath, ['dist/tcpvs.mjs', 'serve', '--config', config, '--admin-socket', socket], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let log = '';
    serve.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
    while (!log.includes('is ready')) {
      assert.equal(serve.exitCode, null, log);
      await once(serve.stdout, 'data');
    }
    assert.equal((await ask(port, '/x')).body, 'web');
    serve.kill('SIGTERM');
    const [code] = (await once(serve, 'exit')) as [number];
    assert.equal(code, 0, log);
    web.close();
  });
});

it('another release says its own version', async () => {
  const { files } = await bundle({ version: '9.8.7' });
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-bundle-'));
  for (const [name, content] of files) writeFileSync(join(directory, name), content);
  assert.equal(run(directory, 'tcpvs.mjs', 'version').stdout.includes('9.8.7'), true);
  rmSync(directory, { recursive: true });
});

describe('what is in the bundle', () => {
  let metafile: Metafile;

  before(async () => {
    ({ metafile } = await bundle());
  });

  it('the Kubernetes client is loaded by what talks to a cluster, and by nothing else', () => {
    const files = Object.entries(metafile.outputs).filter(([file]) => file.endsWith('.mjs'));
    const withClient = files.filter(([file]) =>
      [...loadedWith(metafile, file)].some((source) => source.includes('node_modules/@kubernetes/')),
    );
    const entries = withClient.map(([, { entryPoint }]) => entryPoint).filter((entry) => entry !== undefined);
    assert.ok(entries.length > 0, 'the client is in the bundle');
    for (const entry of entries) assert.match(entry, /^src\/(kube|controller|cli\/(controller|cluster))/);
    const proxy = files.filter(([, { entryPoint = '' }]) =>
      /^src\/(proxy\/|cli\/(tcpvs|proxy|proxy-serving)\.ts)/.test(entryPoint),
    );
    assert.ok(proxy.length >= 2);
    for (const [file] of proxy) assert.ok(!withClient.some(([other]) => other === file), file);
  });

  it('imports node:http nowhere as an ES module', () => {
    const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    assert.deepEqual(
      imported.filter((path) => /^(?:node:)?http$/.test(path)),
      [],
    );
  });

  it('has messages of zod in English alone', () => {
    const sources = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
    const locales = new Set(
      sources.flatMap((source) => /zod\/v4\/locales\/(?<language>.*)\.js$/.exec(source)?.groups?.['language'] ?? []),
    );
    assert.deepEqual([...locales].toSorted(), ['en', 'index']);
  });

  it('is in the bill of materials, and npm knows each part of it', () => {
    const components = componentsOf(metafile);
    const npm = execFileSync('npm', ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const known = new Map(
      (JSON.parse(npm) as { components: { purl: string; hashes: { content: string }[] }[] }).components.map(
        ({ purl, hashes }) => [purl, hashes[0]?.content],
      ),
    );
    assert.ok(components.length > 10);
    for (const component of components) {
      const hash = Buffer.from(component.integrity.replace('sha512-', ''), 'base64').toString('hex');
      assert.equal(known.get(packageUrl(component)), hash, component.name);
    }
  });
});
