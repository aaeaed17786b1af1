/**
 * Frames of a peer as they arrive, in whatever pieces (RFC 9113 §4, §6). What is wrong with a frame as such is found
 * here; what streams there are is for the handler to know. DATA is passed on as it comes, everything else when it is whole.
 */
import { ERROR, FLAG, FRAME, FRAME_HEAD, FRAME_SIZE, MOST_WINDOW, SETTING, readUint32 } from './frames.ts';

/** Each is told what the frame says; those that can find a fault answer with a code of ERROR, `none` = 0 where there is none. */
export interface FrameHandler {
  /** A frame of DATA begins: `size` bytes with its padding count against the windows. */
  dataBegins(id: number, size: number): number;
  /** A part of it; `ended`: the last, and the stream ends with it. */
  data(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number;
  /** A whole block. */
  headers(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number;
  reset(id: number, code: number): number;
  setting(number: number, value: number): number;
  /** All settings of a frame have been told. */
  settingsEnd(): void;
  settingsAck(): void;
  ping(bytes: Uint8Array, start: number, ack: boolean): void;
  goAway(last: number, code: number): void;
  windowUpdate(id: number, bytes: number): number;
  /** A frame that brings nothing on. */
  overhead(): number;
}

/** Bytes of a compressed block, and the frames that it may come in. */
const MOST_BLOCK = 65_536;
const MOST_CONTINUATIONS = 32;
/** Kept between reads: less than a frame. */
export const MOST_REST = FRAME_HEAD + FRAME_SIZE;

export class FrameReader {
  private readonly handler: FrameHandler;
  /** The last piece of the last read. */
  private rest: Uint8Array | null = null;
  private restLength = 0;
  /** Of the frame of DATA that is not whole. */
  private dataId = 0;
  private dataLeft = 0;
  private dataEnds = false;
  /** Of the block that is not whole; 0 = none. */
  private blockId = 0;
  private blockEnds = false;
  private block: Uint8Array | null = null;
  private blockLength = 0;
  private continuations = 0;
  private isFirst = true;

  /** Servers may not ask for pushes (RFC 9113 §6.5.2). */
  private readonly ofServer: boolean;

  constructor(handler: FrameHandler, peer: 'client' | 'server') {
    this.handler = handler;
    this.ofServer = peer === 'server';
  }

  /** Puts what was left over by the last read in front of `into[at …`, where the next one is. @returns where it begins */
  begin(into: Uint8Array, at: number): number {
    const { rest, restLength } = this;
    if (rest === null || restLength === 0) return at;
    into.set(rest.subarray(0, restLength), at - restLength);
    this.restLength = 0;
    return at - restLength;
  }

  /** Reads `bytes[start … end)`. @returns the code of the fault that ends the connection, 0 = none */
  read(bytes: Uint8Array, start: number, end: number): number {
    let p = start;
    for (;;) {
      if (this.dataLeft > 0) {
        const size = Math.min(this.dataLeft, end - p);
        if (size === 0) return ERROR.none;
        this.dataLeft -= size;
        const error = this.handler.data(this.dataId, bytes, p, p + size, this.dataLeft === 0 && this.dataEnds);
        if (error !== ERROR.none) return error;
        p += size;
        continue;
      }
      if (end - p < FRAME_HEAD) break;
      const length = (bytes[p]! << 16) | (bytes[p + 1]! << 8) | bytes[p + 2]!;
      const type = bytes[p + 3]!;
      const flags = bytes[p + 4]!;
      const id = readUint32(bytes, p + 5) & 0x7fffffff;
      if (length > FRAME_SIZE) return ERROR.frameSize;
      if (this.isFirst && (type !== FRAME.settings || (flags & FLAG.ack) !== 0)) return ERROR.protocol;
      if (this.blockId !== 0 && (type !== FRAME.continuation || id !== this.blockId)) return ERROR.protocol;
      if (type === FRAME.data && (flags & FLAG.padded) === 0) {
        const error = this.dataFrame(id, bytes, p + FRAME_HEAD, length, flags);
        if (error !== ERROR.none) return error;
        p += FRAME_HEAD;
        continue;
      }
      if (end - p - FRAME_HEAD < length) break;
      this.isFirst = false;
      p += FRAME_HEAD;
      const error = this.frame(type, flags, id, bytes, p, p + length);
      if (error !== ERROR.none) return error;
      p += length;
    }
    if (p < end) this.keep(bytes, p, end);
    return ERROR.none;
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.rest === null || this.rest.length < length) this.rest = new Uint8Array(length < 512 ? 512 : MOST_REST);
    this.rest.set(bytes.subarray(start, end));
    this.restLength = length;
  }

  private dataFrame(id: number, bytes: Uint8Array, at: number, length: number, flags: number): number {
    if (id === 0) return ERROR.protocol;
    const error = this.handler.dataBegins(id, length);
    if (error !== ERROR.none) return error;
    const ended = (flags & FLAG.endStream) !== 0;
    if (length === 0) {
      if (ended) return this.handler.data(id, bytes, at, at, true);
      return this.handler.overhead();
    }
    this.dataId = id;
    this.dataLeft = length;
    this.dataEnds = ended;
    return ERROR.none;
  }

  private frame(type: number, flags: number, id: number, bytes: Uint8Array, start: number, end: number): number {
    const { handler } = this;
    const length = end - start;
    switch (type) {
      case FRAME.data: {
        if (id === 0 || length === 0 || bytes[start]! >= length) return ERROR.protocol;
        const error = handler.dataBegins(id, length);
        if (error !== ERROR.none) return error;
        const to = end - bytes[start]!;
        const ended = (flags & FLAG.endStream) !== 0;
        return to === start + 1 && !ended ? handler.overhead() : handler.data(id, bytes, start + 1, to, ended);
      }
      case FRAME.headers:
        return this.headers(flags, id, bytes, start, end);
      case FRAME.continuation:
        return this.continuation(flags, bytes, start, end);
      case FRAME.reset:
        if (id === 0) return ERROR.protocol;
        return length === 4 ? handler.reset(id, readUint32(bytes, start)) : ERROR.frameSize;
      case FRAME.settings:
        return this.settings(flags, id, bytes, start, end);
      case FRAME.ping:
        if (id !== 0) return ERROR.protocol;
        if (length !== 8) return ERROR.frameSize;
        handler.ping(bytes, start, (flags & FLAG.ack) !== 0);
        return handler.overhead();
      case FRAME.goAway:
        if (id !== 0) return ERROR.protocol;
        if (length < 8) return ERROR.frameSize;
        handler.goAway(readUint32(bytes, start) & 0x7fffffff, readUint32(bytes, start + 4));
        return handler.overhead();
      case FRAME.windowUpdate:
        if (length !== 4) return ERROR.frameSize;
        return handler.windowUpdate(id, readUint32(bytes, start) & 0x7fffffff);
      case FRAME.priority:
        if (id === 0 || (length === 5 && dependsOnItself(bytes, start, id))) return ERROR.protocol;
        return length === 5 ? handler.overhead() : ERROR.frameSize;
      case FRAME.pushPromise:
        // a server was told that it may not, and a client never may
        return ERROR.protocol;
      default:
        return handler.overhead();
    }
  }

  private headers(flags: number, id: number, bytes: Uint8Array, start: number, end: number): number {
    if (id === 0) return ERROR.protocol;
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      if (from === to) return ERROR.frameSize;
      to -= bytes[from++]!;
    }
    if ((flags & FLAG.priority) !== 0) {
      from += 5;
      if (from <= to && dependsOnItself(bytes, from - 5, id)) return ERROR.protocol;
    }
    if (from > to) return ERROR.protocol;
    const ended = (flags & FLAG.endStream) !== 0;
    if ((flags & FLAG.endHeaders) !== 0) return this.handler.headers(id, bytes, from, to, ended);
    this.blockId = id;
    this.blockEnds = ended;
    this.block = bytes.slice(from, to);
    this.blockLength = to - from;
    this.continuations = 0;
    return ERROR.none;
  }

