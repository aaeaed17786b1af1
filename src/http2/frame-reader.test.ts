import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import fc from 'fast-check';

import { FrameReader, MOST_REST, type FrameHandler } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { ERROR, FLAG, FRAME, SETTING } from './frames.ts';
import { frame } from './testing.ts';

const SETTINGS = frame(FRAME.settings, 0, 0, []);

/** Tells what it hears; DATA as one, however it was cut. */
class Recorder implements FrameHandler {
  readonly heard: string[] = [];
  private readonly parts: number[] = [];
  dataBegins(id: number, size: number): number {
    this.heard.push(`data ${id} ${size}`);
    return 0;
  }
  data(_id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    this.parts.push(...bytes.subarray(start, end));
    if (ended) this.heard.push(`end ${this.parts.splice(0).join()}`);
    return 0;
  }
  headers(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    this.heard.push(`headers ${id} ${bytes.subarray(start, end).join()} ${ended}`);
    return 0;
  }
  reset(id: number, code: number): number {
    this.heard.push(`reset ${id} ${code}`);
    return 0;
  }
  setting(number: number, value: number): number {
    this.heard.push(`setting ${number} ${value}`);
    return 0;
  }
  settingsEnd(): void {
    this.heard.push('settings');
  }
  settingsAck(): void {
    this.heard.push('settings ack');
  }
  ping(bytes: Uint8Array, start: number, ack: boolean): void {
    this.heard.push(`ping ${bytes.subarray(start, start + 8).join()} ${ack}`);
  }
  goAway(last: number, code: number): void {
    this.heard.push(`goaway ${last} ${code}`);
  }
  windowUpdate(id: number, bytes: number): number {
    this.heard.push(`window ${id} ${bytes}`);
    return 0;
  }
  overhead(): number {
    return 0;
  }
}

/** Reads all of it in pieces of these lengths, in turn. */
function read(bytes: readonly number[], lengths: readonly number[]) {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder, 'server');
  const work = new Uint8Array(100_000);
  let error = 0;
  for (let p = 0, i = 0; p < bytes.length && error === 0; i++) {
    const length = lengths[i % lengths.length]!;
    const piece = bytes.slice(p, p + length);
    work.set(piece, MOST_REST);
    error = reader.read(work, reader.begin(work, MOST_REST), MOST_REST + piece.length);
    p += length;
  }
  return { heard: recorder.heard, error };
}

