/**
 * Row 27: secrets of clients and of the operator go through the proxy in every place that can hold one, in requests that are
 * served and in requests that go wrong; none of them appears in anything that the proxy says of itself.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as secureConnect } from 'node:tls';

import { freePort, origin } from '../../src/proxy/worker/fixture.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { count, FULL, report } from './figures.ts';
import { LoadServer } from './load.ts';
import { type Served, startServe } from './serve.ts';

const NAME = 'a.example';
/** One word for each place, so that a find says where it came from. */
const CANARIES = ['authorization', 'cookie', 'query', 'field', 'body', 'trailer'].map((place) => `canary0${place}0`);
const [AUTHORIZATION, COOKIE, QUERY, FIELD, BODY, TRAILER] = CANARIES;
const REQUESTS = count(600, 10_000);

test('27. no secret appears in what the proxy says', { timeout: FULL ? 600_000 : 100_000 }, async (t) => {
  const web = await origin('ok', (request, response) => {
    if (!request.url!.startsWith('/slow')) response.end('ok');
  });
  const resets = await LoadServer.start();
  t.after(async () => {
    web.close();
    await resets.close();
  });
  resets.answer = ({ socket }) => socket.resetAndDestroy();
  const issued = makeAuthority().issue({ names: [NAME] });
  const served = await startServe({
    servers: [{ port: web.port }, { port: resets.port }, { port: await freePort() }],
    rules: [
      { ...only('web0', '/slow'), timeouts: { request: '50ms' }, retry: { attempts: 0 } },
      only('web1', '/resets'),
      only('web2', '/refuses'),
      only('web0', '/served'),
    ],
    limits: { bodyBytes: 1_000_000 },
    tls: issued,
    logLevel: 'trace',
    args: ['--access-log', '1'],
  });
  t.after(() => served.stop());

  const answers = new Map<string, number>();
  const said: string[] = [];
  let next = 0;
  const client = async () => {
    for (;;) {
      const index = next++;
      if (index >= REQUESTS) return;
      const text = await ask(served, index % 2 === 0, requestOf(index));
      const status = text.slice(9, 12);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      said.push(text);
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));

  for (const path of ['/metrics', '/healthz', '/readyz']) said.push((await served.admin(path)).body);
  for (const path of ['/v1/snapshot', '/v1/status', '/v1/counts']) said.push(await served.local(path));
  await served.stop();
  assert.ok(served.log.includes('"log":"access"'), 'requests are in the log');
  said.push(served.log);
  const expected = ['200', '400', '404', '413', '431', '502', '504'];
  assert.deepEqual([...answers.keys()].toSorted(), expected, 'what is served and what goes wrong');
  const key = issued.privateKey.split('\n').filter((line) => line.length > 24 && !line.startsWith('-'));
  assert.ok(key.length > 0);
  for (const needle of [...CANARIES, ...key]) {
    for (const text of said) assert.ok(!text.includes(needle), `${needle} in: ${around(text, needle)}`);
  }
  report(27, 'secrets', {
    requests: REQUESTS,
    answers: Object.fromEntries(answers),
    searchedBytes: said.reduce((sum, { length }) => sum + length, 0),
    found: 0,
  });
});

const only = (server: string, path: string) => ({
  match: { path: { type: 'Prefix', value: path } },
  servers: [{ server, weight: 1 }],
});

const line = (target: string) => `POST ${target}?token=${QUERY} HTTP/1.1`;

/** Each with all of the secrets; most of them wrong in one way. */
function requestOf(index: number): string {
  const fields = [
    `Host: ${NAME}`,
    'Connection: close',
    `Authorization: Bearer ${AUTHORIZATION}`,
    `Cookie: sid=${COOKIE}`,
    `X-Api-Key: ${FIELD}`,
  ];
  const whole = (target: string, more: readonly string[] = []) =>
    [line(target), ...fields, ...more, `Content-Length: ${BODY!.length}`, '', BODY].join('\r\n');
  const wrong = [
    () => whole('/slow'),
    () => whole('/resets'),
    () => whole('/refuses'),
    () => whole('/nobody'),
    () => whole('/served', [`Bad Name: ${FIELD}`]),
    () => whole('/served', [`X-Bad: ${FIELD}\u0001`]),
    () => whole('/served', [`X-Large: ${FIELD}${'x'.repeat(70_000)}`]),
    () => whole(`/served/%zz${QUERY}`),
    () => [line('/served'), ...fields, `Content-Length: 5000000`, '', BODY].join('\r\n'),
    () => [line('/served'), ...fields, `Transfer-Encoding: ${FIELD}`, '', BODY].join('\r\n'),
    () => [line('/served'), ...fields, 'Transfer-Encoding: chunked', '', `5;x=${FIELD}`, BODY].join('\r\n'),
    () =>
      [line('/served'), ...fields, 'Transfer-Encoding: chunked', '', '1', 'x', '0', `X: ${TRAILER}`, '', ''].join(
        '\r\n',
      ),
  ];
  return index % 3 === 0 ? wrong[(index / 3) % wrong.length]!() : whole('/served');
}

/** Everything that comes until the end. */
function ask({ address, port, tlsPort }: Served, isSecure: boolean, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = isSecure
      ? secureConnect({ host: address, port: tlsPort, servername: NAME, rejectUnauthorized: false })
      : connect(port, address);
    let answer = '';
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
    socket.on('error', () => {}).on('close', () => resolve(answer));
    socket.write(text, 'latin1');
  });
}

const around = (text: string, needle: string): string => {
  const at = text.indexOf(needle);
  return text.slice(Math.max(0, at - 200), at + 100);
};
