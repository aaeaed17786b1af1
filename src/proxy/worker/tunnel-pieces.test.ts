/** Tunnels to servers of HTTP/2 in whatever frames, windows and pieces: what one side sends is what the other one gets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import fc from 'fast-check';

import { FLAG, FRAME, SETTING } from '../../http2/frames.ts';
import { frame } from '../../http2/testing.ts';
import { block, type FrameConnection, frameServer, settings, windowUpdate } from './frame-server.ts';
import { startInProcess, until } from './in-process.ts';
import { ACCEPT, upgradeHead } from './websocket-stage.ts';

interface Said {
  /** Sizes of the server's frames of DATA, and how much padding each has; the end comes with the last, or after it. */
  readonly frames: readonly (readonly [number, number])[];
  readonly endsWithLast: boolean;
  /** Sizes of what the client writes at once. */
  readonly writes: readonly number[];
  /** Where what the server says is cut. */
  readonly cuts: readonly number[];
  /** Bytes of a stream that the server takes at first, and at a time after that. */
  readonly window: number;
  readonly more: number;
}

const size = (max: number) => fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max }));
const said: fc.Arbitrary<Said> = fc.record({
  frames: fc.array(fc.tuple(size(16_000), fc.integer({ min: 0, max: 30 })), { maxLength: 8 }),
  endsWithLast: fc.boolean(),
  writes: fc.array(size(60_000), { maxLength: 5 }),
  cuts: fc.array(size(20_000), { maxLength: 8 }),
  window: size(70_000),
  more: fc.integer({ min: 1000, max: 70_000 }),
});

/** Bytes that tell where they belong. */
const bytesOf = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => (i % 251) + (i >> 12)));

function framesOf(id: number, body: Buffer, { frames, endsWithLast }: Said): number[] {
  const list = [frame(FRAME.headers, FLAG.endHeaders, id, block([':status', '200', 'x', 'y']))];
  let p = 0;
  for (const [i, [length, padding]] of frames.entries()) {
    const end = endsWithLast && i === frames.length - 1 ? FLAG.endStream : 0;
    const part = [...body.subarray(p, p + length)];
    p += length;
    list.push(
      padding === 0
        ? frame(FRAME.data, end, id, part)
        : frame(FRAME.data, end | FLAG.padded, id, [padding, ...part, ...Array<number>(padding).fill(0)]),
    );
  }
  if (!endsWithLast || frames.length === 0) list.push(frame(FRAME.data, FLAG.endStream, id, []));
  return list.flat();
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

describe('tunnels in pieces', () => {
  test('all of it, in order, and both ends', async () => {
    await fc.assert(
      fc.asyncProperty(said, async (each) => {
        const down = bytesOf(each.frames.reduce((sum, [length]) => sum + length, 0));
        const up = bytesOf(each.writes.reduce((sum, length) => sum + length, 0));
        const server = await frameServer((connection) => {
          connection.send(settings([SETTING.enableConnectProtocol, 1], [SETTING.initialWindowSize, each.window]));
          // not within a frame
          let busy = Promise.resolve();
          const takes = (id: number) => {
            busy = busy.then(() => connection.send(windowUpdate(id, each.more), windowUpdate(0, each.more)));
          };
          connection.onRequest = ({ id }) => {
            busy = say(connection, framesOf(id, down, each), each.cuts);
            takes(id);
          };
          connection.onData = (id) => {
            if (!connection.ended.has(id)) takes(id);
          };
        });
        const proxy = await startInProcess({ servers: [server.port], speak: 'H2C' });
        try {
          const client = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
          const parts: Buffer[] = [];
          client.on('data', (chunk: Buffer) => parts.push(chunk));
          client.write(upgradeHead());
          let p = 0;
          for (const length of each.writes) {
            client.write(up.subarray(p, p + length));
            p += length;
            await setImmediate();
          }
          client.end();
          await once(client, 'end');
          const got = Buffer.concat(parts);
          const end = got.indexOf('\r\n\r\n') + 4;
          assert.match(
            got.toString('latin1', 0, end),
            new RegExp(`^HTTP/1.1 101 [^]*Accept: ${ACCEPT}\r\n`.replace('+', '\\+')),
          );
          assert.ok(got.subarray(end).equals(down), 'the client got something else');
          const [connection] = server.connections;
          await until(() => connection!.ended.has(1), 'the end has not come');
          assert.ok((connection!.bodies.get(1) ?? '') === up.toString('latin1'), 'the server got something else');
          assert.deepEqual(connection!.resets, []);
          await proxy.settled();
        } finally {
          proxy.close();
          server.close();
        }
      }),
      { numRuns: 40 },
    );
  });
});
