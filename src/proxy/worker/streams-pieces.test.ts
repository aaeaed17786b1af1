/** Answers of HTTP/2 servers in whatever frames and pieces: what most are is handed on where it was read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import fc from 'fast-check';

import type { Filter } from '../../model/snapshot.ts';
import { ask } from './fixture.ts';
import { data, frameServer, headers, settings, type FrameConnection } from './frame-server.ts';
import { startInProcess } from './in-process.ts';

const LETTERS = 'abcdefghijklmnop';

/** An answer: its body, how many bytes of it each frame of DATA has, and whether it says its length. */
interface Said {
  readonly length: number;
  readonly frames: readonly number[];
  readonly saysLength: boolean;
}

const said: fc.Arbitrary<Said> = fc.record({
  length: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 40_000 })),
  frames: fc.array(fc.integer({ min: 0, max: 16_384 }), { maxLength: 6 }),
  saysLength: fc.boolean(),
});

function framesOf(id: number, nth: number, { length, frames, saysLength }: Said): number[][] {
  const body = bodyOf(nth, length);
  const fields = [':status', '200', 'server', 'inside', ...(saysLength ? ['content-length', String(length)] : [])];
  const list = [headers(id, fields)];
  let p = 0;
  for (const size of [...frames, ...Array<number>(3).fill(16_384)]) {
    list.push(data(id, body.slice(p, p + size)));
    p += size;
  }
  list.push(data(id, '', true));
  return list;
}

const bodyOf = (nth: number, length: number) => LETTERS[nth]!.repeat(length);

/** Answers, once all requests are there, with the frames of all streams mixed, in pieces cut wherever `cuts` says. */
function serve(
  connection: FrameConnection,
  answers: readonly Said[],
  order: readonly number[],
  cuts: readonly number[],
) {
  const seen: number[][][] = [];
  connection.send(settings());
  connection.onRequest = ({ id, fields }) => {
    const nth = Number(fields[':path']!.slice(1));
    seen.push(framesOf(id, nth, answers[nth]!));
    if (seen.length === answers.length) void say(connection, mixed(seen.splice(0), order), cuts);
  };
}

function mixed(streams: readonly number[][][], order: readonly number[]): number[] {
  let left = streams.map((frames) => frames.slice());
  const bytes: number[] = [];
  for (let turn = 0; left.length > 0; turn++) {
    const frames = left[order[turn % order.length]! % left.length]!;
    for (const byte of frames.shift()!) bytes.push(byte);
    left = left.filter((rest) => rest.length > 0);
  }
  return bytes;
}

async function say({ socket }: FrameConnection, bytes: readonly number[], cuts: readonly number[]): Promise<void> {
  const all = Buffer.from(bytes);
  let p = 0;
  for (const cut of [...cuts, all.length]) {
    socket.write(all.subarray(p, p + cut));
    p += cut;
    await setImmediate();
  }
}

async function check(filters: readonly Filter[], look: (answer: Awaited<ReturnType<typeof ask>>) => void) {
  const cases = fc.asyncProperty(
    fc.array(said, { minLength: 1, maxLength: 5 }),
    fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 8 }),
    async (answers, order, cuts) => {
      const server = await frameServer((connection) => serve(connection, answers, order, cuts));
      const proxy = await startInProcess({ servers: [server.port], speak: 'H2C', rule: { filters } });
      try {
        const got = await Promise.all(answers.map((_, nth) => ask(proxy.port, `/${nth}`)));
        got.forEach((answer, nth) => {
          assert.equal(answer.body, bodyOf(nth, answers[nth]!.length));
          look(answer);
        });
        await proxy.settled();
      } finally {
        proxy.close();
        server.close();
      }
    },
  );
  await fc.assert(cases, { numRuns: 60 });
}

describe('answers of streams in pieces', () => {
  test('reach their clients as they are', () =>
    check([], (answer) => assert.equal(answer.headers['server'], 'inside')));

  test('and with fields that a filter changes', async () => {
    const filter: Filter = {
      type: 'ResponseHeaders',
      set: [{ name: 'X-Frame', value: 'DENY' }],
      add: [],
      remove: ['server'],
    };
    await check([filter], (answer) => {
      assert.equal(answer.headers['server'], undefined);
      assert.equal(answer.headers['x-frame'], 'DENY');
    });
  });
});
