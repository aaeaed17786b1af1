import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { connect } from 'node:tls';

import { freePort } from '../../src/cli/demo-ports.ts';
import { type Issued, makeAuthority } from '../../src/tls/fixture/authority.ts';
import { openStage, type Stage, status, until } from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

const authority = makeAuthority();

function secret(name: string, data: Record<string, string>, type = 'kubernetes.io/tls'): string {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const metadata = { name, namespace: 'default' };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, type, data: Object.fromEntries(encoded) });
}

const issue = (subject: string) => authority.issue({ names: ['shop.example'], subject });

const pair = ({ certificate, privateKey }: Issued) => ({ 'tls.crt': certificate, 'tls.key': privateKey });

function secureServer(port: number, tls: object): string {
  return JSON.stringify({
    apiVersion: 'tcpvs.io/v1alpha1',
    kind: 'TcpVirtualServer',
    metadata: { name: 'secure', namespace: 'default' },
    spec: {
      listeners: [{ name: 'web', address: '127.0.0.1', port, protocol: 'HTTPS', tls }],
      servers: [{ server: 'web1' }],
    },
  });
}

/** Common name of the certificate that is shown for shop.example. */
async function shown(port: number, options: object = {}): Promise<string> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: authority.certificate,
    servername: 'shop.example',
    ...options,
  });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

