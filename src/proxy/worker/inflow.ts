/**
 * What comes in as DATA: under the windows that the peer was given, and kept while whoever reads the stream takes nothing
 * (RFC 9113 §5.2).
 */
import { ByteQueue } from '../../http/byte-queue.ts';
import { READ_SIZE } from './buffers.ts';
import type { Outlet } from './outflow.ts';

/** Whoever reads a stream. */
export interface Reader {
  /** It takes nothing now. */
  readonly paused: boolean;
}

/** Where the peer is told that it may send more. */
type Credits = Pick<Outlet, 'frames' | 'mark'>;

/** Of one stream after another. */
export class Inflow {
  /** An end came behind what is kept, and its reader is to be told of it then. */
  endIsKept = false;
  private readonly outlet: Credits;
  private readonly reader: Reader;
  private readonly window: number;
  private id = 0;
  /** Bytes of DATA that the peer may still send. */
  private left = 0;
  /** Bytes of DATA that were taken, and that the peer has not been told of. */
  private taken = 0;
  private readonly kept = new ByteQueue();
  /** Bytes of DATA in there. */
  private keptData = 0;

  /** @param window bytes of DATA that a stream may send before it is given more: what may have to be kept of it */
  constructor(outlet: Credits, reader: Reader, window: number) {
    this.outlet = outlet;
    this.reader = reader;
    this.window = window;
  }

  /** Anew, for another stream; 0: one whose number comes later. */
  begin(id: number): void {
    this.id = id;
    this.left = this.window;
    this.taken = this.keptData = 0;
    this.kept.clear();
    this.endIsKept = false;
  }

  numbered(id: number): void {
    this.id = id;
  }

  /** A frame of DATA begins: so many bytes, padding included, count. @returns false where they are more than the window */
  frameBegins(size: number): boolean {
    this.left -= size;
    if (this.isKeeping) this.keptData += size;
    else this.taken += size;
    return this.left >= 0;
  }

  /** What comes has to be kept: its reader takes nothing, or has not got yet what came before. */
  get isKeeping(): boolean {
    return this.reader.paused || this.kept.length > 0;
  }

  /** There is something for its reader when it goes on. */
  get hasKept(): boolean {
    return this.kept.length > 0 || this.endIsKept;
  }

  /** Copies `bytes[start … end)`. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    this.kept.put(bytes, start, end);
  }

  /** The next part of what is kept, at most a read long. @returns its length; 0: there is nothing */
  takeKept(into: Uint8Array): number {
    if (this.kept.length === 0) return 0;
    const length = this.kept.take(into, Math.min(READ_SIZE, into.length));
    if (this.kept.length === 0) {
      this.taken += this.keptData;
      this.keptData = 0;
    }
    return length;
  }

  /** Nobody reads it any more. */
  forget(): void {
    this.kept.clear();
  }

  /** Tells the peer, now and then, that it may send more. */
  giveCredit(): void {
    if (this.taken < this.window / 2 || this.isKeeping) return;
    this.outlet.frames.windowUpdate(this.id, this.taken);
    this.outlet.mark();
    this.left += this.taken;
    this.taken = 0;
  }
}

/** Of all streams of a connection together: it opens by itself, since each is held up by its own window. */
export class ConnectionInflow {
  private readonly outlet: Credits;
  private readonly window: number;
  private left: number;

  constructor(outlet: Credits, window: number) {
    this.outlet = outlet;
    this.window = this.left = window;
  }

  /** A frame of DATA begins. @returns false where it is more than the window */
  frameBegins(size: number): boolean {
    this.left -= size;
    if (this.left < 0) return false;
    if (this.left < this.window / 2) {
      this.outlet.frames.windowUpdate(0, this.window - this.left);
      this.outlet.mark();
      this.left = this.window;
    }
    return true;
  }
}
