/** Whatever clients and servers of HTTP/2 do to tunnels, and to requests beside them: at the end nothing is left. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ERROR, SETTING } from '../../http2/frames.ts';
import { REASON_INDEX } from '../../model/reasons.ts';
import { GLOBAL } from '../shared.ts';
import {
  data,
  type FrameConnection,
  frameServer,
  goAway,
  headers,
  reset,
  type SeenRequest,
  settings,
  windowUpdate,
} from './frame-server.ts';
import { startInProcess } from './in-process.ts';
import { type Random, random } from './random.ts';
import { askForTunnel, upgradeHead } from './websocket-stage.ts';

const LIMITS = { keepAliveTimeout: 300, headTimeout: 300, readTimeout: 300, writeTimeout: 300 };
const TIMEOUTS = { request: 200, connect: 200, idle: 200 };
const RETRY = { attempts: 2, on: ['ConnectFailure', 'Reset'] as ('ConnectFailure' | 'Reset')[] };
const OK = [':status', '200'];

/** A server that says anything, at any time. */
function serveAnything(connection: FrameConnection, below: Random): void {
  const { socket } = connection;
  const send = (...frames: number[][]) => {
    if (socket.writable) connection.send(...frames);
  };
  const first = [
    settings([SETTING.enableConnectProtocol, 1]),
    settings([SETTING.enableConnectProtocol, 1], [SETTING.initialWindowSize, below(100)]),
    settings([SETTING.enableConnectProtocol, 1], [SETTING.maxConcurrentStreams, 1 + below(3)]),
    settings(),
  ];
  switch (below(12)) {
    case 0:
      connection.acknowledges = false;
      break;
    case 1:
      socket.resetAndDestroy();
      return;
    default:
      send(first[below(first.length)]!);
  }
  const big = 'x'.repeat(16_000);
  const anything = (id: number): (() => void)[] => [
    () => send(headers(id, OK)),
    () => send(headers(id, OK)),
    () => send(headers(id, OK), data(id, 'hello')),
    () => send(headers(id, OK), ...Array.from({ length: 10 }, () => data(id, big))),
    () => send(headers(id, OK), data(id, 'bye', true)),
    () => send(headers(id, [':status', '103']), headers(id, OK, true)),
    () => send(headers(id, [':status', '403']), data(id, 'no', true)),
    () => send(headers(id, [':status', '404', 'content-length', '9']), data(id, 'half')),
    () => send(data(id, 'more')),
    () => send(data(id, '', true)),
    () => send(windowUpdate(id, 1 + below(60_000)), windowUpdate(0, 1 + below(60_000))),
    () => send(reset(id, [ERROR.none, ERROR.refusedStream, ERROR.cancel][below(3)]!)),
    () => send(headers(id, ['x', 'y'], true)),
    () => send(goAway(below(2) * id, 0)),
    () => socket.end(),
    () => socket.destroy(),
    () => socket.pause(),
    () => {},
  ];
  const act = (id: number) => {
    const acts = anything(id);
    acts[below(acts.length)]!();
  };
  connection.onRequest = ({ id }: SeenRequest) => {
    act(id);
    if (below(2) === 0) setTimeout(() => act(id), below(40));
  };
  connection.onData = (id) => act(id);
}

const WRITES = ['', 'x', 'hello', 'y'.repeat(200_000), 'z'.repeat(3000)];

async function beAnyClient(port: number, below: Random): Promise<void> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('end', () => below(2) === 0 && socket.end());
  if (below(4) > 0) socket.resume();
  const text = below(4) === 0 ? 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n' : upgradeHead();
  socket.write(text + (below(2) === 0 ? '' : WRITES[below(WRITES.length)]!));
  for (let i = below(4); i > 0 && socket.writable; i--) {
    if (below(2) === 0) await sleep(below(40));
    socket.write(WRITES[below(WRITES.length)]!);
  }
  // one whose end is on its way out cannot be reset: Node loses its handle then
  if (below(4) === 0) {
    if (socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
  } else if (below(3) === 0) socket.end();
  const timer = setTimeout(() => socket.destroy(), 1000);
  await closed;
  clearTimeout(timer);
}

async function beAnyStream(port: number, below: Random): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const closed = new Promise<void>((resolve) => session.on('close', () => resolve()));
  await Promise.race([once(session, 'remoteSettings'), closed]);
  for (let i = 1 + below(3); i > 0 && !session.destroyed; i--) {
    const stream = await askForTunnel(session);
    if (below(4) > 0) stream.resume();
    stream.write(WRITES[below(WRITES.length)]!);
    if (below(2) === 0) await sleep(below(40));
    if (below(3) === 0) stream.close(http2.constants.NGHTTP2_CANCEL);
    else if (below(2) === 0) stream.end(WRITES[below(WRITES.length)]);
  }
  if (below(3) === 0) session.destroy();
  else session.close();
  const timer = setTimeout(() => session.destroy(), 1000);
  await closed;
  clearTimeout(timer);
}

it('everything is given back', async () => {
  const below = random(20_261_127);
  const servers = await Promise.all([1, 2, 3].map(() => frameServer((connection) => serveAnything(connection, below))));
  const ports = servers.map(({ port }) => port);
  const proxy = await startInProcess({
    servers: ports,
    speak: 'H2C',
    limits: LIMITS,
    rule: { timeouts: TIMEOUTS, retry: { ...RETRY, on: RETRY.on } },
  });
  let done = 0;
  const run = async () => {
    while (done++ < 500) {
      await (below(3) === 0 ? beAnyStream : beAnyClient)(proxy.port, below);
      if (done % 40 === 0) proxy.swap(ports.filter((_, i) => i === 0 || below(3) > 0));
      proxy.loop.state.shared.down.fill(0, 0, 64);
    }
  };
  await Promise.all(Array.from({ length: 30 }, run));
  const { global } = proxy.loop.state.counters;
  await proxy.settled();
  assert.ok(proxy.loop.state.pending.every((count) => count === 0));
  assert.ok(proxy.loop.state.shared.pending.every((count) => count === 0));
  for (const word of ['client_gone', 'no_websocket', 'bad_answer', 'reset_by_server'] as const)
    assert.ok(global[GLOBAL.reasons + REASON_INDEX[word]]! > 0, word);
  proxy.close();
  for (const server of servers) server.close();
});