const VARIED = [
  ...frame(FRAME.settings, 0, 0, [0, 3, 0, 0, 0, 7, 0, 4, 0, 0, 255, 255]),
  ...frame(FRAME.settings, FLAG.ack, 0, []),
  ...frame(FRAME.headers, FLAG.endHeaders, 1, [0x88]),
  ...frame(FRAME.data, 0, 1, [1, 2, 3]),
  ...frame(FRAME.data, FLAG.padded, 1, [2, 4, 5, 0, 0]),
  ...frame(FRAME.ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
  ...frame(FRAME.headers, FLAG.padded | FLAG.priority, 3, [1, 0, 0, 0, 0, 9, 0x88, 0]),
  ...frame(FRAME.continuation, 0, 3, []),
  ...frame(FRAME.continuation, FLAG.endHeaders, 3, [0x82]),
  ...frame(FRAME.data, FLAG.endStream, 1, [6]),
  ...frame(FRAME.windowUpdate, 0, 0, [0, 0, 1, 0]),
  ...frame(FRAME.reset, 0, 3, [0, 0, 0, 8]),
  ...frame(77, 255, 5, [1, 2, 3]),
  ...frame(FRAME.priority, 0, 3, [0, 0, 0, 0, 1]),
  ...frame(FRAME.goAway, 0, 0, [0, 0, 0, 3, 0, 0, 0, 0, 100]),
  ...frame(FRAME.data, FLAG.endStream, 5, []),
];
const HEARD = [
  'setting 3 7',
  'setting 4 65535',
  'settings',
  'settings ack',
  'headers 1 136 false',
  'data 1 3',
  'data 1 5',
  'ping 1,2,3,4,5,6,7,8 false',
  'headers 3 136,130 false',
  'data 1 1',
  'end 1,2,3,4,5,6',
  'window 0 256',
  'reset 3 8',
  'goaway 3 0',
  'data 5 0',
  'end ',
];

describe('frames', () => {
  test('are the same however they are cut', () => {
    assert.deepEqual(read(VARIED, [VARIED.length]), { heard: HEARD, error: 0 });
    assert.deepEqual(read(VARIED, [1]), { heard: HEARD, error: 0 });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }), (lengths) =>
        assert.deepEqual(read(VARIED, lengths), { heard: HEARD, error: 0 }),
      ),
    );
  });

  const faults: [string, number[], number][] = [
    ['something else than settings first', frame(FRAME.ping, 0, 0, Array(8).fill(0)), ERROR.protocol],
    ['an acknowledgement first', frame(FRAME.settings, FLAG.ack, 0, []), ERROR.protocol],
    ['HTTP/1.1', [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], ERROR.frameSize],
    ['a frame that is too long', [...SETTINGS, 0, 0x40, 1, 0, 0, 0, 0, 0, 1], ERROR.frameSize],
    ['DATA of no stream', [...SETTINGS, ...frame(FRAME.data, 0, 0, [1])], ERROR.protocol],
    ['padding as long as the frame', [...SETTINGS, ...frame(FRAME.data, FLAG.padded, 1, [2, 0])], ERROR.protocol],
    ['HEADERS of no stream', [...SETTINGS, ...frame(FRAME.headers, FLAG.endHeaders, 0, [])], ERROR.protocol],
    ['padding in HEADERS', [...SETTINGS, ...frame(FRAME.headers, 12, 1, [4, 0x88])], ERROR.protocol],
    ['HEADERS without its padding length', [...SETTINGS, ...frame(FRAME.headers, 12, 1, [])], ERROR.frameSize],
    ['HEADERS without its priority', [...SETTINGS, ...frame(FRAME.headers, 0x24, 1, [0])], ERROR.protocol],
    ['CONTINUATION of nothing', [...SETTINGS, ...frame(FRAME.continuation, 4, 1, [])], ERROR.protocol],
    [
      'another frame within a block',
      [...SETTINGS, ...frame(FRAME.headers, 0, 1, []), ...frame(FRAME.ping, 0, 0, Array(8).fill(0))],
      ERROR.protocol,
    ],
    [
      'CONTINUATION of another stream',
      [...SETTINGS, ...frame(FRAME.headers, 0, 1, []), ...frame(FRAME.continuation, 4, 3, [])],
      ERROR.protocol,
    ],
    [
      'DATA within a block',
      [...SETTINGS, ...frame(FRAME.headers, 0, 1, []), ...frame(FRAME.data, 0, 1, [1])],
      ERROR.protocol,
    ],
    [
      'a flood of CONTINUATION',
      [
        ...SETTINGS,
        ...frame(FRAME.headers, 0, 1, []),
        ...Array(33)
          .fill(frame(FRAME.continuation, 0, 1, []))
          .flat(),
      ],
      ERROR.enhanceYourCalm,
    ],
    [
      'a block of more than 64 KB',
      [
        ...SETTINGS,
        ...frame(FRAME.headers, 0, 1, []),
        ...Array(5)
          .fill(frame(9, 0, 1, Array(16_384).fill(0)))
          .flat(),
      ],
      ERROR.enhanceYourCalm,
    ],
    ['PUSH_PROMISE', [...SETTINGS, ...frame(FRAME.pushPromise, 4, 1, [0, 0, 0, 2])], ERROR.protocol],
    ['RST_STREAM of no stream', [...SETTINGS, ...frame(FRAME.reset, 0, 0, [0, 0, 0, 0])], ERROR.protocol],
    ['RST_STREAM of three bytes', [...SETTINGS, ...frame(FRAME.reset, 0, 1, [0, 0, 0])], ERROR.frameSize],
    ['SETTINGS of a stream', [...SETTINGS, ...frame(FRAME.settings, 0, 1, [])], ERROR.protocol],
    ['SETTINGS of five bytes', [...SETTINGS, ...frame(FRAME.settings, 0, 0, [0, 3, 0, 0, 0])], ERROR.frameSize],
    ['an acknowledgement with content', [...SETTINGS, ...frame(4, 1, 0, [0, 3, 0, 0, 0, 1])], ERROR.frameSize],
    ['a server that would push', frame(FRAME.settings, 0, 0, [0, 2, 0, 0, 0, 1]), ERROR.protocol],
    ['a window beyond 2^31 - 1', frame(FRAME.settings, 0, 0, [0, 4, 128, 0, 0, 0]), ERROR.flowControl],
    ['frames below the least size', frame(FRAME.settings, 0, 0, [0, 5, 0, 0, 63, 255]), ERROR.protocol],
    ['frames above the largest size', frame(FRAME.settings, 0, 0, [0, 5, 1, 0, 0, 0]), ERROR.protocol],
    ['PING of a stream', [...SETTINGS, ...frame(FRAME.ping, 0, 1, Array(8).fill(0))], ERROR.protocol],
    ['PING of seven bytes', [...SETTINGS, ...frame(FRAME.ping, 0, 0, Array(7).fill(0))], ERROR.frameSize],
    ['GOAWAY of a stream', [...SETTINGS, ...frame(FRAME.goAway, 0, 1, Array(8).fill(0))], ERROR.protocol],
    ['GOAWAY of seven bytes', [...SETTINGS, ...frame(FRAME.goAway, 0, 0, Array(7).fill(0))], ERROR.frameSize],
    ['WINDOW_UPDATE of five bytes', [...SETTINGS, ...frame(8, 0, 1, [0, 0, 0, 1, 0])], ERROR.frameSize],
    ['PRIORITY of no stream', [...SETTINGS, ...frame(FRAME.priority, 0, 0, Array(5).fill(0))], ERROR.protocol],
    ['PRIORITY of four bytes', [...SETTINGS, ...frame(FRAME.priority, 0, 1, Array(4).fill(0))], ERROR.frameSize],
  ];
  for (const [name, bytes, error] of faults) {
    test(`refused: ${name}`, () => {
      assert.equal(read(bytes, [bytes.length]).error, error);
      assert.equal(read(bytes, [3]).error, error);
    });
  }

  test('whatever bytes come: an answer, and nothing kept beyond a frame', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(
          fc.integer({ min: 0, max: 10 }),
          fc.integer({ min: 0, max: 63 }),
          fc.integer({ min: 0, max: 5 }),
          fc.uint8Array({ maxLength: 20 }),
        )
        .map(([type, flags, id, payload]) => Uint8Array.from(frame(type, flags, id, [...payload]))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const reader = new FrameReader(new Recorder(), 'server');
        const work = new Uint8Array(100_000);
        for (const bytes of [Uint8Array.from(SETTINGS), ...pieces]) {
          work.set(bytes, MOST_REST);
          const at = reader.begin(work, MOST_REST);
          assert.ok(at >= 0);
          if (reader.read(work, at, MOST_REST + bytes.length) !== 0) return;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('frames of our own', () => {
  test('are read as they were meant', () => {
    const writer = new FrameWriter();
    writer.settings([SETTING.enablePush, 0, SETTING.initialWindowSize, 131_072]);
    writer.settingsAck();
    writer.data(1, Uint8Array.from([9, 8, 7]), 1, 3, true);
    writer.ping(null, 0);
    writer.ping(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8]), 1);
    writer.windowUpdate(3, 65_536);
    writer.reset(3, ERROR.cancel);
    writer.goAway(0, ERROR.enhanceYourCalm);
    assert.deepEqual(read([...writer.take()], [1000]).heard, [
      'setting 2 0',
      'setting 4 131072',
      'settings',
      'settings ack',
      'data 1 2',
      'end 8,7',
      'ping 0,0,0,0,0,0,0,0 false',
      'ping 1,2,3,4,5,6,7,8 true',
      'window 3 65536',
      'reset 3 8',
      'goaway 0 11',
    ]);
    assert.equal(writer.length, 0);
  });

  test('a long block is cut, and comes together again', () => {
    for (const size of [0, 1, 16_383, 16_384, 16_385, 32_768, 32_769, 65_000]) {
      const writer = new FrameWriter();
      writer.settings([]);
      const start = writer.length;
      const block = Uint8Array.from({ length: size }, (_, i) => (i * 7) % 251);
      writer.room(9 + size);
      writer.bytes.set(block, start + 9);
      writer.length = start + 9 + size;
      writer.headers(start, 5, true);
      assert.deepEqual(
        read([...writer.take()], [4096]).heard,
        ['settings', `headers 5 ${block.join()} true`],
        `${size}`,
      );
    }
  });
});
