import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';

import { Caller, emptySync } from '../fixture/caller.ts';
import { server as realServer, snapshotOf } from '../fixture/pieces.ts';
import { type Controller, listeningLog, NAME, startController, until } from '../fixture/servers.ts';
import { keysId } from '../keys.ts';
import { MAX_REQUEST } from '../wire.ts';

const keys = { cookies: ['aa'.repeat(32)], tickets: ['bb'.repeat(48)] };
const one = snapshotOf([realServer('d/a', 1), realServer('d/b', 1)]);
const two = snapshotOf([one.pieces[0]!, realServer('d/b', 2)]);
const has = (snapshot: { id: string }, versions: Record<string, string>) => ({
  have: snapshot.id,
  keys: keysId(keys),
  versions,
});

const held = async ({ server }: Controller, count: number) => {
  const family = () => server.families().find(({ name }) => name === 'tcpvs_delivery_syncs_held')!;
  await until(() => family().samples[0]!.value === count);
};

test('who has no token of a proxy gets nothing, whatever the URL and the method', async (t) => {
  const log = listeningLog();
  const controller = await startController(t, { log });
  controller.server.publish(one, { services: '1' }, keys);
  const strangers = ['', 'Basic dXNlcjpwYXNz', 'Bearer', 'Bearer a b', 'Bearer thief', `Bearer ${'x'.repeat(9000)}`];
  const caller = new Caller(t, controller);
  for (const authorization of strangers) {
    for (const path of ['/v1/sync', '/v1/pieces', '/v1/report', '/', '/metrics', '/v1/sync?x', '//v1/sync']) {
      for (const method of ['POST', 'GET']) {
        const body = method === 'GET' ? '' : { ...emptySync, hashes: one.pieces.map(({ hash }) => hash) };
        const { status, json, headers } = await caller.post(path, body, {
          method,
          headers: { Authorization: authorization },
        });
        assert.equal(status, 401, `${authorization} ${path}`);
        assert.match(String(json['error']), /token is (?:needed|refused)/);
        assert.equal(headers['connection'], 'close');
        assert.doesNotMatch(JSON.stringify(json), /v1|serviceaccount|d\/a/);
      }
    }
  }
  assert.deepEqual([...controller.server.replicas()], []);
  assert.equal(controller.reviewer.reviews, 1, 'a refused token is not asked about again at once');
  assert.deepEqual(
    log.lines.map(({ message }) => message),
    ['a token is refused'],
  );
});

test('a token is reviewed once; when the API server is away, those that it knew are let in, new ones have to wait', async (t) => {
  const controller = await startController(t);
  const { server, reviewer } = controller;
  server.publish(one, {}, keys);
  const caller = new Caller(t, controller);
  const opened = Promise.withResolvers<void>();
  reviewer.gate = opened.promise;
  const several = [caller.sync(), caller.sync(), caller.sync()];
  await until(() => reviewer.reviews === 1);
  opened.resolve();
  for (const { status } of await Promise.all(several)) assert.equal(status, 200);
  reviewer.down = true;
  assert.equal((await caller.sync()).status, 200);
  assert.equal(reviewer.reviews, 1);
  const other = await new Caller(t, controller, 'token-2').sync();
  assert.equal(other.status, 503);
  assert.match(String(other.json['error']), /could not be reviewed/);
  reviewer.down = false;
  assert.equal((await new Caller(t, controller, 'token-2').sync()).status, 200);
});

test('a sync waits for the first snapshot, and then for a newer one, of which it gets the difference', async (t) => {
  const controller = await startController(t);
  const { server } = controller;
  const [a, b] = [new Caller(t, controller), new Caller(t, controller, 'token-2')];
  const first = [a.sync(), b.sync()];
  await held(controller, 2);
  server.publish(one, { services: '7' }, keys);
  for (const { status, json } of await Promise.all(first)) {
    assert.equal(status, 200);
    const { id, base, versions, inline, pieces, keys: sent } = json;
    assert.deepEqual(
      { id, base, versions, inline, sent },
      { id: one.id, base: null, versions: { services: '7' }, inline: one.pieces, sent: keys },
    );
    assert.equal((pieces as unknown[]).length, 2);
  }
  const second = [a.sync(has(one, { services: '7' })), b.sync(has(one, { services: '7' }))];
  await held(controller, 2);
  assert.equal((await a.sync({ ...has(one, { services: '7' }), hold: false })).status, 204);
  // The same, of later versions: nobody is woken up for it.
  server.publish(one, { services: '8' }, keys);
  server.publish(two, { services: '9' }, keys);
  for (const { text, json } of await Promise.all(second)) {
    const { base, inline, removed, pieces } = json;
    const [, changed] = two.pieces;
    assert.deepEqual({ base, inline, removed }, { base: one.id, inline: [changed], removed: [] });
    assert.deepEqual(pieces, [[changed!.kind, changed!.key, changed!.hash]]);
    assert.equal(text.includes(two.pieces[0]!.hash), false);
  }
  const rotated = { ...keys, cookies: ['bb'.repeat(32), ...keys.cookies] };
  const third = a.sync(has(two, { services: '9' }));
  await held(controller, 1);
  server.publish(two, { services: '9' }, rotated);
  const { json } = await third;
  assert.deepEqual([json['base'], json['pieces'], json['keys']], [two.id, [], rotated]);
});

