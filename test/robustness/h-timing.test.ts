/** H. Timing and limits: cases 108–111 (112–117 need TLS, HTTP/2 or PROXY). Limits are short here; what counts is that they end it. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';

import { ADDRESS } from './address.ts';
import { OK } from './origin.ts';
import { FIN } from './steps.ts';
import { aborted, request, show, suite, NEXT, type Case, type Lane, type Step } from './suite.ts';

const sleep = (milliseconds: number) => () =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** Each piece after a pause. */
function slowly(pieces: readonly string[], milliseconds: number): Step[] {
  return pieces.flatMap((piece) => [piece, sleep(milliseconds)]);
}

/** The proxy gave up by itself: 408 or nothing, closed, and the client had still something to send. */
function gaveUp(name: string, steps: readonly Step[], options: Case['options'], before = 0): Case {
  return {
    name,
    ...(options === undefined ? {} : { options }),
    run: async (lane) => {
      let finished = false;
      const answer = await lane.talk([
        ...steps,
        () => {
          finished = true;
          return undefined;
        },
      ]);
      assert.deepEqual(answer.reader.problems, []);
      assert.ok(answer.ended === 'fin' || answer.ended === 'rst', show(answer));
      assert.equal(finished, false, 'closed only after all was sent');
      assert.ok(
        answer.statuses.slice(before).every((status) => status === 408),
        show(answer),
      );
      await aborted(lane);
      await lane.verify(before);
    },
  };
}

const headTimeout = { limits: { headTimeout: 1000 } };
const readTimeout = { limits: { readTimeout: 1000 } };
const forever = (text: string, times: number) => Array.from({ length: times }, () => text);

const slow: Case[] = [
  gaveUp(
    '108. a head of one byte every 150 ms → 408/close at the total deadline',
    slowly(`GET /a HTTP/1.1\r\nHost: a.example\r\nX: ${'y'.repeat(10)}`.split(''), 150),
    headTimeout,
  ),
  gaveUp(
    '108. a field every 150 ms → the same',
    ['GET /a HTTP/1.1\r\nHost: a.example\r\n', ...slowly(forever('X: y\r\n', 50), 150)],
    headTimeout,
  ),
  gaveUp(
    '108. the second head of a connection → the same',
    [NEXT, sleep(100), ...slowly('GET /a HTTP/1.1\r\nHost: a.example\r\nX: yyyyy'.split(''), 150)],
    headTimeout,
    1,
  ),
  gaveUp('108. a head that stops → the same', ['GET /a HTTP/1.1\r\nHost: a', sleep(6000)], headTimeout),
  gaveUp('108. nothing at all → the same', [sleep(6000)], { limits: { headTimeout: 1000, keepAliveTimeout: 1000 } }),
  gaveUp(
    '108. an idle connection → closed after its time',
    [NEXT, sleep(6000)],
    { limits: { keepAliveTimeout: 1000 } },
    1,
  ),
  gaveUp(
    '109. a body of declared length that stops → 408/close',
    [request('POST', '/a', 'Content-Length: 100000\r\n', 'x'), sleep(6000)],
    readTimeout,
  ),
  gaveUp(
    '109. a chunked body that stops → 408/close',
    [request('POST', '/a', 'Transfer-Encoding: chunked\r\n', '5\r\nhel'), sleep(6000)],
    readTimeout,
  ),
  gaveUp(
    '109. a body that never begins → 408/close',
    [request('POST', '/a', 'Content-Length: 5\r\n'), sleep(6000)],
    readTimeout,
  ),
  {
    name: '109. a slow body that keeps moving is served',
    options: readTimeout,
    run: async (lane) => {
      const answer = await lane.talk(
        [request('POST', '/a', 'Content-Length: 8\r\n'), ...slowly(forever('x', 8), 250)],
        { answers: 1 },
      );
      assert.deepEqual(answer.statuses, [200], show(answer));
      await lane.verify(1);
    },
  },
];

