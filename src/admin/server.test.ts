import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import type { Snapshot } from '../model/snapshot.ts';
import { localListeners } from '../proxy/supervisor/local-listeners.ts';
import { temporaryDirectory } from '../standalone/fixture/temporary-directory.ts';
import { createLogger } from '../telemetry/log.ts';
import type { AdminBackend } from './backend.ts';
import type { ObjectsWrite } from './contract.ts';
import { Refusal } from './refusal.ts';
import { type Admin, startAdmin } from './server.ts';

const opened: Admin[] = [];
afterEach(async () => {
  for (const admin of opened.splice(0)) await admin.close();
});

interface Fake extends AdminBackend {
  ready: boolean;
  shown: Snapshot | null;
  readonly writes: ObjectsWrite[];
  level: string;
}

function fake(): Fake {
  const backend: Fake = {
    ready: true,
    shown: null,
    writes: [],
    level: 'info',
    readiness: () => ({
      ready: backend.ready,
      reasons: backend.ready ? [] : ['draining'],
      details: ['/etc/tcpvs/a.yaml:3: secret place'],
    }),
    metrics: () => 'tcpvs_ready 1\n',
    status: () => ({ objects: [], faults: [] }),
    objects: () => ({ revision: 7, objects: [] }),
    write: async (write) => {
      if (write.revision !== 7) throw new Refusal(409, 'the objects have changed');
      backend.writes.push(write);
      return { revision: 8, objects: [] };
    },
    counts: () => ({ rows: [], endpoints: [] }),
    profiles: () => ({ at: 0, matrices: [] }),
    snapshot: () => backend.shown,
    logLevel: () => backend.level,
    setLogLevel: (level) => {
      if (level !== 'debug') return false;
      backend.level = level;
      return true;
    },
    reload: async () => undefined,
  };
  return backend;
}

