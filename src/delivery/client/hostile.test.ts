import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';

import { bundleOf, newAuthorities } from '../certificates/authorities.ts';
import { json, startFalseServer } from '../fixture/false-server.ts';
import { server as realServer, snapshotOf } from '../fixture/pieces.ts';
import { sharedPort, startProxy } from '../fixture/proxies.ts';
import { listeningLog, startController, until } from '../fixture/servers.ts';
import { nameOf } from '../manifest.ts';
import { FORMAT, type Manifest, MAX_ANSWER } from '../wire.ts';

const authorities = newAuthorities(new Date());
const keys = { cookies: ['aa'.repeat(32)], tickets: ['bb'.repeat(48)] };
const good = snapshotOf([realServer('d/a', 1), realServer('d/b', 1)]);
const manifest: Manifest = {
  format: FORMAT,
  server: 'false',
  id: good.id,
  versions: { services: '1' },
  base: null,
  pieces: good.pieces.map(nameOf),
  removed: [],
  inline: good.pieces,
  keys,
};

type Answer = (response: ServerResponse) => void;
const body =
  (text: string): Answer =>
  (response) =>
    response.end(text);
const value =
  (each: unknown): Answer =>
  (response) =>
    json(response, each);

/** Answers to a sync, and what the log says of them. */
const faulty: Readonly<Record<string, [Answer, RegExp]>> = {
  'no JSON': [body('<html>'), /the body is not JSON/],
  'cut JSON': [body('{"format":1,'), /the body is not JSON/],
  nothing: [value({}), /format: /],
  'not an object': [value([1]), /body: |: /],
  'a strange id': [value({ ...manifest, id: '../../x' }), /id: /],
  'a key that is no key': [value({ ...manifest, keys: { cookies: ['secret'], tickets: [] } }), /keys\.cookies\.0: /],
  'negative versions': [value({ ...manifest, versions: { services: '-5' } }), /versions\.services: /],
  'a later format': [value({ ...manifest, format: FORMAT + 1 }), /understands 1: upgrade the proxy/],
  'another id than its pieces make': [value({ ...manifest, id: '0123456789abcdef' }), /the pieces make snapshot/],
  'a forged piece': [
    value({ ...manifest, inline: [{ ...good.pieces[0], quiesced: true }, good.pieces[1]] }),
    /is not what its hash says/,
  ],
  'a difference to nothing': [value({ ...manifest, base: '0123456789abcdef' }), /to nothing/],
  'too much': [
    (response) => void response.writeHead(200).end(Buffer.alloc(MAX_ANSWER + 1, 32)),
    /the answer has more than/,
  ],
  'an error': [(response) => void response.writeHead(500).end('oops'), /answered 500: without a reason/],
  'a redirect': [
    (response) => void response.writeHead(302, { Location: 'http://169.254.169.254/' }).end(),
    /answered 302/,
  ],
  'half an answer': [
    (response) => void response.writeHead(200, { 'Content-Length': 100 }).write('{', () => response.destroy()),
    /aborted|hang up|ECONNRESET/,
  ],
};

for (const [name, [answer, message]] of Object.entries(faulty)) {
  test(`a replica that answers ${name} changes nothing, is told, and the other one is heard`, async (t) => {
    const log = listeningLog();
    const port = await sharedPort();
    const bad = await startFalseServer(t, authorities, (_, response) => answer(response), '127.0.0.1', port);
    const proxy = await startProxy(t, {
      port,
      bundle: bundleOf(authorities),
      addresses: ['127.0.0.1', '127.0.0.2'],
      log,
    });
    await until(() => log.lines.some((line) => message.test(JSON.stringify(line))));
    assert.deepEqual(proxy.configured, []);
    assert.equal(proxy.client.snapshot, null);
    const { server } = await startController(t, { address: '127.0.0.2', port, authorities });
    server.publish(good, { services: '2' }, keys);
    await until(() => proxy.client.snapshot?.id === good.id);
    assert.deepEqual(proxy.configured, [good.id]);
    assert.doesNotMatch(JSON.stringify(log.lines), /aaaaaaaa/, 'no key in the log');
    assert.ok(bad.asked.length > 0);
  });
}

test('a difference that does not fit is followed by the whole; what is damaged as a whole is not asked for again', async (t) => {
  const log = listeningLog();
  const [, b] = good.pieces;
  const next = snapshotOf([realServer('d/a', 2), b!]);
  const whole = {
    ...manifest,
    id: next.id,
    versions: { services: '2' },
    pieces: next.pieces.map(nameOf),
    inline: next.pieces,
  };
  const answers: Manifest[] = [
    manifest,
    { ...manifest, id: next.id, base: good.id, pieces: [], inline: [] },
    { ...whole, id: '0123456789abcdef' },
    whole,
  ];
  const asked: unknown[] = [];
  const bad = await startFalseServer(t, authorities, (path, response, { have, refused }) => {
    if (path !== '/v1/sync') return json(response, { next: 1000 });
    asked.push({ have, refused });
    const answer = answers.shift();
    // Then it is held, until the test ends.
    if (answer !== undefined) json(response, answer);
  });
  const proxy = await startProxy(t, { port: bad.port, bundle: bundleOf(authorities), log });
  await until(() => asked.length === 5);
  assert.deepEqual(asked, [
    { have: null, refused: null },
    { have: good.id, refused: null },
    { have: null, refused: null },
    { have: good.id, refused: '0123456789abcdef' },
    { have: next.id, refused: null },
  ]);
  assert.deepEqual(proxy.configured, [good.id, next.id]);
  assert.deepEqual(
    log.lines.map(({ message }) => message),
    ['a snapshot is not taken'],
  );
});

test('a replica that has no piece it names any more is asked again, and what it had is not fetched twice', async (t) => {
  const fetched: unknown[] = [];
  const next = snapshotOf([good.pieces[0]!, realServer('d/b', 2)]);
  let syncs = 0;
  const bad = await startFalseServer(t, authorities, (path, response, { hashes }) => {
    if (path === '/v1/sync') {
      syncs++;
      if (syncs === 1) json(response, { ...manifest, inline: [] });
      else if (syncs === 2) json(response, { ...manifest, id: next.id, pieces: next.pieces.map(nameOf), inline: [] });
    } else if (path === '/v1/pieces') {
      fetched.push(hashes);
      const wanted = new Set(hashes as string[]);
      json(response, { pieces: next.pieces.filter(({ hash }) => wanted.has(hash)) });
    }
  });
  const proxy = await startProxy(t, { port: bad.port, bundle: bundleOf(authorities) });
  await until(() => proxy.client.snapshot?.id === next.id);
  const [a, b] = good.pieces.map(({ hash }) => hash);
  assert.deepEqual(fetched, [[a, b], [b], [next.pieces[1]!.hash]]);
});

test('a replica that answers at once for ever is asked ever more seldom', async (t) => {
  const said: number[] = [];
  const bad = await startFalseServer(t, authorities, (path, response) => {
    if (path === '/v1/sync') said.push(performance.now());
    json(response, path === '/v1/sync' ? manifest : { next: 1000 });
  });
  await startProxy(t, { port: bad.port, bundle: bundleOf(authorities) });
  await until(() => said.length >= 9);
  const pauses = said.slice(1).map((at, i) => at - said[i]!);
  assert.ok(pauses.at(-1)! > 4 * pauses[3]!, pauses.map(Math.round).join(' '));
});