const SIZE = 256 << 20;
/** A client that asks for much and reads none of it. */
async function neverReads(lane: Lane): Promise<{ sent: number; socket: Socket }> {
  let sent = 0;
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  lane.origin.onRequest = ({ connection }) => {
    const piece = Buffer.alloc(1 << 16, 'x');
    const { socket } = connection;
    socket.on('close', () => resolve());
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
    const pour = () => {
      while (sent < SIZE && !socket.destroyed) {
        sent += piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', pour);
          return;
        }
      }
    };
    pour();
  };
  const socket = connect({ port: lane.port, host: ADDRESS });
  socket.pause();
  socket.on('error', () => {});
  socket.write(request('GET', '/a'));
  await gone;
  return { sent, socket };
}

const held: Case[] = [
  {
    name: '110. a client that never reads → little is buffered, the server is paused, closed at the write timeout',
    options: { limits: { writeTimeout: 1000 } },
    run: async (lane) => {
      const { sent, socket } = await neverReads(lane);
      // Four kernel buffers of up to 6 MB each, and what the proxy holds.
      assert.ok(sent < 40 << 20, `${sent} bytes were taken from the server`);
      socket.destroy();
      lane.origin.onRequest = (exchange) => exchange.send(OK);
      await lane.verify(1);
    },
  },
  {
    name: '110. a client that reads slowly gets all of it',
    options: { limits: { writeTimeout: 2000 } },
    run: async (lane) => {
      const total = 24 << 20;
      lane.origin.onRequest = (exchange) =>
        exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`, Buffer.alloc(total, 'x'));
      const socket = connect({ port: lane.port, host: ADDRESS });
      let got = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.on('data', (bytes) => {
        got += bytes.length;
        socket.pause();
        setTimeout(() => socket.resume(), 2);
        if (got > total) resolve();
      });
      socket.on('close', () => resolve());
      socket.write(request('GET', '/a'));
      await promise;
      socket.destroy();
      assert.ok(got > total, `${got} of ${total}`);
    },
  },
  {
    name: '111. idle connections over the cap → the oldest are closed, new clients are served',
    options: { limits: { maxClients: 40 } },
    run: async (lane) => {
      const sockets: Socket[] = [];
      let closed = 0;
      for (let index = 0; index < 200; index++) {
        const socket = connect({ port: lane.port, host: ADDRESS });
        socket.on('error', () => {});
        socket.on('close', () => closed++);
        sockets.push(socket);
        await new Promise<void>((resolve) => {
          socket.once('data', () => resolve());
          socket.once('close', () => resolve());
          socket.write(NEXT);
        });
      }
      await lane.probe();
      const answer = await lane.talk([NEXT, FIN]);
      assert.deepEqual(answer.statuses, [200], show(answer));
      assert.ok(closed >= 160 - 2, `${closed} of 200 were closed`);
      for (const socket of sockets) socket.destroy();
      // Whoever came was served: the cap closes idle ones, not new ones.
      assert.equal(lane.origin.requests.length, 201);
    },
  },
  {
    name: '111. connections that send nothing are closed before those that wait for an answer',
    options: { limits: { maxClients: 20 } },
    run: async (lane) => {
      const { promise: release, resolve } = Promise.withResolvers<void>();
      lane.origin.onRequest = async (exchange) => {
        if (exchange.target === '/slow') await release;
        await exchange.send(OK);
      };
      const waiting = lane.talk(request('GET', '/slow'), { answers: 1 });
      await lane.origin.until(() => lane.origin.requests.length === 1);
      const sockets = await Promise.all(
        Array.from(
          { length: 60 },
          () =>
            new Promise<Socket>((done) => {
              const socket = connect({ port: lane.port, host: ADDRESS }, () => done(socket));
              socket.on('error', () => {});
            }),
        ),
      );
      await lane.probe();
      resolve();
      assert.deepEqual((await waiting).statuses, [200]);
      for (const socket of sockets) socket.destroy();
    },
  },
];

suite('H. timing and limits', [...slow, ...held]);