async function open() {
  const directory = temporaryDirectory();
  const path = join(directory, 'admin.sock');
  const listeners = localListeners();
  const backend = fake();
  const log = createLogger({ level: 'silent' });
  const admin = await startAdmin({
    backend,
    log,
    socket: await listeners.openPath(path),
    tcp: await listeners.open('127.0.0.1', 0),
  });
  opened.push(admin);
  const ask = (where: 'socket' | 'tcp', method: string, target: string, body?: string) =>
    new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
      const to = where === 'socket' ? { socketPath: path } : { host: '127.0.0.1', port: admin.port };
      const outgoing = request({ ...to, method, path: target, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  return { backend, path, ask, port: admin.port };
}

const OWNER_PATHS = ['/v1/status', '/v1/objects', '/v1/counts', '/v1/snapshot', '/v1/log-level', '/v1/reload'];

test('the Unix socket belongs to its owner alone', async () => {
  const { path } = await open();
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('HOST:PORT has health, readiness and metrics, and nothing else, by any method', async () => {
  const { ask } = await open();
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    assert.equal((await ask('tcp', 'GET', path)).status, 200);
    assert.equal((await ask('tcp', 'HEAD', path)).body, '');
    assert.equal((await ask('tcp', 'POST', path)).status, 405);
  }
  for (const path of [...OWNER_PATHS, '/', '/v1', '//metrics', '/metrics/', '/healthz%00', '/%2e%2e/v1/status']) {
    for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS']) {
      assert.equal((await ask('tcp', method, path)).status, 404, `${method} ${path}`);
    }
  }
});

test('nothing of a request comes back from HOST:PORT', async () => {
  const { ask } = await open();
  const canary = 'canary-77';
  const { body, headers } = await ask('tcp', 'GET', `/${canary}?${canary}`);
  assert.ok(!(body + JSON.stringify(headers)).includes(canary));
});

test('readiness says why not; names of files only to the owner', async () => {
  const { ask, backend } = await open();
  backend.ready = false;
  const tcp = await ask('tcp', 'GET', '/readyz');
  assert.equal(tcp.status, 503);
  assert.match(tcp.body, /draining/);
  assert.ok(!tcp.body.includes('/etc/tcpvs'));
  assert.match((await ask('socket', 'GET', '/readyz')).body, /\/etc\/tcpvs\/a\.yaml:3/);
  assert.equal((await ask('tcp', 'GET', '/healthz')).status, 200);
});

test('the owner reads documents', async () => {
  const { ask, backend } = await open();
  assert.deepEqual(JSON.parse((await ask('socket', 'GET', '/v1/objects')).body), { revision: 7, objects: [] });
  assert.deepEqual(JSON.parse((await ask('socket', 'GET', '/v1/counts')).body), { rows: [], endpoints: [] });
  assert.equal((await ask('socket', 'GET', '/v1/snapshot')).status, 503);
  backend.shown = { id: 'abc', pieces: [] };
  assert.deepEqual(JSON.parse((await ask('socket', 'GET', '/v1/snapshot')).body), { id: 'abc', pieces: [] });
  assert.deepEqual(JSON.parse((await ask('socket', 'POST', '/v1/reload')).body), { faults: [] });
});

test('not even the owner is shown a private key', async () => {
  const { ask, backend } = await open();
  const secret = { kind: 'Certificate', key: 'a/b', hash: 'h', certificate: 'public', privateKey: 'canary' } as const;
  backend.shown = { id: 'abc', pieces: [secret] };
  const { body } = await ask('socket', 'GET', '/v1/snapshot');
  assert.match(body, /public/);
  assert.doesNotMatch(body, /canary/);
});

test('a write reaches the backend whole; what is not a write does not', async () => {
  const { ask, backend } = await open();
  const write = (body: unknown) =>
    ask('socket', 'POST', '/v1/objects', typeof body === 'string' ? body : JSON.stringify(body));
  const object = {
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'a', namespace: 'b', labels: { x: 'y' } },
    spec: { z: 1 },
  };
  const good = { revision: 7, apply: [object], delete: [{ kind: 'X', namespace: 'b', name: 'c' }] };
  assert.equal((await write(good)).status, 200);
  assert.deepEqual(backend.writes, [good]);
  const bad: [unknown, number, RegExp][] = [
    ['{', 400, /not JSON/],
    ['', 400, /not JSON/],
    [{ ...good, revision: 'x' }, 400, /revision/],
    [{ ...good, apply: [{ kind: 'X' }] }, 400, /apply\.0/],
    [{ ...good, more: 1 }, 400, /more/],
    [{ ...good, revision: 6 }, 409, /have changed/],
  ];
  for (const [body, status, message] of bad) {
    const answer = await write(body);
    assert.equal(answer.status, status);
    assert.match((JSON.parse(answer.body) as { error: string }).error, message);
  }
  assert.equal(backend.writes.length, 1);
});

test('the log level is read and changed', async () => {
  const { ask } = await open();
  const put = (level: unknown) => ask('socket', 'PUT', '/v1/log-level', JSON.stringify({ level }));
  assert.equal((await put('debug')).status, 200);
  assert.deepEqual(JSON.parse((await ask('socket', 'GET', '/v1/log-level')).body), { level: 'debug' });
  const bad = await put('loud');
  assert.equal(bad.status, 400);
  assert.match(bad.body, /read \\"loud\\", expected fatal/);
  assert.equal((await put(3)).status, 400);
});

test('a method that a path does not take is told those that it takes', async () => {
  const { ask } = await open();
  const answer = await ask('socket', 'DELETE', '/v1/objects');
  assert.equal(answer.status, 405);
  assert.equal(answer.headers['allow'], 'GET, POST');
  assert.equal((await ask('socket', 'GET', '/v1/nothing')).status, 404);
  assert.equal((await ask('socket', 'constructor', '/v1/objects')).status, 400);
});

test('a body beyond the limit is answered 413 and not kept', async () => {
  const { path } = await open();
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(path);
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    const size = 80 << 20;
    socket.write(`POST /v1/objects HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
    const chunk = Buffer.alloc(1 << 20, 0x20);
    for (let sent = 0; sent < size; sent += chunk.length) socket.write(chunk);
    socket.end();
  });
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('what is not HTTP is dropped, and the next client is served', async () => {
  const { ask, port } = await open();
  await new Promise<void>((resolve) => {
    const socket = connect(port ?? 0, '127.0.0.1', () => socket.write('\x16\x03\x01 rubbish\r\n\r\n'));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
  assert.equal((await ask('tcp', 'GET', '/healthz')).status, 200);
});