async function get(port: number, path: string, headers: Record<string, string> = {}): Promise<number> {
  const options = { host: '127.0.0.1', port, path, headers, agent: false, ca: authority.certificate };
  const outgoing = request({ ...options, servername: 'shop.example' });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

const problemOf = async () => {
  const object = (await status(stage)).objects.find(({ metadata }) => metadata.name === 'secure');
  return object?.status.conditions.find(({ type }) => type === 'ResolvedRefs');
};

test('Secrets and files as certificates; swapped while it runs; bad ones are told and change nothing', async () => {
  stage = await openStage();
  const port = await freePort();
  const files = issue('from files');
  writeFileSync(join(stage.directory, 'a.crt'), files.certificate);
  writeFileSync(join(stage.directory, 'a.key'), files.privateKey, { mode: 0o600 });
  stage.write('secure.json', secureServer(port, { certificateFiles: [{ certificate: 'a.crt', key: 'a.key' }] }));
  await stage.start();
  assert.equal(await shown(port), 'from files');
  assert.equal(await get(port, '/x'), 200);

  const renewed = issue('renewed');
  writeFileSync(join(stage.directory, 'b.crt'), renewed.certificate);
  renameSync(join(stage.directory, 'b.crt'), join(stage.directory, 'a.crt'));
  const mismatch = await until(problemOf, (condition) => condition?.status === 'False');
  assert.match(
    mismatch?.message ?? '',
    /files a\.crt and a\.key: the private key is not that of the certificate; what was good before keeps serving/,
  );
  assert.equal(await shown(port), 'from files');
  writeFileSync(join(stage.directory, 'a.key'), renewed.privateKey);
  await until(
    () => shown(port),
    (name) => name === 'renewed',
  );
  assert.equal((await until(problemOf, (condition) => condition?.status === 'True'))?.reason, 'ResolvedRefs');

  stage.write('secret.json', secret('shop', pair(issue('from a Secret'))));
  stage.write('secure.json', secureServer(port, { certificateRefs: [{ name: 'shop' }] }));
  await until(
    () => shown(port),
    (name) => name === 'from a Secret',
  );
  stage.write('secret.json', secret('shop', { ...pair(issue('bad')), 'tls.key': files.privateKey }));
  await until(problemOf, (condition) => condition?.reason === 'InvalidCertificate');
  assert.equal(await shown(port), 'from a Secret');
});

test('27: nothing of a key in logs, dumps, statuses, metrics or answers', async () => {
  stage = await openStage();
  const port = await freePort();
  const good = authority.issue({ names: ['shop.example'] });
  const bad = authority.issue({ names: ['shop.example'] });
  const shownToServers = authority.issue({ names: ['client.example'] });
  writeFileSync(join(stage.directory, 'a.crt'), good.certificate);
  writeFileSync(join(stage.directory, 'a.key'), bad.privateKey);
  stage.write('secret.json', secret('shop', pair(good)));
  stage.write('bad.json', secret('bad', { 'tls.crt': good.certificate, 'tls.key': bad.privateKey }));
  stage.write('shown.json', secret('shown', pair(shownToServers)));
  stage.write('clients.json', secret('clients', { 'ca.crt': authority.certificate }, 'Opaque'));
  stage.write(
    'secure.json',
    secureServer(port, {
      certificateRefs: [{ name: 'shop' }, { name: 'bad' }],
      certificateFiles: [{ certificate: 'a.crt', key: 'a.key' }],
    }),
  );
  stage.write(
    'rsv.json',
    JSON.stringify({
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'RealServer',
      metadata: { name: 'secure-server', namespace: 'default' },
      spec: {
        address: '127.0.0.1',
        port: 1,
        protocol: 'HTTPS',
        tls: { caCertificateRefs: [{ name: 'clients' }], clientCertificateRef: { name: 'shown' } },
      },
    }),
  );
  await stage.start('--access-log', '1', '--log-level', 'debug');
  const canary = 'canary-8c51d2';
  for (let i = 0; i < 50; i++) {
    await get(port, i % 2 === 0 ? `/shop/x?token=${canary}` : '/nowhere', {
      authorization: `Bearer ${canary}`,
      cookie: `session=${canary}`,
    });
  }
  await shown(port, { ca: [], rejectUnauthorized: false });
  // a Secret that cannot even be parsed
  const body = bad.privateKey.split('\n')[2]!;
  stage.write('worse.json', secret('worse', { 'tls.crt': good.certificate, 'tls.key': `${body} is no PEM` }));
  // … and one that is not even YAML, with the key where it should not stand
  stage.write('worst.yaml', `apiVersion: v1\nkind: Secret\nstringData:\n  tls.key: |\n${bad.privateKey}\n`);
  await until(
    () => status(stage),
    ({ faults = [] }) => faults.length > 1,
  );
  const texts = [stage.serve.output()];
  for (const path of ['/v1/snapshot', '/v1/status', '/v1/objects', '/v1/counts', '/metrics', '/readyz']) {
    texts.push(JSON.stringify(await stage.serve.admin(path).catch((error: Error) => error.message)));
  }
  const state = join(stage.state, 'state.json');
  await until(() => Promise.resolve(existsSync(state)), Boolean);
  texts.push(readFileSync(state, 'utf8'));
  assert.ok(texts[1]!.includes('(private key)'), 'the dump has the pieces');
  const keys = [good, bad, shownToServers].flatMap(({ privateKey }) => privateKey.split('\n').slice(1, -2));
  const tickets = (JSON.parse(readFileSync(join(stage.state, 'ticket-keys.json'), 'utf8')) as { keys: string[] }).keys;
  for (const text of texts) {
    for (const line of [...keys, ...tickets, body, canary]) assert.ok(!text.includes(line), text.slice(0, 300));
  }
});

test('tickets are resumed after a restart', async () => {
  stage = await openStage();
  const port = await freePort();
  stage.write('secret.json', secret('shop', pair(authority.issue({ names: ['shop.example'] }))));
  stage.write('secure.json', secureServer(port, { certificateRefs: [{ name: 'shop' }] }));
  const serve = await stage.start();
  const options = { port, host: '127.0.0.1', ca: authority.certificate, servername: 'shop.example' };
  const socket = connect(options);
  const [session] = (await once(socket, 'session')) as [Buffer];
  socket.destroy();
  await serve.stop();
  await stage.start();
  const again = connect({ ...options, session });
  await once(again, 'secureConnect');
  assert.equal(again.isSessionReused(), true);
  again.destroy();
});
