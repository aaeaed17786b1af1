/** HTTP/2 by hand (RFC 9113, RFC 7541): frames as bytes, so that a case can say what no library would. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { ADDRESS } from './address.ts';
import { THROUGH_TLS } from './client.ts';

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export const PROTOCOL_ERROR = 1;
export const REFUSED_STREAM = 7;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field block: literals without indexing, without Huffman's code; names and values of latin1. */
export function block(list: Fields): Buffer {
  return Buffer.concat(list.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(latin1: string): Buffer {
  const bytes = Buffer.from(latin1, 'latin1');
  return Buffer.concat([integer(bytes.length, 127), bytes]);
}

function integer(value: number, most: number): Buffer {
  if (value < most) return Buffer.from([value]);
  const bytes = [most];
  for (let left = value - most; ; left >>>= 7) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left & 127) | 128);
  }
}

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export type Fields = readonly (readonly [string, string])[];

export const GET: Fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a.example'],
  [':path', '/a'],
];

/** The usual request with its pseudo-fields replaced by name, and fields behind them. */
export function fields(pseudo: Record<string, string>, ...more: Fields): Fields {
  return [...GET.map(([name, value]) => [name, pseudo[name] ?? value] as const), ...more];
}

export function headers(stream: number, list: Fields, ended = true): Buffer {
  return frame(TYPE.headers, FLAG.endHeaders | (ended ? FLAG.endStream : 0), stream, block(list));
}

export function data(stream: number, bytes: string | Buffer, ended = false): Buffer {
  return frame(TYPE.data, ended ? FLAG.endStream : 0, stream, Buffer.from(bytes as string));
}

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A connection by prior knowledge: settings are exchanged, all frames are kept. */
export class Http2Peer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;
  private waiting: (() => void)[] = [];
  private rest = Buffer.alloc(0);

  /** `settings`: identifiers and values of the client's SETTINGS. */
  constructor(port: number, settings: readonly (readonly [number, number])[] = []) {
    const raw = connect({ port, host: ADDRESS });
    this.socket = THROUGH_TLS ? connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['h2'] }) : raw;
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes: Buffer) => this.read(bytes));
    this.socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
    const payload = settings.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)]));
    this.send(PREFACE, frame(TYPE.settings, 0, 0, Buffer.concat(payload)));
  }

  send(...parts: (Buffer | string)[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** Sends it and waits until the kernel has it. */
  async drained(bytes: Buffer): Promise<void> {
    if (this.closed || this.socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.socket.write(bytes, () => resolve());
    });
  }

  private read(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (this.rest.length >= 9) {
      const end = 9 + this.rest.readUIntBE(0, 3);
      if (this.rest.length < end) break;
      const type = this.rest[3]!;
      const flags = this.rest[4]!;
      const payload = Buffer.from(this.rest.subarray(9, end));
      this.frames.push({ type, flags, stream: this.rest.readUInt32BE(5) & 0x7fffffff, payload });
      this.rest = this.rest.subarray(end);
      if (type === TYPE.settings && (flags & FLAG.ack) === 0) this.send(frame(TYPE.settings, FLAG.ack, 0));
    }
    this.wake();
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Waits for a frame (or for the end of the connection: then undefined). */
  async find(wanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined || this.closed) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** How the stream ended: by the code of its RST_STREAM, by END_STREAM, or with the connection. */
  async ending(stream: number): Promise<number | 'end' | 'closed'> {
    const last = await this.find(
      (each) =>
        each.stream === stream &&
        (each.type === TYPE.reset ||
          ((each.type === TYPE.data || each.type === TYPE.headers) && (each.flags & FLAG.endStream) !== 0)),
    );
    if (last === undefined) return 'closed';
    return last.type === TYPE.reset ? last.payload.readUInt32BE(0) : 'end';
  }

  /** The status of the stream's answer, as far as one can tell by the first byte of its block; 0 = another one. */
  async status(stream: number): Promise<number> {
    const first = await this.find((each) => each.stream === stream && each.type === TYPE.headers);
    return STATUS[first?.payload[0] ?? 0] ?? 0;
  }

  /** Everything before it has been read by the proxy. @param number its own */
  async ping(number: number): Promise<void> {
    const payload = Buffer.concat([uint32(0), uint32(number)]);
    this.send(frame(TYPE.ping, 0, 0, payload));
    await this.find((each) => each.type === TYPE.ping && each.payload.equals(payload));
  }

  async goaway(): Promise<number | undefined> {
    return (await this.find((each) => each.type === TYPE.goaway))?.payload.readUInt32BE(4);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Indexed fields of the static table. */
const STATUS: Record<number, number> = { 0x88: 200, 0x89: 204, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500 };
