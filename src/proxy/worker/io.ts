/**
 * How a worker reads and writes: one read buffer for all its sockets, one scratch area in which everything it sends is
 * put together, and both used on libuv's handles directly where this Node allows it.
 *
 * Reading: a buffer per read costs an allocation per request, a shared one nothing. Writing: `writeBuffer` on the handle
 * saves 1.3 µs against `socket.write` (no Writable, no nextTick); a cached view per length saves another 0.5–1.1 µs
 * against `subarray` per write. Where the internals are missing, or TCPVS_IO=public asks for it, the public API serves.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { READ_SIZE, giveScratchBack, input, readTarget, returnLarge, takeScratch } from './buffers.ts';
import type { HandleOwner, PendingWrite, RawHandle } from './raw-handle.ts';
import { DIRECT, END, readResult } from './stream-state.ts';
import { TlsWriter } from './tls-writer.ts';

/** One socket, of a client or to a server. */
export abstract class Connection implements HandleOwner {
  socket: Socket;
  handle: RawHandle | null = null;
  /** Writes through TLS; null where there is none, or the public API does it. */
  tls: TlsWriter | null = null;
  /** Writes that the kernel has not taken yet. */
  pending = 0;
  /** What was left of them when `takesMore` was asked last, in bytes. */
  private queued = 0;
  paused = false;
  gone = false;
  /** When the coarse clock passes this, `expired` is called. */
  deadline = Infinity;
  /** Place in the list of the sweeper. */
  index = -1;
  /** Where its next read goes, and where its present one went. */
  buffer: Uint8Array = readTarget;
  /** A buffer to change to at the end of this read. */
  nextBuffer: Uint8Array | null = null;
  /** The large buffer that is left then has nothing pending, and may serve another connection. */
  bufferIsFree = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** `length` bytes have been read into `bytes` (a zero may be put behind them). */
  abstract received(bytes: Uint8Array, length: number): void;
  /** The peer has ended its side, or (`error`) the connection broke. */
  abstract ended(error: boolean): void;
  /** All pending writes have been taken. */
  abstract drained(): void;
  /** A write has failed. */
  writeFailed(): void {
    this.ended(true);
  }

  /** The deadline has passed. */
  abstract expired(now: number): void;

  /** A fault of ours was caught while it was at work: gives it up. */
  abstract fail(error: unknown): void;

  /** Runs what an event calls for: a fault in it must not end the thread. */
  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Begins to read; on a socket that connects, once it has. */
  attach(start: boolean): void {
    const handle = (this.socket as unknown as Record<'_handle', RawHandle | null>)['_handle'];
    if (handle === null) return;
    this.handle = handle;
    if (DIRECT) {
      if ((this.socket as TLSSocket).encrypted) this.tls = new TlsWriter(this, handle);
      const known = handle.connection !== undefined;
      handle.connection = this;
      handle.onread = onread;
      if (!known) handle.useUserBuffer(readTarget);
      if (start) handle.readStart();
      return;
    }
    this.socket.allowHalfOpen = true;
    this.socket.on('data', (chunk: Buffer) => this.guarded(() => this.chunkArrived(chunk)));
    this.socket.on('end', () => this.guarded(() => this.ended(false)));
    this.socket.on('drain', () => {
      this.pending = 0;
      if (!this.gone) this.guarded(() => this.drained());
    });
    if (start) this.socket.resume();
  }

  /** Leaves the socket to whoever comes next: to TLS, which goes on reading below, or to another Connection. */
  protected handOver(reading: boolean): void {
    if (DIRECT) {
      if (reading) this.handle!.reading = true;
      else this.handle!.readStop();
      return;
    }
    for (const event of ['data', 'end', 'drain']) this.socket.removeAllListeners(event);
    this.socket.pause();
  }

  /** A chunk is at most one read long (64 KB), but that is Node's habit, not its promise. */
  private chunkArrived(chunk: Buffer): void {
    for (let p = 0; p < chunk.length && !this.gone; p += READ_SIZE) {
      const part = chunk.subarray(p, p + READ_SIZE);
      input.set(part);
      this.received(input, part.length);
    }
  }

