/** 113: floods over HTTP/2 end with GOAWAY, and what they cost comes back. */
import assert from 'node:assert/strict';

import { data, FLAG, fields, frame, GET, headers, Http2Peer, REFUSED_STREAM, TYPE, uint32 } from './frames.ts';
import { OK } from './origin.ts';
import { type Case, type Lane, suite } from './suite.ts';

/** Sent again and again, so many times at most. */
type Wave = (round: number) => Buffer;
const ROUNDS = 400;
/** Client streams have odd numbers. */
const id = (index: number): number => 2 * index + 1;
const times = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));

/** The proxy closes the connection for it, by GOAWAY; it lives, and serves others. */
function flood(name: string, wave: Wave, first: Buffer = Buffer.alloc(0)): Case {
  return {
    name,
    run: async (lane) => {
      const peer = new Http2Peer(lane.port);
      peer.send(first);
      for (let round = 0; round < ROUNDS && !peer.closed; round++) await peer.drained(wave(round));
      // undefined where it was reset while we still wrote: then the kernel has thrown it away
      const code = await peer.goaway();
      assert.notEqual(code, 0, 'an end without an error');
      assert.ok(peer.closed || code !== undefined);
      await peer.ending(-1);
      assert.ok(peer.closed);
      await lane.probe();
      assert.deepEqual(lane.origin.problems, []);
    },
  };
}

const cancel = (stream: number): Buffer => frame(TYPE.reset, 0, stream, uint32(8));
const open = headers(1, fields({ ':method': 'POST' }), false);

/** One entry of 4,000 bytes in the dynamic table, named so many times. */
const bomb = (stream: number): Buffer => {
  const literal = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 'a')]);
  const get = Buffer.from([0x82, 0x86, 0x84, 0x41, 1, 0x61]);
  return frame(TYPE.headers, 5, stream, Buffer.concat([get, literal, Buffer.alloc(11_000, 0xbe)]));
};

const floods: Case[] = [
  flood('113. streams that are taken back at once (CVE-2023-44487)', (round) =>
    times(50, (index) => {
      const stream = id(50 * round + index);
      return Buffer.concat([headers(stream, GET), cancel(stream)]);
    }),
  ),
  flood('113. streams that we are made to take back (CVE-2025-8671)', (round) =>
    times(50, (index) => {
      const stream = id(50 * round + index);
      return Buffer.concat([headers(stream, GET, false), frame(TYPE.windowUpdate, 0, stream, uint32(0))]);
    }),
  ),
  flood(
    '113. CONTINUATION without end',
    () => times(100, () => frame(TYPE.continuation, 0, 1)),
    frame(TYPE.headers, 0, 1),
  ),
  flood('113. SETTINGS', () => times(1000, () => frame(TYPE.settings, 0, 0))),
  flood('113. SETTINGS with many values', () =>
    times(100, () =>
      frame(
        TYPE.settings,
        0,
        0,
        times(30, () => Buffer.from([0, 4, 0, 0, 255, 255])),
      ),
    ),
  ),
  flood('113. PING', () => times(1000, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8)))),
  flood('113. PRIORITY', () => times(1000, () => frame(TYPE.priority, 0, 1, Buffer.from([0, 0, 0, 3, 1]))), open),
  flood('113. PRIORITY of streams that are not there', (round) =>
    times(1000, (index) => frame(TYPE.priority, 0, id(1000 * round + index), Buffer.from([0, 0, 0, 0, 1]))),
  ),
  flood('113. WINDOW_UPDATE by one', () => times(1000, () => frame(TYPE.windowUpdate, 0, 0, uint32(1)))),
  flood('113. empty DATA', () => times(1000, () => data(1, '')), open),
  flood('113. frames of unknown types', () => times(1000, () => frame(200, 0, 0))),
  flood('113. a window beyond all numbers (CVE-2026-21714)', () => frame(TYPE.windowUpdate, 0, 0, uint32(0x7fffffff))),
  flood('113. HPACK: a long field by its index, 11,000 times', (round) => bomb(id(round))),
];

/** Four fields of that length, in several frames, because none is longer than 16 KB. */
function inPieces(stream: number, length: number): Buffer {
  const long = Array.from({ length: 4 }, () => ['x-a', 'a'.repeat(length)] as const);
  const whole = headers(stream, fields({}, ...long)).subarray(9);
  const count = Math.ceil(whole.length / 16_000);
  return times(count, (index) => {
    const flags = (index === 0 ? FLAG.endStream : 0) | (index === count - 1 ? FLAG.endHeaders : 0);
    const part = whole.subarray(16_000 * index, 16_000 * (index + 1));
    return frame(index === 0 ? TYPE.headers : TYPE.continuation, flags, stream, part);
  });
}

