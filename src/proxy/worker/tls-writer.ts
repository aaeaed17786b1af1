/**
 * Writing through TLS on the handle itself. It differs from TCP: what is given is encrypted at once, so that its buffer is
 * free again; a write is never done when the call returns (it tells so in the next turn), and before that the handle must
 * not get another one: Node aborts the process. What comes meanwhile is kept here and goes out as one.
 *
 * `pending` of the connection tells, as everywhere, whether the peer has to be waited for: a write that the kernel has
 * taken whole does not count, though it is not reported yet.
 */
import type { HandleOwner, PendingWrite, RawHandle } from './raw-handle.ts';
import { lastWriteError } from './stream-state.ts';

/** More than this TLS may hand to the kernel in several turns. */
const AT_ONCE = 65_536;

export class TlsWriter {
  private readonly connection: HandleOwner;
  private readonly handle: RawHandle;
  /** The connection below, whose queue is the kernel's. */
  private readonly below: Pick<RawHandle, 'writeQueueSize'>;
  private busy = false;
  private queue: Uint8Array | null = null;
  /** Bytes in the queue. */
  queued = 0;
  private afterwards: (() => void) | null = null;

  constructor(connection: HandleOwner, handle: RawHandle) {
    this.connection = connection;
    this.handle = handle;
    this.below = handle['_parent'] ?? { writeQueueSize: 0 };
  }

  /** @returns false where the connection is gone */
  write(view: Uint8Array): boolean {
    if (!this.busy) return this.pass(view);
    this.keep(view);
    this.connection.waits();
    return true;
  }

  /** Calls `act` once nothing is on its way through TLS: its end must not overtake what was written. */
  whenDone(act: () => void): void {
    if (this.busy) this.afterwards = act;
    else act();
  }

  private pass(view: Uint8Array): boolean {
    const result = this.handle.writeBuffer(null, view);
    if (typeof result !== 'object') return result === 0;
    if (lastWriteError() !== 0) return false;
    this.busy = true;
    result.connection = this.connection;
    result.oncomplete = written;
    const status = result.writeStatus;
    if (status !== null && status !== undefined) {
      result.writeStatus = null;
      result.oncomplete(status);
      return true;
    }
    if (view.length > AT_ONCE || this.below.writeQueueSize > 0) this.connection.waits();
    return true;
  }

  private keep(view: Uint8Array): void {
    const length = this.queued + view.length;
    let queue = this.queue;
    if (queue === null || queue.length < length) {
      const larger = Buffer.allocUnsafe(Math.max(4096, 2 * length));
      if (queue !== null) larger.set(queue.subarray(0, this.queued));
      queue = this.queue = larger;
    }
    queue.set(view, this.queued);
    this.queued = length;
  }

  /** The write has been taken by the kernel, or (`status` below 0) failed. */
  done(status: number): void {
    const { connection, queue, queued } = this;
    this.busy = false;
    if (connection.gone) return;
    if (status < 0) {
      connection.writeFailed();
      return;
    }
    const waited = connection.pending > 0;
    connection.pending = 0;
    if (queue !== null) {
      this.queue = null;
      this.queued = 0;
      if (!this.pass(queue.subarray(0, queued))) {
        connection.writeFailed();
        return;
      }
    }
    if (waited && connection.pending === 0) connection.drained();
    if (!this.busy && this.afterwards !== null) {
      const act = this.afterwards;
      this.afterwards = null;
      act();
    }
  }
}

/** One function for all writes: see `onread` in io.ts. */
function written(this: PendingWrite, status: number): void {
  const { connection } = this;
  try {
    connection.tls!.done(status);
  } catch (error) {
    connection.fail(error);
  }
}
