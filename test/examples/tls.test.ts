/** Example 13, with certificates that its script makes. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';

import { freePort } from '../../src/cli/demo-ports.ts';
import { ROOT } from '../../src/cli/demo-serve.ts';
import { startExample, type Stage } from '../demo/stage.ts';

const installed = spawnSync('openssl', ['version']).error === undefined;
/** On a Debian machine as root `make tools` has installed it, so there the test must not be left out. */
const excusable = process.platform !== 'linux' || process.getuid?.() !== 0;
const skip = !installed && excusable ? 'openssl is not installed (make tools says how)' : false;

const SCRIPT = join(ROOT, 'examples/13-tls/certificates.sh');

test(
  '13: certificates from files and Secrets, clients’ certificates, to servers and passed through',
  { skip },
  async () => {
    await using stage = await startExample('13-tls', { servers: ['web1', 'web2'] });
    const [secure, passed] = [await freePort(), await freePort()];
    for (const file of readdirSync(stage.directory).filter((name) => name.endsWith('.yaml'))) {
      const path = join(stage.directory, file);
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replaceAll('port: 8443', `port: ${secure}`).replaceAll('port: 8444', `port: ${passed}`));
    }
    execFileSync(SCRIPT, [stage.directory]);
    const pem = (name: string) => readFileSync(join(stage.directory, 'certificates', name), 'utf8');
    const alice = { cert: pem('alice.crt'), key: pem('alice.key') };

    await untilServed(stage, secure, alice);
    const shop = await get(stage, secure, 'shop.example', '/');
    assert.equal(shop.body, 'web1 serves /\n');
    const plain = await stage.get('/x');
    assert.equal(plain.status, 308);
    assert.equal(plain.headers['location'], `https://127.0.0.1:${secure}/x`);
    assert.equal((await get(stage, secure, 'shop.example', '/again')).body, 'web1 serves /from-inside\n');
    assert.equal((await get(stage, secure, 'shop.example', '/streams')).body, 'web1 serves /by-a-stream\n');
    assert.equal((await get(stage, passed, 'shop.example', '/a')).body, 'web1 serves /a\n');

    await assert.rejects(get(stage, secure, 'admin.example', '/'));
    assert.equal((await get(stage, secure, 'admin.example', '/', alice)).body, 'web2 serves /\n');
    const misdirected = await get(stage, secure, 'shop.example', '/', { ...alice, headers: { host: 'admin.example' } });
    assert.equal(misdirected.status, 421);

    const before = shop.serial;
    execFileSync(SCRIPT, [stage.directory]);
    let renewed = before;
    for (let tries = 0; tries < 500 && renewed === before; tries++) {
      renewed = await get(stage, secure, 'shop.example', '/').then(
        ({ serial }) => serial,
        // the authority is another one already, its certificate not yet
        () => before,
      );
      await sleep(20);
    }
    assert.notEqual(renewed, before);
  },
);

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Of the certificate that was shown. */
  readonly serial: string;
}

async function get(stage: Stage, port: number, host: string, path: string, options: object = {}): Promise<Answer> {
  const ca = readFileSync(join(stage.directory, 'certificates/ca.crt'), 'utf8');
  const place = { host: '127.0.0.1', port, path, servername: host, headers: { host }, ca, agent: false };
  const outgoing = request({ ...place, ...options });
  let serial = '';
  outgoing.on('socket', (socket) => {
    const secured = socket as TLSSocket;
    secured.on('secureConnect', () => (serial = secured.getPeerCertificate().serialNumber));
  });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body, serial };
}

/** The ports were changed while it runs, and the certificates have come only now. */
async function untilServed(stage: Stage, port: number, alice: object): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const served = (host: string, path: string, options = {}) =>
      get(stage, port, host, path, options).then(
        ({ status }) => status === 200,
        () => false,
      );
    if ((await served('shop.example', '/again')) && (await served('admin.example', '/', alice))) return;
    await sleep(20);
  }
  throw new Error(stage.serve.output());
}
