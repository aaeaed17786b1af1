/** A connection that has only come so far: what it says first is read here, before it is a client's. */
import type { Socket } from 'node:net';

import { leaveListener } from './accounting.ts';
import { Connection } from './io.ts';
import { caught, type WorkerState } from './state.ts';
import type { ListenerPlace } from './tables.ts';

export abstract class Newcomer extends Connection {
  readonly state: WorkerState;
  readonly listener: ListenerPlace;
  /** Numeric address of whoever it is a connection of, as far as is known. */
  readonly peer: string;
  /** What it has said so far, where that was not enough. */
  protected held: Buffer | null = null;
  protected heldLength = 0;

  /** `timeout`: milliseconds that it may remain what it is. */
  constructor(state: WorkerState, listener: ListenerPlace, socket: Socket, peer: string, timeout: number) {
    super(socket);
    this.state = state;
    this.listener = listener;
    this.peer = peer;
    this.deadline = state.now + timeout;
    state.sweeper.add(this);
    socket.on('error', () => this.ended(true));
    socket.on('close', () => this.ended(true));
  }

  start(): void {
    this.attach(true);
    if (this.handle === null) this.ended(true);
  }

  protected hold(bytes: Uint8Array, length: number): void {
    const total = this.heldLength + length;
    if (this.held === null || this.held.length < total) {
      const larger = Buffer.allocUnsafe(this.held === null ? total : 2 * total);
      if (this.held !== null) larger.set(this.held.subarray(0, this.heldLength));
      this.held = larger;
    }
    this.held.set(bytes.subarray(0, length), this.heldLength);
    this.heldLength = total;
  }

  override drained(): void {}

  /** After a fault of ours. */
  override fail(error: unknown): void {
    caught(this.state, error);
    this.destroy();
  }

  destroy(): void {
    if (this.gone) return;
    this.leave();
    leaveListener(this.state, this.listener);
    this.closeSocket();
  }

  protected closeSocket(): void {
    this.socket.destroy();
  }

  /** What it was is over; the connection may go on as another, and remains counted. */
  protected leave(): void {
    this.gone = true;
    this.held = null;
    this.state.sweeper.remove(this);
  }
}