test('a proxy whose snapshot is not known here gets the names of all pieces, and those that it asks for', async (t) => {
  const controller = await startController(t);
  controller.server.publish(one, {}, keys);
  const caller = new Caller(t, controller);
  const { json } = await caller.sync({ have: '0123456789abcdef', keys: keysId(keys) });
  assert.equal(json['base'], null);
  const wanted = [two.pieces[1]!.hash, one.pieces[1]!.hash];
  const { json: answer } = await caller.post('/v1/pieces', { hashes: wanted });
  assert.deepEqual(answer, { pieces: [one.pieces[1]] });
});

test('nobody is offered what is older than what they have, nor what they have refused', async (t) => {
  const controller = await startController(t);
  const { server } = controller;
  server.publish(two, { services: '8', slices: '20' }, keys);
  const caller = new Caller(t, controller);
  const older = [{ services: '9' }, { services: '8', slices: '21' }, { services: '7', slices: '21' }];
  const waiting = [
    ...older.map((versions) => caller.sync(has(one, versions))),
    caller.sync({ ...has(one, {}), refused: two.id }),
  ];
  await held(controller, 4);
  const three = snapshotOf([realServer('d/c', 1)]);
  server.publish(three, { services: '10', slices: '21' }, keys);
  for (const { json } of await Promise.all(waiting)) assert.equal(json['id'], three.id);
});

test('what cannot be understood is answered by what was wrong with it', async (t) => {
  const controller = await startController(t);
  controller.server.publish(one, {}, keys);
  const caller = new Caller(t, controller);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const cases: [string, unknown, number, RegExp][] = [
    ['/v1/sync', '', 400, /^the body is not JSON/],
    ['/v1/sync', '{"format":1', 400, /^the body is not JSON/],
    ['/v1/sync', deep, 400, /body/],
    ['/v1/sync', {}, 400, /^format: .*; version: /],
    ['/v1/sync', { ...emptySync, have: 'x' }, 400, /^have: /],
    ['/v1/sync', { ...emptySync, versions: { a: '-1' } }, 400, /^versions\.a: /],
    ['/v1/sync', { ...emptySync, versions: { a: '1'.repeat(40) } }, 400, /^versions\.a: /],
    [
      '/v1/sync',
      { ...emptySync, versions: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`t${i}`, '1'])) },
      400,
      /^versions: at most 64/,
    ],
    [
      '/v1/sync',
      { ...emptySync, className: 'other' },
      409,
      /^className: read "other", this controller serves "tcpvs"$/,
    ],
    ['/v1/pieces', { hashes: [] }, 400, /^hashes: /],
    ['/v1/pieces', { hashes: Array.from({ length: 1001 }, () => '0123456789abcdef') }, 400, /^hashes: /],
    ['/v1/pieces', { hashes: ['../../etc/passwd'] }, 400, /^hashes\.0: /],
    [
      '/v1/report',
      { sequence: 1, base: 0, rows: [['a', -1, []]], rowsGone: [], endpoints: [], endpointsGone: [] },
      400,
      /^rows\.0\.1: /,
    ],
    [
      '/v1/report',
      { ...emptyReport, samples: [[1, [], [['m', 's', '10.0.0.1', 80, Array.from({ length: 201 }, () => 1), []]]]] },
      400,
      /^samples\.0\.2\.0\.4: /,
    ],
    ['/v1/report', { ...emptyReport, samples: [[1, [-1], []]] }, 400, /^samples\.0\.1\.0: /],
    ['/v1/none', {}, 404, /^no such path; there is \/v1\/sync, \/v1\/pieces, \/v1\/report$/],
    ['/v1/sync', 'x'.repeat(MAX_REQUEST + 1), 413, /^the body has more than 4194304 bytes$/],
  ];
  for (const [path, body, status, message] of cases) {
    const answer = await caller.post(path, body);
    assert.equal(answer.status, status, `${path} ${String(body).slice(0, 40)} ${answer.text}`);
    assert.match(String(answer.json['error']), message);
  }
  assert.equal((await caller.post('/v1/sync', '', { method: 'GET' })).status, 405);
  assert.equal((await caller.sync()).status, 200, 'it serves on');
});

