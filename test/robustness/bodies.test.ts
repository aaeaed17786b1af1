/** Bodies both ways arrive byte for byte, however they are framed, cut and read; and nothing blocks for ever. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { Random } from '../fuzz/random.ts';
import { WireReader } from './checker.ts';
import { open } from './client.ts';
import { type Exchange, OK } from './origin.ts';
import { FIN } from './steps.ts';
import { type Case, type Lane, NEXT, request, show, type Step, suite } from './suite.ts';

const seed = Date.now() % 1_000_000;

function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  // A pattern that no shift maps onto itself.
  for (let index = 0; index + 4 <= length; index += 4)
    bytes.writeUInt32LE((index * 2_654_435_761 + random.below(4)) >>> 0, index);
  return bytes;
}

function digest(bytes: Uint8Array | string): string {
  return createHash('sha1')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex');
}

/** In pieces of random sizes. */
function pieces(random: Random, bytes: Buffer, most: number): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(bytes.length - at, 1 + random.below(random.chance(0.3) ? 10 : most));
    out.push(bytes.subarray(at, at + length));
    at += length;
  }
  return out;
}

function inChunks(random: Random, bytes: Buffer): Buffer {
  const parts = pieces(random, bytes, random.pick([50, 5000, 200_000])).flatMap((piece) => [
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

const FRAMINGS = ['length', 'chunked', 'close'] as const;

function framed(random: Random, framing: (typeof FRAMINGS)[number], body: Buffer): [string, Buffer] {
  if (framing === 'length') return [`Content-Length: ${body.length}\r\n`, body];
  return framing === 'chunked' ? ['Transfer-Encoding: chunked\r\n', inChunks(random, body)] : ['', body];
}

const SIZES = [0, 1, 100, 4096, 65_535, 65_536, 65_537, 200_000, 900_000];

/** Several requests over one connection, each with its own body there and back. */
async function roundTrips(lane: Lane, random: Random): Promise<void> {
  const expected: string[] = [];
  lane.origin.onRequest = async (exchange: Exchange) => {
    expected.push(digest(exchange.request.body));
    const framing = random.pick(FRAMINGS);
    const [fields, text] = framed(random, framing, randomBytes(random, random.pick(SIZES)));
    const digested = digest(framing === 'chunked' ? dechunked(text) : text);
    const head = Buffer.from(`HTTP/1.1 200 OK\r\nX-Digest: ${digested}\r\n${fields}\r\n`);
    const steps: Step[] = pieces(random, Buffer.concat([head, text]), random.pick([100, 20_000, 300_000])).slice(
      0,
      4000,
    );
    const sent = steps.reduce((sum, step) => sum + (step as Buffer).length, 0);
    steps.push(Buffer.concat([head, text]).subarray(sent));
    if (framing === 'close') steps.push(FIN);
    await exchange.send(...steps);
  };
  const sent: string[] = [];
  const steps: Step[] = [];
  const count = 6;
  for (let index = 0; index < count; index++) {
    const body = randomBytes(random, random.pick(SIZES));
    sent.push(digest(body));
    const [fields, text] = framed(random, random.pick(['length', 'chunked']), body);
    const whole = Buffer.concat([Buffer.from(request('PUT', `/${index}`, fields)), text]);
    const cut = pieces(random, whole, random.pick([500, 20_000, 300_000])).slice(0, 2000);
    const done = cut.reduce((sum, piece) => sum + piece.length, 0);
    steps.push(...cut, whole.subarray(done));
  }
  const answer = await lane.talk(steps, { answers: count, patience: 20_000 });
  assert.deepEqual(answer.reader.problems, [], `seed ${seed}`);
  assert.equal(answer.answers.length, count, `seed ${seed}: ${answer.ended}`);
  assert.deepEqual(expected, sent, `seed ${seed}: bodies at the origin`);
  for (const message of answer.answers) {
    const wanted = message.fields.find((field) => field.name === 'x-digest')!.value;
    assert.equal(digest(message.body), wanted, `seed ${seed}: an answer of ${message.length} bytes`);
  }
}

function dechunked(text: Buffer): string {
  const reader = new WireReader('request');
  reader.push(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'));
  reader.push(text);
  return reader.messages[0]!.body;
}

const trips = Array.from({ length: 12 }, (_, index): Case => ({
  name: `bodies of all framings in random pieces, ${index}`,
  run: (lane) => roundTrips(lane, new Random(seed + index)),
}));

/** Sends everything before it reads anything. */
function readsLate(lane: Lane, text: Buffer, answers: number): Promise<WireReader> {
  return new Promise((resolve, reject) => {
    const reader = new WireReader('answer');
    const { socket } = open(lane.port);
    socket.on('error', reject);
    socket.pause();
    socket.write(text, () => setTimeout(() => socket.resume(), 200));
    // Where the proxy stops reading, the client begins.
    setTimeout(() => socket.resume(), 1000);
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
      if (reader.completed.length < answers) return;
      socket.destroy();
      resolve(reader);
    });
    socket.on('close', () => resolve(reader));
  });
}

const pressure: Case[] = [
  {
    name: '3,000 pipelined requests with answers of 10 KB, read late → all in order',
    run: async (lane) => {
      lane.origin.onRequest = (exchange) => {
        const body = exchange.target.padEnd(10_000, '.');
        return exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      };
      const text = Array.from({ length: 3000 }, (_, index) => request('GET', `/${index}`)).join('');
      const reader = await readsLate(lane, Buffer.from(text), 3000);
      assert.deepEqual(reader.problems, []);
      const order = reader.completed.map((message) => message.body.replaceAll('.', ''));
      assert.deepEqual(
        order,
        Array.from({ length: 3000 }, (_, index) => `/${index}`),
      );
    },
  },
  {
    name: 'a server that reads slowly gets all of a long body',
    run: async (lane) => {
      const body = randomBytes(new Random(seed), 12_000_000);
      lane.origin.onHead = ({ connection }) => {
        const { socket } = connection;
        const timer = setInterval(() => {
          socket.pause();
          setTimeout(() => socket.resume(), 3);
        }, 6);
        socket.on('close', () => clearInterval(timer));
      };
      const answer = await lane.talk([request('POST', '/a', `Content-Length: ${body.length}\r\n`), body], {
        answers: 1,
        patience: 15_000,
      });
      assert.deepEqual(answer.statuses, [200], show(answer));
      assert.equal(lane.origin.requests[0]!.length, body.length);
    },
  },
  {
    name: 'a client that goes away while the answer streams: the upstream connection is closed',
    run: async (lane) => {
      lane.origin.onRequest = ({ connection: { socket } }) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbeginning');
        // FIN alone may be a half-close: only what cannot be delivered shows that the client is gone.
        const timer = setInterval(() => socket.write('more'), 20);
        socket.on('close', () => clearInterval(timer));
      };
      for (const end of ['destroy', 'resetAndDestroy'] as const) {
        const { socket, raw } = open(lane.port);
        socket.on('error', () => {});
        raw.on('error', () => {});
        socket.once('data', () => raw[end]());
        socket.write(request('GET', '/a'));
        await lane.origin.until(() => lane.origin.requests.length > 0);
        await lane.origin.connections.at(-1)!.closed;
        lane.origin.completed.length = 0;
      }
      lane.origin.onRequest = (exchange) => exchange.send(OK);
      await lane.verify(0);
    },
  },
  {
    name: 'requestsPerConnection: the last answer says close, what was pipelined behind goes nowhere',
    options: { limits: { requestsPerConnection: 3 } },
    run: async (lane) => {
      const answer = await lane.talk(NEXT.repeat(5));
      assert.deepEqual(answer.statuses, [200, 200, 200], show(answer));
      assert.match(answer.text.slice(answer.text.lastIndexOf('HTTP/1.1')), /^connection: close/im);
      assert.equal(answer.ended, 'fin');
      await lane.verify(3);
    },
  },
  {
    name: 'a tunnel: megabytes both ways, and half-closes reach the other side',
    run: async (lane) => {
      const there = randomBytes(new Random(seed), 3_000_000);
      const back = randomBytes(new Random(seed + 1), 5_000_000);
      lane.origin.onHead = async ({ connection }) => {
        connection.reader.tunnel();
        connection.socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
        );
        connection.socket.write(back);
        await lane.origin.until(() => connection.reader.tunnelled.length >= there.length);
        connection.socket.end();
      };
      lane.origin.onRequest = () => {};
      const fields = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
      const answer = await lane.talk((talk) => [
        request('GET', '/ws', fields),
        () => talk.until(() => talk.text.length > 0),
        there,
      ]);
      assert.equal(answer.ended, 'fin');
      assert.equal(digest(answer.text.slice(answer.text.indexOf('\r\n\r\n') + 4)), digest(back));
      assert.equal(digest(lane.origin.connections[0]!.reader.tunnelled), digest(there));
    },
  },
];

suite('bodies, pressure, abandoned exchanges', [...trips, ...pressure], 30_000);
