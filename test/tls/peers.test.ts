import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startTestProxy, type TestProxy } from '../../src/proxy/testing.ts';
import {
  authorityPiece,
  certificatePiece,
  freePort,
  origin,
  type Origin,
  realServer,
  rule,
  to,
  virtualServer,
} from '../../src/proxy/worker/fixture.ts';
import { temporaryDirectory } from '../../src/standalone/fixture/temporary-directory.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';

const missing = ['openssl', 'curl'].filter((command) => spawnSync(command, ['version']).error !== undefined);
/** On a Debian machine as root `make tools` has installed them, so there the tests must not be left out. */
const excusable = process.platform !== 'linux' || process.getuid?.() !== 0;
const skip = missing.length > 0 && excusable ? `${missing.join(' and ')} not installed (make tools says how)` : false;

const authority = makeAuthority();
const directory = temporaryDirectory();
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const CA = file('ca.crt', authority.certificate);
const client = authority.issue({ names: ['client.example'] });
const CLIENT = { certificate: file('client.crt', client.certificate), key: file('client.key', client.privateKey) };
const GET = 'GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n';

interface Said {
  readonly text: string;
  readonly code: number | null;
}

/** Runs it with `input`; what it wrote to both outputs, and its exit status. */
async function run(command: string, args: readonly string[], input: string | readonly string[] = ''): Promise<Said> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes('Verify return code')) resolve();
    });
  }
  child.stdin.on('error', () => undefined);
  const closed = new Promise<number | null>((done) => {
    child.on('close', done);
  });
  if (typeof input === 'string') child.stdin.end(input);
  else {
    await Promise.race([connected, closed]);
    for (const line of input) {
      child.stdin.write(line);
      // s_client takes one command of a read, and tells too late that it has
      await sleep(20);
    }
  }
  const code = await closed;
  return { text, code };
}