  /**
   * Writes `view`; with `inScratch` it lies in the scratch area.
   * @returns false where the connection is gone
   */
  write(view: Uint8Array, inScratch: boolean): boolean {
    if (!DIRECT) return this.writePublic(view);
    if (this.tls !== null) return this.tls.write(view);
    const result = this.handle!.writeBuffer(null, view);
    if (result === 0) return true;
    if (typeof result !== 'object') return false;
    result.connection = this;
    result.handle = this.handle!;
    result.buffer = view;
    result.oncomplete = writeComplete;
    if (this.pending++ === 0) this.queued = this.unsent();
    if (inScratch) result.scratch = takeScratch();
    const status = result.writeStatus;
    if (status !== null && status !== undefined) {
      result.writeStatus = null;
      result.oncomplete(status);
    }
    return true;
  }

  private writePublic(view: Uint8Array): boolean {
    if (this.socket.destroyed || !this.socket.writable) return false;
    const first = this.socket.writableLength === 0;
    if (!this.socket.write(Buffer.from(view))) this.pending = 1;
    if (first) this.queued = this.unsent();
    return true;
  }

  /** What was written last has to wait for the peer, and whatever comes behind it. */
  waits(): void {
    if (this.pending === 0) this.queued = this.unsent();
    this.pending = 1;
  }

  /** Bytes that were written and that the kernel has not taken yet. */
  unsent(): number {
    return (this.handle?.writeQueueSize ?? 0) + (this.tls?.queued ?? 0) + this.socket.writableLength;
  }

  /** Has the peer taken anything since this was asked last (or the first write had to wait)? One that reads slowly has. */
  takesMore(): boolean {
    const before = this.queued;
    this.queued = this.unsent();
    return this.queued < before;
  }

  /** Ends our side, behind all that was written; `done` is called when that has gone out. */
  endSide(done?: () => void): void {
    if (this.gone) return;
    if (this.tls === null) this.socket.end(done);
    else this.tls.whenDone(() => this.socket.end(done));
  }

  pause(): void {
    if (this.paused || this.gone) return;
    this.paused = true;
    if (DIRECT) this.handle?.readStop();
    else this.socket.pause();
  }

  resume(): void {
    if (!this.paused || this.gone) return;
    this.paused = false;
    if (DIRECT) this.handle?.readStart();
    else this.socket.resume();
  }
}

function writeComplete(this: PendingWrite, status: number): void {
  const connection = this.connection as Connection;
  if (this.scratch !== undefined) giveScratchBack(this.scratch);
  connection.pending--;
  if (connection.gone) return;
  if (status < 0) connection.guarded(() => connection.writeFailed());
  else if (connection.pending === 0) connection.guarded(() => connection.drained());
}

/**
 * What a handle calls after each read; it answers with the next buffer, or undefined to keep the present one. One function
 * for all of them: a closure per connection would make its call sites megamorphic, and there are but few classes.
 */
function onread(this: RawHandle): Uint8Array | undefined {
  const connection = this.connection as Connection;
  const length = readResult();
  if (connection.gone || length === 0) return undefined;
  const { buffer } = connection;
  try {
    if (length < 0) connection.ended(length !== END);
    // the shared one as the view that has room for the zero behind what was read
    else connection.received(buffer === readTarget ? input : buffer, length);
  } catch (error) {
    connection.fail(error);
  }
  return connection.nextBuffer === null ? undefined : changeBuffer(connection);
}

/** A connection that is gone has given its buffers back itself. */
function changeBuffer(connection: Connection): Uint8Array | undefined {
  const next = connection.nextBuffer;
  if (next === null || connection.gone) return undefined;
  if (connection.buffer !== readTarget) returnLarge(connection.buffer, connection.bufferIsFree);
  connection.nextBuffer = null;
  connection.buffer = next;
  return next;
}
