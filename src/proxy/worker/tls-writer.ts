/**
 * Writing through TLS on the handle itself. It differs from TCP: what is given is encrypted at once, so that its buffer is
 * free again; a write is never done when the call returns (it is at the end of the turn), and before that the handle must
 * not get another one: Node aborts the process. What comes meanwhile is kept here and goes out as one.
 *
 * Whether a write is done is looked up when the next one comes, where nobody waits for it: to be told costs a call into
 * JavaScript for each answer.
 *
 * `pending` of the connection tells, as everywhere, whether the peer has to be waited for: a write that the kernel has
 * taken whole does not count, though it is not done yet.
 */
import { giveBufferBack, lendBuffer } from '../../http/lent-buffers.ts';
import type { HandleOwner, PendingWrite, RawHandle } from './raw-handle.ts';
import { RECORDS_STATUS, lastWriteError } from './stream-state.ts';

/**
 * Longer ones are waited for: TLS may hand them to the kernel in several turns, and the next read of a long body, in the
 * same turn, would be kept in fresh memory. That doubled the time of a megabyte.
 */
const AT_ONCE = 32_768;

export class TlsWriter {
  private readonly connection: HandleOwner;
  private readonly handle: RawHandle;
  /** The connection below, whose queue is the kernel's. */
  private readonly below: Pick<RawHandle, 'writeQueueSize'>;
  /** Of the writes the last one, until it is known to be done. */
  private last: PendingWrite | null = null;
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
    if (this.isBusy()) {
      this.keep(view);
      this.wait();
      return true;
    }
    return this.pass(view);
  }

  /** Calls `act` once nothing is on its way through TLS: its end must not overtake what was written. */
  whenDone(act: () => void): void {
    if (!this.isBusy()) {
      act();
      return;
    }
    this.afterwards = act;
    this.hear();
  }

  private isBusy(): boolean {
    return this.last !== null && !isOver(this.last);
  }

  private wait(): void {
    this.connection.waits();
    this.hear();
  }

  /** Of the end of the last write, which is not over. */
  private hear(): void {
    const { last } = this;
    last!.connection = this.connection;
    last!.oncomplete = written;
  }

  private pass(view: Uint8Array): boolean {
    const result = this.handle.writeBuffer(null, view);
    if (typeof result !== 'object') return result === 0;
    if (lastWriteError() !== 0) return false;
    this.last = result;
    if (isOver(result)) this.done(result.writeStatus!);
    else if (view.length > AT_ONCE || this.below.writeQueueSize > 0) this.wait();
    else if (!RECORDS_STATUS) this.hear();
    return true;
  }

  private keep(view: Uint8Array): void {
    const length = this.queued + view.length;
    let queue = this.queue;
    if (queue === null || queue.length < length) {
      const larger = lendBuffer(length);
      if (queue !== null) {
        larger.set(queue.subarray(0, this.queued));
        giveBufferBack(queue);
      }
      queue = this.queue = larger;
    }
    queue.set(view, this.queued);
    this.queued = length;
  }

  /** The write has been taken by the kernel, or (`status` below 0) failed. */
  done(status: number): void {
    const { connection, queue, queued } = this;
    this.last = null;
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
      const passed = this.pass(queue.subarray(0, queued));
      giveBufferBack(queue);
      if (!passed) {
        connection.writeFailed();
        return;
      }
    }
    if (waited && connection.pending === 0) connection.drained();
    const act = this.afterwards;
    if (act === null) return;
    if (this.isBusy()) {
      this.hear();
      return;
    }
    this.afterwards = null;
    act();
  }
}

function isOver(write: PendingWrite): boolean {
  return write.writeStatus !== null && write.writeStatus !== undefined;
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
