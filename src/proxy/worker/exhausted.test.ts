/** What we run out of says nothing about the server. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { it } from 'node:test';

import { GLOBAL, LIMITS } from '../shared.ts';
import { rawServer, startInProcess } from './in-process.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';

const prlimit = (...args: string[]): string =>
  execFileSync('prlimit', ['--pid', String(process.pid), ...args]).toString();

/** Opens all descriptors that this process may have; returns what gives them back. */
function exhaust(): () => void {
  const before = prlimit('--nofile', '--noheadings', '--output=SOFT').trim();
  prlimit('--nofile=256:');
  const open: number[] = [];
  try {
    for (let i = 0; i < 256; i++) open.push(openSync('/dev/null', 'r'));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EMFILE');
  }
  return () => {
    for (const fd of open) closeSync(fd);
    prlimit(`--nofile=${before}:`);
  };
}

it('no descriptor for a connection to the server: 503, and the server stays', async (t) => {
  const server = await rawServer((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'));
  });
  const proxy = await startInProcess({ servers: [server.port] });
  t.after(() => {
    proxy.close();
    server.close();
  });
  const client = net.connect(proxy.port, '127.0.0.1');
  t.after(() => client.destroy());
  await once(client, 'connect');
  const ask = async (): Promise<string> => {
    client.write(REQUEST);
    const [answer] = (await once(client, 'data')) as [Buffer];
    return answer.toString('latin1');
  };
  assert.match(await ask(), /^HTTP\/1\.1 200 /);
  const giveBack = exhaust();
  let answer: string;
  try {
    answer = await ask();
  } finally {
    giveBack();
  }
  assert.match(answer, /^HTTP\/1\.1 503 [^]*overloaded\n$/);
  assert.deepEqual(
    proxy.reports.filter(({ type }) => type === 'suspect'),
    [],
  );
  const { global } = proxy.loop.state.counters;
  assert.equal(global[GLOBAL.limits + LIMITS.indexOf('descriptors')], 1);
  assert.match(await ask(), /^HTTP\/1\.1 200 /);
});