describe('openssl and curl', { skip }, () => {
  let proxy: TestProxy;
  let web: Origin;
  let port = 0;
  let mutual = 0;

  const openssl = (args: readonly string[], input?: string | readonly string[], at = port) =>
    run(
      'openssl',
      [
        's_client',
        '-connect',
        `127.0.0.1:${at}`,
        '-servername',
        'shop.example',
        '-CAfile',
        CA,
        // so that it waits for the answer
        ...(input === GET ? ['-ign_eof'] : []),
        ...args,
      ],
      input,
    );
  const curl = (args: readonly string[], at = port) =>
    run('curl', [
      '--silent',
      '--show-error',
      '--max-time',
      '20',
      '--cacert',
      CA,
      '--resolve',
      `shop.example:${at}:127.0.0.1`,
      ...args,
      `https://shop.example:${at}/`,
    ]);

  before(async () => {
    web = await origin('web');
    [port, mutual] = [await freePort(), await freePort()];
    const one = { protocol: 'HTTPS', rules: [rule('all', to('web'))] } as const;
    proxy = await startTestProxy({
      workers: 2,
      pieces: [
        certificatePiece('ec', authority.issue({ names: ['shop.example', '*.shop.example'] })),
        certificatePiece('rsa', authority.issue({ names: ['shop.example'], key: 'rsa' })),
        authorityPiece('clients', authority.certificate),
        realServer('web', web.port),
        virtualServer(port, { ...one, tls: { certificates: ['test/ec', 'test/rsa'] } }),
        {
          ...virtualServer(mutual, { ...one, tls: { certificates: ['test/ec'], clientCa: ['test/clients'] } }),
          key: 'test/mutual',
        },
      ],
    });
  });
  after(async () => {
    await proxy.close();
    web.close();
  });

  test('the chain, the name and the protocol are good', async () => {
    const { text } = await openssl(['-verify_hostname', 'shop.example', '-verify_return_error'], GET);
    assert.match(text, /Verify return code: 0 \(ok\)/);
    assert.match(text, /New, TLSv1\.3, Cipher is TLS_AES_128_GCM_SHA256/);
    assert.match(text, /HTTP\/1\.1 200/);
  });

  test('versions below 1.2 are refused', async () => {
    for (const version of ['-tls1', '-tls1_1']) {
      const { text, code } = await openssl([version, '-cipher', 'ALL:@SECLEVEL=0']);
      assert.notEqual(code, 0);
      assert.match(text, /alert protocol version|no protocols available/i, version);
    }
    assert.match((await openssl(['-tls1_2'], GET)).text, /Protocol {2}: TLSv1\.2/);
  });

  test('of all ciphers that openssl has for TLS 1.2, only those with AEAD and forward secrecy come about', async () => {
    const { text: list } = await run('openssl', ['ciphers', '-tls1_2', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0']);
    const ciphers = list.trim().split(':');
    assert.ok(ciphers.length > 50);
    const taken: string[] = [];
    for (const cipher of ciphers.filter((name) => !name.startsWith('TLS_') && !/PSK|SRP|GOST/.test(name))) {
      const { code } = await openssl(['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`]);
      if (code === 0) taken.push(cipher);
    }
    assert.deepEqual(taken.toSorted(), [
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-CHACHA20-POLY1305',
    ]);
  });

  test('sessions are resumed, by either worker', async () => {
    const { text } = await openssl(['-tls1_2', '-reconnect']);
    assert.equal(text.match(/^Reused, TLSv1\.2/gm)?.length, 5);
    const session = join(directory, 'session.pem');
    await openssl(['-sess_out', session], GET);
    for (let i = 0; i < 4; i++) {
      const again = await openssl(['-sess_in', session], GET);
      assert.match(again.text, /Reused, TLSv1\.3/);
      assert.match(again.text, /HTTP\/1\.1 200/);
    }
  });

  test('nobody renegotiates; keys are updated at any time', async () => {
    const { text: renegotiated } = await openssl(['-tls1_2'], 'R\n');
    assert.match(renegotiated, /no renegotiation/i);
    // each asks for an update of ours, which is written while the answer is
    const updates = Array.from({ length: 20 }, () => 'K\n');
    const first = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n';
    const { text } = await openssl([], [...updates, first, ...updates, GET]);
    assert.ok((text.match(/^KEYUPDATE$/gm)?.length ?? 0) >= 10);
    assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 2);
    assert.equal(proxy.serving.totals().reasons['internal'], 0);
    assert.ok(proxy.serving.totals().workers.every(({ restarts }) => restarts === 0));
  });

  test('a client without, with a wrong and with the right certificate', async () => {
    const shown = ['-cert', CLIENT.certificate, '-key', CLIENT.key];
    assert.match((await openssl(shown, GET, mutual)).text, /HTTP\/1\.1 200/);
    assert.doesNotMatch((await openssl([], GET, mutual)).text, /HTTP\/1\.1/);
    const acceptable = (await openssl([], '', mutual)).text;
    assert.match(acceptable, /Acceptable client certificate CA names\n.*authority of a test/);
  });

  test('curl: answers, uploads, client certificates, versions', async () => {
    assert.equal((await curl([])).text, 'web');
    assert.equal((await curl(['--http1.1', '--tlsv1.2', '--tls-max', '1.2'])).text, 'web');
    const large = file('large', 'x'.repeat(3_000_000));
    assert.equal((await curl(['--data-binary', `@${large}`])).text, 'web');
    assert.equal(web.requests.at(-1)?.body.length, 3_000_000);
    assert.equal((await curl(['--cert', CLIENT.certificate, '--key', CLIENT.key], mutual)).text, 'web');
    assert.notEqual((await curl([], mutual)).code, 0);
    const plain = await run('curl', ['--silent', `http://127.0.0.1:${port}/`]);
    assert.equal(plain.text, '400 Bad Request: plain_http');
  });
});