const held: Case[] = [
  {
    name: '113. crumbs of cookies and a window of zero (CVE-2026-47774): closed at the write timeout',
    options: { limits: { writeTimeout: 1000 } },
    run: async (lane: Lane) => {
      const peer = new Http2Peer(lane.port, [[4, 0]]);
      const crumbs = Array.from({ length: 90 }, (_, index) => ['cookie', `c${index}=${'x'.repeat(100)}`] as const);
      for (let index = 0; index < 100; index++) peer.send(headers(id(index), fields({}, ...crumbs)));
      const ends = await Promise.all(Array.from({ length: 100 }, (_, index) => peer.ending(id(index))));
      assert.ok(
        ends.every((end) => typeof end === 'number' && end > 0),
        String(ends),
      );
      peer.close();
      await lane.verify(100);
    },
  },
  {
    name: '113. 100 streams at once are served; more are refused, and the connection goes on',
    run: async (lane: Lane) => {
      const { promise: release, resolve } = Promise.withResolvers<void>();
      lane.origin.onRequest = async (exchange) => {
        await release;
        await exchange.send(OK);
      };
      const peer = new Http2Peer(lane.port);
      await peer.find(({ type, flags }) => type === TYPE.settings && (flags & FLAG.ack) !== 0);
      for (let index = 0; index < 100; index++) peer.send(headers(id(index), GET));
      await lane.origin.until(() => lane.origin.requests.length === 100);
      resolve();
      for (let index = 0; index < 100; index++) assert.equal(await peer.ending(id(index)), 'end');
      const { promise: never } = Promise.withResolvers<void>();
      lane.origin.onRequest = () => never;
      for (let index = 100; index < 202; index++) peer.send(headers(id(index), GET));
      for (const index of [200, 201]) assert.equal(await peer.ending(id(index)), REFUSED_STREAM);
      peer.close();
      lane.origin.onRequest = (exchange) => exchange.send(OK);
      await lane.probe();
      assert.deepEqual(lane.origin.problems, []);
    },
  },
  {
    name: '113. 900 streams that are given up within a moment are no attack',
    run: async (lane: Lane) => {
      const peer = new Http2Peer(lane.port);
      for (let round = 0; round < 18; round++) {
        peer.send(
          times(50, (index) => Buffer.concat([headers(id(50 * round + index), GET), cancel(id(50 * round + index))])),
        );
        await peer.ping(round);
      }
      peer.send(headers(id(900), GET));
      assert.equal(await peer.ending(id(900)), 'end');
      peer.close();
      await lane.probe();
    },
  },
  {
    name: '113. content in pieces of one byte is no attack, however many',
    run: async (lane: Lane) => {
      const peer = new Http2Peer(lane.port);
      const most = 60_000;
      for (const stream of [1, 3]) {
        peer.send(headers(stream, fields({ ':method': 'POST' }), false));
        for (let round = 0; round < 60; round++) await peer.drained(times(most / 60, () => data(stream, 'x')));
        peer.send(data(stream, '', true));
        assert.equal(await peer.ending(stream), 'end');
      }
      assert.deepEqual(
        lane.origin.requests.map(({ body }) => body.length),
        [most, most],
      );
      peer.close();
      await lane.verify(2);
    },
  },
  {
    name: '113. 101 fields → 431, over 16 KB → 431, over 64 KB → reset',
    run: async (lane: Lane) => {
      const peer = new Http2Peer(lane.port);
      const many = Array.from({ length: 105 }, (_, index) => [`x-${index}`, 'a'] as const);
      peer.send(headers(1, fields({}, ...many)));
      assert.equal(await peer.ending(1), 'end');
      peer.send(inPieces(3, 5000));
      assert.equal(await peer.ending(3), 'end');
      peer.send(inPieces(5, 20_000));
      assert.notEqual(await peer.ending(5), 'end');
      for (const stream of [1, 3]) assert.equal(await peer.status(stream), 0, 'another status than the usual ones');
      peer.close();
      await lane.verify(0);
    },
  },
];

const SLACK = 96 << 20;

const memory: Case[] = [
  {
    name: '113. what floods have cost comes back',
    run: async (lane: Lane) => {
      let before = 0;
      for (let round = 0; round < 6; round++) {
        // the first one warms up
        if (round === 1) before = process.memoryUsage().rss;
        const peers = Array.from({ length: 20 }, () => new Http2Peer(lane.port));
        for (const peer of peers) for (let index = 0; index < 40; index++) peer.send(bomb(id(index)));
        await Promise.all(peers.map((peer) => peer.ending(id(39))));
        for (const peer of peers) peer.close();
      }
      const after = process.memoryUsage().rss;
      assert.ok(after < before + SLACK, `${before} bytes before, ${after} after`);
    },
  },
];

suite('H. floods over HTTP/2', [...floods, ...held], 60_000);
suite('H. memory of floods over HTTP/2', memory, 60_000);
