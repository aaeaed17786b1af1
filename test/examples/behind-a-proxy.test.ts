/** Example 14, by a client that sends the header itself, and by HAProxy in front. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { freePort } from '../../src/cli/demo-ports.ts';
import { ROOT } from '../../src/cli/demo-serve.ts';
import { startExample } from '../demo/stage.ts';

const installed = spawnSync('haproxy', ['-v']).error === undefined;
/** On a Debian machine as root `make tools` has installed it, so there the test must not be left out. */
const excusable = process.platform !== 'linux' || process.getuid?.() !== 0;
const skip = !installed && excusable ? 'haproxy is not installed (make tools says how)' : false;

const EXAMPLE = '14-behind-a-proxy';
const TRUST = ['--trusted-proxies', '127.0.0.1'];

/** Sends `text` and resolves to all that comes until the end. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
  socket.write(text);
  await closed;
  return answer;
}

const GET = 'GET /echo HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n';

test('14: the server is told the address that the header names', async () => {
  await using stage = await startExample(EXAMPLE, { servers: ['web1'], args: TRUST });
  const answer = await say(stage.port, `PROXY TCP4 203.0.113.7 192.0.2.1 56324 80\r\n${GET}`);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(answer, /^X-Forwarded-For: 203\.0\.113\.7$/im);
  assert.equal(await say(stage.port, GET), '', 'without the header: closed');
});

test('14: HAProxy in front, its health checks included', { skip }, async () => {
  await using stage = await startExample(EXAMPLE, { servers: ['web1'], args: TRUST });
  for (const version of ['send-proxy-v2', 'send-proxy']) {
    const front = await freePort();
    const file = join(stage.directory, `${version}.cfg`);
    const text = readFileSync(join(ROOT, 'examples', EXAMPLE, 'haproxy.cfg'), 'utf8');
    const checked = `check inter 50ms ${version}`;
    writeFileSync(
      file,
      text.replace('check send-proxy-v2', checked).replace(':7000', `:${front}`).replace(':8000', `:${stage.port}`),
    );
    const haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    haproxy.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const ended = once(haproxy, 'exit');
    try {
      const body = await untilAnswered(
        front,
        () => haproxy.exitCode === null,
        () => log,
      );
      // Clients of HAProxy are on 127.0.0.2 here, tcpvs' peer is 127.0.0.1.
      assert.match(body, /^X-Forwarded-For: 127\.0\.0\.2$/im, version);
      // Twenty checks meanwhile: had one failed, HAProxy would say so and refuse the next request.
      for (let count = 0; count < 20; count++) {
        await pause();
        assert.match(await get(front), /^X-Forwarded-For: 127\.0\.0\.2$/im);
      }
      assert.doesNotMatch(log, /DOWN/);
    } finally {
      haproxy.kill('SIGTERM');
      await ended;
    }
  }
});

/** As long as HAProxy waits between two checks. */
const pause = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 50);
  });

async function untilAnswered(port: number, again: () => boolean, log: () => string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const body = await get(port).catch((error: unknown) => {
      if (!again()) throw new Error(log(), { cause: error });
      return null;
    });
    if (body !== null) return body;
    await pause();
  }
  throw new Error(`no answer\n${log()}`);
}

function get(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, localAddress: '127.0.0.2', path: '/echo', agent: false },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString())).on('end', () => resolve(body));
      },
    );
    asked.on('error', reject).end();
  });
}
