/** Whatever clients and servers do to each other: at the end nothing is left, in no counter and in no list. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { REASON_INDEX, type ReasonWord } from '../../model/reasons.ts';
import { GLOBAL } from '../shared.ts';
import { MAX_LARGE, rentLarge, returnLarge } from './buffers.ts';
import { refusingPort } from './fixture.ts';
import { rawServer, startInProcess } from './in-process.ts';
import { type Random, random } from './random.ts';

const LIMITS = {
  keepAliveTimeout: 300,
  headTimeout: 300,
  readTimeout: 300,
  writeTimeout: 300,
  bodyBytes: 3_000_000,
  requestsPerConnection: 7,
};
const RETRY = { attempts: 2, on: ['ConnectFailure', 'Reset', '503'] as const };
const TIMEOUTS = { request: 200, connect: 200, idle: 200 };

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A server that does anything, at any time. */
function serveAnything(socket: net.Socket, below: Random): void {
  const large = 'x'.repeat(300_000);
  const answers: (() => void)[] = [
    () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    () => socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('hello')}0\r\n\r\n`),
    () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${large}`),
    () => socket.write('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'),
    () => socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n'),
    () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
    () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'),
    () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel'),
    () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz'),
    () => socket.write('HTTP/1.1 2'),
    () => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi'),
    () => socket.write('nonsense\r\n\r\n'),
    () => socket.end(),
    () => socket.destroy(),
    () => socket.resetAndDestroy(),
    () => socket.pause(),
    () => {},
  ];
  if (below(10) === 0) {
    socket.resetAndDestroy();
    return;
  }
  socket.on('end', () => socket.end());
  socket.on('data', () => {
    if (!socket.destroyed && socket.writable) answers[below(answers.length)]!();
  });
}

const HEAD = 'Host: a\r\n';
const get = `GET /a HTTP/1.1\r\n${HEAD}\r\n`;
const requests = [
  get,
  get,
  `HEAD /a HTTP/1.1\r\n${HEAD}\r\n`,
  get.repeat(20),
  `POST /a HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhello${get}`,
  `PUT /a HTTP/1.1\r\n${HEAD}Content-Length: 500000\r\n\r\n${'y'.repeat(500_000)}${get}`,
  `PUT /a HTTP/1.1\r\n${HEAD}Content-Length: 5000\r\n\r\nnot all of it`,
  `POST /a HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunk('hello')}0\r\n\r\n${get}`,
  `POST /a HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunk('hello')}wrong`,
  `POST /a HTTP/1.1\r\n${HEAD}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
  `POST /a HTTP/1.1\r\n${HEAD}Content-Length: 9000000\r\n\r\nlarge`,
  `GET /ws HTTP/1.1\r\n${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes behind`,
  `GET /a HTTP/1.0\r\n\r\n`,
  `GET /a HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`,
  'GET /half HTTP/1.1\r\nHo',
  'wrong\r\n\r\n',
];

async function beAnyClient(port: number, below: Random): Promise<void> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const connected = await Promise.race([once(socket, 'connect').then(() => true), closed.then(() => false)]);
  if (!connected) return;
  if (below(5) > 0) socket.resume();
  socket.on('end', () => socket.end());
  const count = 1 + below(3);
  for (let i = 0; i < count && socket.writable; i++) {
    const text = requests[below(requests.length)]!;
    const cut = below(text.length);
    socket.write(text.slice(0, cut), 'latin1');
    if (below(2) === 0) await sleep(below(30));
    if (below(8) === 0) break;
    if (socket.writable) socket.write(text.slice(cut), 'latin1');
    if (below(3) === 0) await sleep(below(60));
  }
  switch (below(5)) {
    case 0:
      socket.destroy();
      break;
    case 1:
      // Node loses the handle of a socket that is reset while its end is on its way, and then never ends itself
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
      break;
    case 2:
      socket.end();
      break;
  }
  // one that neither reads nor ends stays so until the proxy has had enough, or a while
  const timer = setTimeout(() => socket.destroy(), 1000);
  await closed;
  clearTimeout(timer);
}

describe('under stress', () => {
  for (const protocol of ['HTTP', 'TCP'] as const) {
    it(`everything is given back: ${protocol}`, async () => {
      const below = random(protocol === 'TCP' ? 20_261_123 : 4711);
      const servers = await Promise.all([1, 2, 3].map(() => rawServer((socket) => serveAnything(socket, below))));
      const dead = refusingPort();
      const ports = [...servers.map((server) => server.port), dead];
      const proxy = await startInProcess({
        servers: ports,
        limits: LIMITS,
        rule: { timeouts: TIMEOUTS, retry: { ...RETRY, on: [...RETRY.on] } },
        protocol,
      });
      let done = 0;
      const run = async () => {
        while (done++ < (protocol === 'TCP' ? 100 : 700)) {
          await beAnyClient(proxy.port, below);
          // another epoch, with others, while requests are on their way
          if (done % 40 === 0) proxy.swap(ports.filter(() => below(3) > 0).concat(dead));
          if (done % 150 === 0) proxy.remove();
          if (done % 150 === 5) proxy.swap(ports);
          proxy.loop.state.shared.down.fill(0, 0, 64);
        }
      };
      await Promise.all(Array.from({ length: 40 }, run));
      if (protocol === 'TCP') for (const client of proxy.clients()) client.destroy();
      await proxy.settled();
      const { global, rules } = proxy.loop.state.counters;
      assert.ok(global[GLOBAL.connectionsAccepted]! > 0);
      if (protocol === 'HTTP') {
        assert.ok(global[GLOBAL.retries]! > 0);
        // every request that found its rule is counted once, in one class
        const counted = rules.subarray(0, 6).reduce((sum, count) => sum + count, 0);
        const reason = (word: ReasonWord) => global[GLOBAL.reasons + REASON_INDEX[word]]!;
        assert.equal(counted, global[GLOBAL.requests]! - reason('not_found') - reason('body_too_large'));
        for (const word of ['client_gone', 'truncated_answer', 'bad_answer', 'answer_timeout'] as const)
          assert.ok(reason(word) > 0, word);
      }
      // all large read buffers are back
      const large: Uint8Array[] = [];
      for (let buffer = rentLarge(); buffer !== null; buffer = rentLarge()) large.push(buffer);
      assert.equal(large.length, MAX_LARGE);
      for (const buffer of large) returnLarge(buffer, false);
      proxy.close();
      for (const server of servers) server.close();
    });
  }
});
