/** libuv's handles as Node has them inside: what is used of them, and what they call. */
import type { Scratch } from './buffers.ts';

/** Whose handle it is: a Connection, as far as what is called by the handle has to know of it. */
export interface HandleOwner {
  readonly gone: boolean;
  readonly tls: { done(status: number): void } | null;
  /** Writes that the kernel has not taken yet. */
  pending: number;
  /** What was written last has to wait for the peer, and whatever comes behind it. */
  waits(): void;
  /** All pending writes have been taken. */
  drained(): void;
  /** A write has failed. */
  writeFailed(): void;
  /** A fault of ours was caught while it was at work: gives it up. */
  fail(error: unknown): void;
}

/** The handle of a socket as Node has it inside. */
export interface RawHandle {
  connection?: HandleOwner;
  /** Of TLS: the handle below. */
  readonly _parent?: RawHandle;
  /** What Node's own streams know of it: they begin to read where it is false. */
  reading: boolean;
  onread: (this: RawHandle) => Uint8Array | undefined;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  /** Bytes that wait for the kernel. */
  readonly writeQueueSize: number;
  /** 0 = written, another number = error, an object = pending, undefined = the handle is closed. */
  writeBuffer(request: null, data: Uint8Array): number | PendingWrite | undefined;
}

export interface PendingWrite {
  connection: HandleOwner;
  handle: RawHandle;
  buffer: Uint8Array;
  scratch?: Scratch;
  writeStatus?: number | null;
  oncomplete: (this: PendingWrite, status: number) => void;
}