const emptyReport = { sequence: 1, base: 0, rows: [], rowsGone: [], endpoints: [], endpointsGone: [] };

const row = (id: string, requests: number) => [
  id,
  1,
  [
    ['d/a', null, 3, 1, requests, requests, 0, 0, 0],
    ['d/b', null, 1, 0, 0, 0, 0, 0, 0],
  ],
];

test('acknowledgements are known at once, and told once; counts are merged', async (t) => {
  const controller = await startController(t);
  const { server } = controller;
  const told: [string, string | null | undefined][] = [];
  const end = server.onAcknowledge(({ uid, programmed }) => told.push([uid, programmed?.snapshot]));
  const news: string[] = [];
  const endNews = server.onReport((each) => news.push(each));
  server.publish(one, {}, keys);
  const caller = new Caller(t, controller);
  await caller.sync();
  const programmed = { snapshot: one.id, listeners: [{ address: '::', port: 80, error: null }] };
  const waits = [caller.sync({ ...has(one, {}), programmed }), caller.sync({ ...has(one, {}), programmed })];
  await held(controller, 2);
  assert.deepEqual(told, [['uid-1', one.id]]);
  const replica = server.replicas().get('uid-1')!;
  assert.deepEqual(
    [replica.name, replica.version, replica.have, replica.programmed],
    ['pod-1', '0.1.0', one.id, programmed],
  );

  const report = (sequence: number, base: number, more: object) =>
    caller.post('/v1/report', { sequence, base, rows: [], rowsGone: [], endpoints: [], endpointsGone: [], ...more });
  assert.equal((await report(2, 1, {})).status, 409);
  const first = await report(1, 0, {
    rows: [row('servers d/v', 4)],
    endpoints: [['d/a', '10.0.0.1', 80, 2, 0, ['check']]],
  });
  assert.deepEqual(first.json, { next: 1000, replicas: 1 });
  assert.equal((await report(2, 1, { rows: [row('servers d/w', 1)] })).status, 200);
  const { rows, endpoints } = server.replicas().get('uid-1')!.counts;
  assert.deepEqual(
    rows.map(({ id, cells }) => [id, cells[0]!.asked, cells[0]!.delivered, cells[1]!.askedAvailable]),
    [
      ['servers d/v', 0.75, 1, 0],
      ['servers d/w', 0.75, 1, 0],
    ],
  );
  assert.deepEqual(endpoints, [
    { server: 'd/a', address: '10.0.0.1', port: 80, active: 2, available: false, down: ['check'] },
  ]);
  const taken = { snapshot: one.id, listeners: [{ address: '::', port: 80, error: 'in use' }] };
  await report(3, 2, { programmed: taken });
  assert.deepEqual(server.replicas().get('uid-1')!.programmed, taken);
  assert.equal(told.length, 2);
  assert.equal((await report(4, 0, {})).status, 200);
  assert.deepEqual(server.replicas().get('uid-1')!.counts, { rows: [], endpoints: [] });
  assert.deepEqual(news, ['Health', 'Counts', 'Counts', 'Health']);
  end();
  endNews();
  await report(5, 4, { programmed });
  assert.deepEqual([told.length, news.length], [2, 4]);
  await server.close();
  assert.equal(
    (await Promise.all(waits)).every(({ status }) => status === 204),
    true,
  );
});

test('of the samples of a proxy the last are kept, and how far its clock seems to be behind', async (t) => {
  const controller = await startController(t);
  const caller = new Caller(t, controller);
  const endpoint = ['matrix d/m a', 'd/a', '10.0.0.1', 80, [1, 0, 2], [0, 1]];
  let sequence = 0;
  const report = (more: object) =>
    caller.post('/v1/report', { ...emptyReport, sequence: ++sequence, base: sequence - 1, ...more });
  assert.equal((await report({})).status, 200);
  const replica = () => controller.server.replicas().get('uid-1')!;
  assert.deepEqual([replica().samples, replica().behind], [[], null]);
  await report({ samples: [[7, [3], [endpoint]]], now: Date.now() - 5000 });
  assert.deepEqual(replica().samples, [
    {
      number: 7,
      missed: [3],
      endpoints: [
        {
          row: 'matrix d/m a',
          server: 'd/a',
          address: '10.0.0.1',
          port: 80,
          inFlight: Uint16Array.of(1, 0, 2),
          answers: Uint16Array.of(0, 1),
        },
      ],
    },
  ]);
  assert.ok(replica().behind! >= 5000 && replica().behind! < 10_000);
  // One that came at once tells more than those that were held up.
  await report({ now: Date.now() });
  assert.ok(replica().behind! >= 0 && replica().behind! < 5000);
  for (let number = 8; number < 40; number++) await report({ samples: [[number, [], []]] });
  assert.deepEqual([replica().samples[0]!.number, replica().samples.length], [30, 10]);
  await report({ samples: [[31, [], []]] });
  const numbers = replica().samples.map(({ number }) => number);
  assert.deepEqual(numbers, [30, 31], 'a clock that was put back: those after it are none of its time');
});

