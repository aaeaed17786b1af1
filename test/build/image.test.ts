/** What the Dockerfile makes, run as it would be run in a cluster; without a builder of images. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ROOT } from '../../packaging/bundle.ts';
import { lastStage } from '../../packaging/dockerfile.ts';
import { libraryOf, noSandbox, type Ran, runInImage } from './sandbox.ts';

const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const image = lastStage(dockerfile);

describe('the Dockerfile', () => {
  it('makes an image of a Node and the bundle alone, for a user who is not root', () => {
    assert.deepEqual(image, {
      base: '${BASE}',
      copies: [
        { from: 'build', source: '/out/lib/libatomic.so.1', target: '/usr/lib/libatomic.so.1' },
        { from: 'build', source: '/out/bin/node', target: '/usr/local/bin/node' },
        { from: 'build', source: '/out/tcpvs', target: '/opt/tcpvs' },
      ],
      user: '65532:65532',
      directory: '/opt/tcpvs',
      entrypoint: ['/usr/local/bin/node', '/opt/tcpvs/tcpvs.mjs'],
      command: ['--help'],
    });
  });

  it('bases can be given with a digest, and are not the newest of a day', () => {
    for (const [, base = ''] of dockerfile.matchAll(/^ARG (?:BUILD|BASE)=(.*)$/gm)) {
      assert.match(base, /^[a-z/]+:[\w.-]+$/);
      assert.doesNotMatch(base, /:latest$/);
    }
    assert.deepEqual(
      [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base),
      ['${BUILD}', '${BASE}'],
    );
  });

  it('copies nothing that .dockerignore keeps back', () => {
    const sent = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, list = '']) => list.split(' '));
    assert.ok(sources.length > 5);
    for (const source of sources) assert.ok(sent.includes(`!${source}`), source);
  });

  it('an instruction that this reader does not know is an error', () => {
    assert.throws(() => lastStage('FROM a\nADD b c\n'), /not known: ADD b c/);
  });
});

describe('the image', { skip: noSandbox() }, () => {
  let scratch: string;
  let run: (args: readonly string[], entrypoint?: readonly string[]) => Promise<Ran>;

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'tcpvs-image-'));
    const dist = join(scratch, 'tcpvs');
    const node = join(scratch, 'node');
    execFileSync(process.execPath, [join(ROOT, 'build.ts'), dist], { stdio: 'pipe' });
    copyFileSync(process.execPath, node);
    const built = new Map([
      ['/out/lib/libatomic.so.1', libraryOf(node, 'libatomic.so.1')],
      ['/out/bin/node', node],
      ['/out/tcpvs', dist],
    ]);
    run = (args, entrypoint) => runInImage({ scratch, image, built }, args, entrypoint);
  });
  after(() => rmSync(scratch, { recursive: true }));

  /** A program in the container, beside the product; it prints JSON. */
  async function inside(program: string): Promise<unknown> {
    const { status, stdout, stderr } = await run(['--input-type=module', '-e', program], ['node']);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  it('tells how it is used', async () => {
    const { status, stdout, stderr } = await run(image.command);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /tcpvs COMMAND/);
  });

  it('has its bill of materials and licences with it', async () => {
    const files = await inside(`console.log(JSON.stringify((await import('node:fs')).readdirSync('/opt/tcpvs')))`);
    for (const file of ['sbom.cdx.json', 'LICENSES.txt', 'tcpvs.mjs', 'tcpvsadm.mjs', 'worker.mjs']) {
      assert.ok((files as string[]).includes(file), file);
    }
  });

  it('is nobody, may write nowhere but in its state, and reaches nothing', async () => {
    const seen = (await inside(`
      import fs from 'node:fs';
      import net from 'node:net';
      import os from 'node:os';
      const failure = (does) => { try { does(); return null; } catch (error) { return error.code; } };
      const status = fs.readFileSync('/proc/self/status', 'utf8');
      const field = (name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(status)[1];
      const address = { port: 443, host: '192.0.2.1' };
      console.log(JSON.stringify({
        user: [process.getuid(), process.getgid()],
        capabilities: field('CapEff'),
        newPrivileges: field('NoNewPrivs'),
        writes: ['/x', '/opt/tcpvs/x', '/usr/local/bin/node', '/etc/passwd']
          .map((path) => failure(() => fs.writeFileSync(path, 'x'))),
        state: failure(() => fs.writeFileSync('/var/lib/tcpvs/x', 'x')),
        top: fs.readdirSync('/').sort(),
        environment: Object.keys(process.env),
        networks: Object.keys(os.networkInterfaces()),
        outside: await new Promise((resolve) => net.connect(address).on('error', ({ code }) => resolve(code))),
      }));
    `)) as Record<string, unknown> & { writes: string[] };
    const { writes, top, ...rest } = seen;
    for (const write of writes) assert.ok(['EROFS', 'EACCES'].includes(write), writes.join());
    assert.deepEqual(
      (top as string[]).filter((name) => !name.startsWith('lib')),
      ['dev', 'etc', 'opt', 'proc', 'usr', 'var'],
    );
    assert.deepEqual(rest, {
      user: [65_532, 65_532],
      capabilities: '0000000000000000',
      newPrivileges: '1',
      state: null,
      environment: ['PATH'],
      networks: ['lo'],
      outside: 'ENETUNREACH',
    });
  });

  it('runs a proxy that finds no controller: alive, not ready, and gone when it is asked to go', async () => {
    const seen = (await inside(`
      import { spawn } from 'node:child_process';
      import { once } from 'node:events';
      const state = '/var/lib/tcpvs';
      const flags = ['--controller=https://127.0.0.1:9443', '--state-dir=' + state + '/state', '--admin=127.0.0.1:9000',
        '--ca-file=' + state + '/ca.crt', '--token-file=' + state + '/token', '--workers=1', '--drain-delay=0', '--drain-timeout=1'];
      const proxy = spawn(process.execPath, ['/opt/tcpvs/tcpvs.mjs', 'proxy', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
      let log = '';
      proxy.stdout.setEncoding('utf8').on('data', (text) => (log += text));
      const ask = (path) => fetch('http://127.0.0.1:9000' + path).then(async (r) => [r.status, await r.text()], () => null);
      while ((await ask('/healthz')) === null) {
        if (proxy.exitCode !== null) throw new Error('it ended: ' + log);
        await Promise.race([once(proxy.stdout, 'data'), once(proxy, 'exit')]);
      }
      const answers = [await ask('/healthz'), await ask('/readyz')];
      proxy.kill('SIGTERM');
      const [code] = await once(proxy, 'exit');
      console.log(JSON.stringify({ healthz: answers[0][0], readyz: answers[1], code }));
    `)) as { healthz: number; readyz: [number, string]; code: number };
    assert.equal(seen.healthz, 200);
    assert.equal(seen.readyz[0], 503, seen.readyz[1]);
    assert.equal(seen.code, 0);
  });
});
