/** A server of HTTP/2 that says what a test wants, frame by frame. */
import net from 'node:net';
import type { TlsOptions } from 'node:tls';

import { FrameReader, MOST_REST, type FrameHandler } from '../../http2/frame-reader.ts';
import { FLAG, FRAME, PREFACE } from '../../http2/frames.ts';
import { HpackDecoder } from '../../http2/hpack-decoder.ts';
import { frame, integer, string } from '../../http2/testing.ts';
import { rawServer } from './in-process.ts';

export interface SeenRequest {
  readonly id: number;
  readonly fields: Record<string, string>;
  readonly ended: boolean;
}

/** A connection as the server sees it. */
export class FrameConnection implements FrameHandler {
  readonly socket: net.Socket;
  readonly settings = new Map<number, number>();
  readonly resets: { id: number; code: number }[] = [];
  readonly windows: { id: number; bytes: number }[] = [];
  readonly bodies = new Map<number, string>();
  readonly trailers = new Map<number, string[]>();
  readonly ended = new Set<number>();
  goneAway: number | null = null;
  pongs = 0;
  /** It answers our settings. */
  acknowledges = true;
  /** Called for each block that is no trailers. */
  onRequest: (request: SeenRequest) => void = () => {};
  onPing: () => void = () => {};
  onData: (id: number) => void = () => {};
  private readonly decoder = new HpackDecoder(1 << 20);
  private readonly reader = new FrameReader(this, 'client');

  constructor(socket: net.Socket) {
    this.socket = socket;
    let first = Buffer.alloc(0);
    const work = new Uint8Array(200_000);
    socket.on('data', (bytes: Buffer) => {
      let rest = bytes;
      if (first.length < PREFACE.length) {
        first = Buffer.concat([first, bytes]);
        if (first.length < PREFACE.length) return;
        rest = first.subarray(PREFACE.length);
      }
      for (let p = 0; p < rest.length; p += 65_536) {
        const piece = rest.subarray(p, p + 65_536);
        work.set(piece, MOST_REST);
        if (this.reader.read(work, this.reader.begin(work, MOST_REST), MOST_REST + piece.length) !== 0)
          throw new Error('a frame of ours is malformed');
      }
    });
  }

  send(...frames: number[][]): void {
    this.socket.write(Buffer.from(frames.flat()));
  }

  dataBegins(): number {
    return 0;
  }

  data(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    this.bodies.set(id, (this.bodies.get(id) ?? '') + Buffer.from(bytes.subarray(start, end)).toString('latin1'));
    if (ended) this.ended.add(id);
    this.onData(id);
    return 0;
  }

  headers(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    if (!this.decoder.decode(bytes, start, end)) throw new Error('a block of ours is malformed');
    const { fields } = this.decoder;
    if (ended) this.ended.add(id);
    if (!fields.includes(':method')) this.trailers.set(id, fields);
    else {
      const pairs = fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]!] as const] : []));
      this.onRequest({ id, fields: Object.fromEntries(pairs), ended });
    }
    return 0;
  }

  reset(id: number, code: number): number {
    this.resets.push({ id, code });
    return 0;
  }

  setting(number: number, value: number): number {
    this.settings.set(number, value);
    return 0;
  }

  settingsEnd(): void {
    if (this.acknowledges) this.send(frame(FRAME.settings, FLAG.ack, 0, []));
  }

  settingsAck(): void {}

  ping(_bytes: Uint8Array, _start: number, ack: boolean): void {
    if (ack) this.pongs++;
    else this.onPing();
  }

  goAway(_last: number, code: number): void {
    this.goneAway = code;
  }

  windowUpdate(id: number, bytes: number): number {
    this.windows.push({ id, bytes });
    return 0;
  }

  overhead(): number {
    return 0;
  }
}

/** `serve` is told of each connection; settings are for it to send. @param secure through TLS, on these terms */
export async function frameServer(
  serve: (connection: FrameConnection, index: number) => void,
  secure: TlsOptions | null = null,
) {
  const connections: FrameConnection[] = [];
  const server = await rawServer((socket) => {
    const connection = new FrameConnection(socket);
    connections.push(connection);
    serve(connection, connections.length - 1);
  }, secure);
  return { ...server, connections };
}

// ---- what servers say

export const settings = (...pairs: [number, number][]): number[] =>
  frame(
    FRAME.settings,
    0,
    0,
    pairs.flatMap(([number, value]) => [0, number, ...uint32(value)]),
  );

export const headers = (id: number, fields: readonly string[], ended = false): number[] =>
  frame(FRAME.headers, FLAG.endHeaders | (ended ? FLAG.endStream : 0), id, block(fields));

export const data = (id: number, text: string, ended = false): number[] =>
  frame(FRAME.data, ended ? FLAG.endStream : 0, id, [...Buffer.from(text, 'latin1')]);

export const reset = (id: number, code: number): number[] => frame(FRAME.reset, 0, id, uint32(code));

export const goAway = (last: number, code: number): number[] =>
  frame(FRAME.goAway, 0, 0, [...uint32(last), ...uint32(code)]);

export const windowUpdate = (id: number, bytes: number): number[] => frame(FRAME.windowUpdate, 0, id, uint32(bytes));

/** Without a table. */
export const block = (fields: readonly string[]): number[] =>
  fields.flatMap((text, i) => (i % 2 === 0 ? [...integer(0, 0x0f, 0), ...string(text)] : string(text, true)));

export const uint32 = (value: number): number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
