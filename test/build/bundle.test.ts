/** The bundle runs as an image would run it: without node_modules, from a directory of its own, read-only. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ask, freePort, origin } from '../../src/proxy/worker/fixture.ts';

const ROOT = join(import.meta.dirname, '../..');

function build(): Record<string, string> {
  execFileSync(process.execPath, [join(ROOT, 'build.ts')], { cwd: ROOT, stdio: 'pipe' });
  const files = readdirSync(join(ROOT, 'dist')).filter((file) => file.endsWith('.mjs'));
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(ROOT, 'dist', file)))
        .digest('hex'),
    ]),
  );
}

function run(cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
}

describe('the bundle', () => {
  let directory: string;
  let first: Record<string, string>;

  before(() => {
    first = build();
    directory = mkdtempSync(join(tmpdir(), 'tcpvs-bundle-'));
    cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true });
    chmodSync(join(directory, 'dist'), 0o555);
  });
  after(() => {
    chmodSync(join(directory, 'dist'), 0o755);
    rmSync(directory, { recursive: true });
  });

  it('is the same to the byte when it is built again', () => {
    assert.deepEqual(build(), first);
  });

  it('has the programs', () => {
    assert.match(run(directory, 'dist/tcpvs.mjs', 'version').stdout, /\d+\.\d+\.\d+/);
    assert.match(run(directory, 'dist/tcpvsadm.mjs', '--help').stdout, /--add-rule/);
    const validated = run(directory, 'dist/tcpvs.mjs', 'validate', join(ROOT, 'examples/01-eapac-demo'));
    assert.equal(validated.status, 0, validated.stderr);
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
