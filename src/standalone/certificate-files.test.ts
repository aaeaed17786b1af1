import assert from 'node:assert/strict';
import { chmod, mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import type { ApiObject } from '../admin/contract.ts';
import { createLogger } from '../telemetry/log.ts';
import { makeAuthority } from '../tls/fixture/authority.ts';
import { CertificateFiles } from './certificate-files.ts';
import { temporaryDirectory } from './fixture/temporary-directory.ts';
import { parseManifests } from './manifests-parse.ts';
import { type SourceState, StandaloneSource } from './source.ts';

const authority = makeAuthority();
const first = authority.issue({ names: ['first.example'] });
const second = authority.issue({ names: ['second.example'] });

const virtualServer = (certificate: string, key: string): ApiObject => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'TcpVirtualServer',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    listeners: [{ name: 'web', port: 443, protocol: 'HTTPS', tls: { certificateFiles: [{ certificate, key }] } }],
  },
});

test('files are read, relative ones below the configuration; what did not change is the same object', async () => {
  const directory = temporaryDirectory();
  await writeFile(join(directory, 'a.crt'), first.certificate);
  await writeFile(join(directory, 'a.key'), first.privateKey);
  const files = new CertificateFiles(directory);
  const load = async (certificate: string) => (await files.load([virtualServer(certificate, 'a.key')])).secrets[0]!;
  const [name, secret] = await load('a.crt');
  assert.equal(name, 'files a.crt a.key');
  assert.deepEqual(secret, { certificate: first.certificate, key: first.privateKey, ca: null });
  assert.equal((await load('a.crt'))[1], secret);
  assert.equal((await load(join(directory, 'a.crt')))[1].certificate, first.certificate);
  const single = new CertificateFiles(join(directory, 'all.yaml'));
  assert.equal((await single.load([virtualServer('a.crt', 'a.key')])).secrets[0]?.[1].key, first.privateKey);
});

test('what cannot be read says why, and nothing else', async () => {
  const directory = temporaryDirectory();
  const files = new CertificateFiles(directory);
  const load = async () => (await files.load([virtualServer('a.crt', 'a.key')])).secrets[0]![1].fault ?? '';
  assert.match(await load(), /a\.crt: no such file/);
  await writeFile(join(directory, 'a.crt'), first.certificate);
  assert.match(await load(), /a\.key: no such file/);
  await mkdir(join(directory, 'a.key'));
  assert.match(await load(), /a\.key: is not a file/);
  await rm(join(directory, 'a.key'), { recursive: true });
  await writeFile(join(directory, 'a.key'), Buffer.alloc((1 << 20) + 1, 'x'));
  assert.match(await load(), /a\.key: has 1048577 bytes/);
  await writeFile(join(directory, 'a.key'), first.privateKey);
  await chmod(join(directory, 'a.key'), 0);
  // root may read it all the same
  if (process.getuid?.() !== 0) assert.match(await load(), /permission denied/);
  await unlink(join(directory, 'a.key'));
  await symlink('a.key', join(directory, 'a.key'));
  assert.match(await load(), /a\.key: is a link that leads to itself/);
});

test('objects of no proper form name no files', async () => {
  const files = new CertificateFiles(temporaryDirectory());
  const odd = [
    null,
    {},
    { listeners: 1 },
    { listeners: [null, {}, { tls: 1 }, { tls: { certificateFiles: [null, {}] } }] },
  ];
  const objects = odd.map((spec) => ({ ...virtualServer('', ''), spec }));
  assert.deepEqual((await files.load(objects)).secrets, []);
});

const opened: StandaloneSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

/** A source, and how to wait for a state of it. */
async function open(config: string) {
  const source = await StandaloneSource.open({
    config,
    parse: (text, file) => {
      const { objects, secrets, faults } = parseManifests(file, text);
      return {
        objects: objects.map(({ raw, line }) => ({ object: raw, line })),
        secrets: secrets.map(({ key, secret }) => [key, secret]),
        faults,
      };
    },
    stateDirectory: null,
    log: createLogger({ level: 'silent' }),
  });
  opened.push(source);
  const waiting = new Set<() => void>();
  source.onChange = () => waiting.forEach((look) => look());
  const until = (wished: (state: SourceState) => boolean) =>
    new Promise<SourceState>((resolve) => {
      const look = () => {
        if (wished(source.state)) resolve(source.state);
      };
      waiting.add(look);
      look();
    });
  return { source, until };
}

const certificateIn = (state: SourceState) => [...state.secrets.values()][0]?.certificate;

test('files are watched: written anew, renamed over, and swapped by a link as Kubernetes does it', async () => {
  const directory = temporaryDirectory();
  const elsewhere = temporaryDirectory();
  const put = async (version: string, { certificate, privateKey }: typeof first) => {
    await mkdir(join(elsewhere, version));
    await writeFile(join(elsewhere, version, 'tls.crt'), certificate);
    await writeFile(join(elsewhere, version, 'tls.key'), privateKey);
    await symlink(version, join(elsewhere, '..data.new'));
    await rename(join(elsewhere, '..data.new'), join(elsewhere, '..data'));
  };
  await put('..1', first);
  for (const name of ['tls.crt', 'tls.key']) await symlink(`..data/${name}`, join(elsewhere, name));
  const object = virtualServer(join(elsewhere, 'tls.crt'), join(elsewhere, 'tls.key'));
  await writeFile(join(directory, 'web.json'), JSON.stringify(object));
  const { source, until } = await open(directory);
  assert.equal(certificateIn(source.state), first.certificate);
  await put('..2', second);
  const state = await until((now) => certificateIn(now) === second.certificate);
  assert.ok(state.revision > 0);
  await writeFile(join(elsewhere, '..2', 'tls.crt'), first.certificate);
  await until((now) => certificateIn(now) === first.certificate);
  await unlink(join(elsewhere, '..data'));
  await until((now) => [...now.secrets.values()][0]?.fault !== undefined);
});

test('a Secret in a file that is empty for a moment does not go away', async () => {
  const directory = temporaryDirectory();
  const data = { 'tls.crt': first.certificate, 'tls.key': first.privateKey };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    type: 'kubernetes.io/tls',
    stringData: data,
  };
  await writeFile(join(directory, 's.json'), JSON.stringify(secret));
  const { source, until } = await open(directory);
  const seen: (string | null | undefined)[] = [];
  const note = source.onChange;
  source.onChange = (state, noticed) => {
    seen.push(certificateIn(state));
    note(state, noticed);
  };
  await writeFile(join(directory, 's.json'), '');
  const next = { ...secret, stringData: { 'tls.crt': second.certificate, 'tls.key': second.privateKey } };
  await writeFile(join(directory, 's.json'), JSON.stringify(next));
  await until((now) => certificateIn(now) === second.certificate);
  assert.deepEqual(seen, [second.certificate]);
  await unlink(join(directory, 's.json'));
  await until((now) => now.secrets.size === 0);
});