  private continuation(flags: number, bytes: Uint8Array, start: number, end: number): number {
    const { block, blockId } = this;
    if (blockId === 0 || block === null) return ERROR.protocol;
    const length = this.blockLength + end - start;
    if (++this.continuations > MOST_CONTINUATIONS || length > MOST_BLOCK) return ERROR.enhanceYourCalm;
    if (length > block.length) {
      this.block = new Uint8Array(2 * length);
      this.block.set(block.subarray(0, this.blockLength));
    }
    this.block!.set(bytes.subarray(start, end), this.blockLength);
    this.blockLength = length;
    if ((flags & FLAG.endHeaders) === 0) return ERROR.none;
    const whole = this.block!;
    this.blockId = 0;
    this.block = null;
    return this.handler.headers(blockId, whole, 0, length, this.blockEnds);
  }

  private settings(flags: number, id: number, bytes: Uint8Array, start: number, end: number): number {
    if (id !== 0) return ERROR.protocol;
    const length = end - start;
    if ((flags & FLAG.ack) !== 0) {
      if (length !== 0) return ERROR.frameSize;
      this.handler.settingsAck();
      return this.handler.overhead();
    }
    if (length % 6 !== 0) return ERROR.frameSize;
    for (let p = start; p < end; p += 6) {
      const number = (bytes[p]! << 8) | bytes[p + 1]!;
      const value = readUint32(bytes, p + 2);
      const error = faultOf(number, value, this.ofServer) || this.handler.setting(number, value);
      if (error !== ERROR.none) return error;
    }
    this.handler.settingsEnd();
    return this.handler.overhead();
  }
}

/** RFC 7540 §5.3.1: all that is still looked at of priorities. */
const dependsOnItself = (bytes: Uint8Array, at: number, id: number): boolean =>
  (readUint32(bytes, at) & 0x7fffffff) === id;

/** Of a setting's value (§6.5.2; RFC 8441 §3). */
function faultOf(number: number, value: number, ofServer: boolean): number {
  switch (number) {
    case SETTING.enablePush:
      return value === 0 || (value === 1 && !ofServer) ? ERROR.none : ERROR.protocol;
    case SETTING.initialWindowSize:
      return value <= MOST_WINDOW ? ERROR.none : ERROR.flowControl;
    case SETTING.maxFrameSize:
      return value >= FRAME_SIZE && value <= 0xffffff ? ERROR.none : ERROR.protocol;
    case SETTING.enableConnectProtocol:
      return value <= 1 ? ERROR.none : ERROR.protocol;
    default:
      return ERROR.none;
  }
}