test('priors of adaptive limits are told once, to proxies that ask for them', async (t) => {
  const controller = await startController(t);
  const caller = new Caller(t, controller);
  let sequence = 0;
  const report = async (priors?: string) => {
    const more = priors === undefined ? {} : { priors };
    const body = { ...emptyReport, sequence: ++sequence, base: sequence - 1, ...more };
    return (await caller.post('/v1/report', body)).json['priors'] as { id: string; known: unknown } | undefined;
  };
  const none = '0'.repeat(16);
  assert.equal(await report(none), undefined, 'nothing is known yet');
  controller.server.setPriors(new Map([['matrix d/m a\nd/s', 7.6]]));
  const { id, known } = (await report(none))!;
  assert.deepEqual(known, [['matrix d/m a', 'd/s', 8]]);
  assert.equal(await report(id), undefined);
  assert.equal(await report(), undefined, 'a proxy of an earlier release');
  controller.server.setPriors(new Map([['matrix d/m a\nd/s', 8.4]]));
  assert.equal(await report(id), undefined, 'it is the same number of requests');
  controller.server.setPriors(new Map());
  assert.deepEqual((await report(id))!.known, []);
});

test('a certificate is changed at run time: new connections see it, those that are open stay', async (t) => {
  const controller = await startController(t);
  const { server } = controller;
  server.publish(one, {}, keys);
  const old = new Caller(t, controller);
  const { serial } = await old.sync();
  const next = controller.certificate();
  server.setCertificate(next);
  assert.equal((await old.sync()).serial, serial);
  assert.equal((await new Caller(t, controller).sync()).serial, new X509Certificate(next.certificate).serialNumber);
  assert.throws(() => server.setCertificate({ certificate: 'none', privateKey: 'none' }));
  assert.equal((await new Caller(t, controller).sync()).status, 200);
});

test('closing answers what is held, and tells the other side to go', async (t) => {
  const controller = await startController(t);
  controller.server.publish(one, {}, keys);
  const waiting = new Caller(t, controller).sync(has(one, {}));
  await held(controller, 1);
  const silent = net.connect(controller.server.port, '127.0.0.1');
  await once(silent, 'connect');
  const gone = closed(silent);
  await controller.server.close();
  const { status, headers } = await waiting;
  assert.deepEqual([status, headers['connection']], [204, 'close']);
  await gone;
  await assert.rejects(new Caller(t, controller).sync(), { code: 'ECONNREFUSED' });
});

const closed = (socket: net.Socket) =>
  new Promise<void>((resolve) => {
    socket.on('error', () => undefined).on('close', () => resolve());
    socket.resume();
  });

test('clients that are slow, silent or speak something else are closed, and harm nobody', async (t) => {
  const log = listeningLog();
  const deadlines = { handshake: 200, head: 200, request: 200, silence: 60_000, look: 50 };
  const controller = await startController(t, { log, deadlines });
  controller.server.publish(one, {}, keys);
  const { port } = controller.server;
  const secure = (text: string) => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: controller.bundle, servername: NAME });
    socket.write(text);
    return closed(socket);
  };
  const plain = (bytes: Buffer | string) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.write(bytes);
    return closed(socket);
  };
  const head = `POST /v1/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-1\r\n`;
  await Promise.all([
    plain('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    plain(Buffer.of(0x16, 3, 1, 0xff)),
    secure(''),
    secure('POST /v1/sync HT'),
    secure(`${head}Content-Length: 100\r\n\r\n{"format`),
    secure(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n`),
    secure('\0\0\0\0'),
    secure(`POST /v1/sync HTTP/1.1\r\n${'A: b\r\n'.repeat(10_000)}\r\n`),
  ]);
  assert.equal((await new Caller(t, controller).sync()).status, 200);
  assert.deepEqual([...controller.server.replicas().keys()], ['uid-1']);
  assert.ok(log.lines.length <= 10, 'no flood');
});

test('an address that is taken is told', async (t) => {
  const { server } = await startController(t);
  await assert.rejects(startController(t, { port: server.port }), { code: 'EADDRINUSE' });
});
