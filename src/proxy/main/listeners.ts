/** The listening sockets: those of the configuration in force accept; a change closes no connection. */
import net from 'node:net';

import type { Snapshot } from '../../model/snapshot.ts';
import { listenerKey } from '../messages.ts';
import type { ListenerSource, ListenerState } from '../serving-contract.ts';
import { RateLimitedLog, type Log } from './log.ts';

/** The kernel caps it at net.core.somaxconn, which is 4096 on today's systems. */
const BACKLOG = 4096;
/** A port that was taken is tried again this often. */
const RETRY = 1000;

export class Listeners {
  readonly #options: ListenersOptions;
  readonly #rare: RateLimitedLog;
  readonly #open = new Map<string, Entry>();
  #retry: NodeJS.Timeout | null = null;
  #closed = false;
  #accepted = 0;
  /** Between `prepare` and `commit` nothing is tried again: what is bound must not accept yet. */
  #configuring = false;
  #trying: Promise<void> = Promise.resolve();
  /** Connections that were closed at once; `descriptors`: because those or workers were short. */
  readonly refused = { descriptors: 0, memory: 0 };

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#rare = new RateLimitedLog(options.log);
  }

  /** Binds what is new; it does not accept before `commit`. */
  async prepare(wanted: readonly Wanted[]): Promise<void> {
    this.#configuring = true;
    await this.#trying;
    await Promise.all(wanted.map((each) => this.#bind(each)));
  }

  /** The workers know their listeners now: new ones accept, removed ones stop. Resolves when that is so. */
  async commit(wanted: readonly Wanted[]): Promise<void> {
    const keys = new Set(wanted.map(({ address, port }) => listenerKey(address, port)));
    for (const [key, entry] of this.#open) if (!keys.has(key)) this.#close(key, entry);
    await Promise.all([...this.#open.values()].map((entry) => this.#listen(entry)));
    this.#configuring = false;
    this.#arrangeRetry();
  }

  states(): ListenerState[] {
    return [...this.#open.values()].map(({ address, port, error }) => ({ address, port, error }));
  }

  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const [key, entry] of this.#open) this.#close(key, entry);
  }

  /**
   * Closes all without a reset to anybody: while others keep the listeners, connections go on being accepted, and what
   * waits in the backlog is taken before the last one to close them does.
   */
  async finish(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#open.values()].map(({ address, port }) => this.#options.source.release(address, port)));
    // libuv may accept one connection of each listener in a turn
    for (let turns = 0, before = -1; turns < BACKLOG && before !== this.#accepted; turns++) {
      before = this.#accepted;
      // the first turn ends with what its poll had found already
      await turn();
      await turn();
    }
    this.close();
  }

  async #bind(wanted: Wanted): Promise<void> {
    const { address, port } = wanted;
    const key = listenerKey(address, port);
    let entry = this.#open.get(key);
    if (entry === undefined) {
      entry = { key, address, port, handle: null, server: null, error: null };
      this.#open.set(key, entry);
    }
    if (entry.server !== null || entry.handle !== null) return;
    try {
      entry.handle = await this.#options.source.open(address, port);
      entry.error = null;
    } catch (error) {
      entry.error = (error as Error).message;
    }
  }

  async #listen(entry: Entry): Promise<void> {
    const { handle } = entry;
    if (entry.server !== null || handle === null) return;
    entry.handle = null;
    const server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(entry, socket));
    entry.server = server;
    const failure = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once('error', resolve);
      server.listen(handle, BACKLOG, () => {
        server.off('error', resolve);
        resolve(null);
      });
    });
    if (failure !== null) {
      this.#stop(entry);
      entry.error = `cannot listen on ${entry.address} port ${entry.port}: ${
        failure.code === 'EADDRINUSE' ? 'the address is in use' : failure.message
      }`;
      return;
    }
    // Accepting failed (EMFILE, ENFILE, ENOBUFS): the kernel keeps or drops the connection, the next one is tried anew.
    server.on('error', (error) => {
      this.refused.descriptors++;
      this.#rare.warn({ err: error, address: entry.address, port: entry.port }, 'cannot accept a connection');
    });
    this.#options.log.info({ address: entry.address, port: entry.port }, 'listening');
  }

  #accept(entry: Entry, socket: net.Socket): void {
    this.#accepted++;
    // It may have to wait for a worker here.
    socket.on('error', ignore);
    const short = this.#options.short();
    if (short !== null) {
      this.refused[short]++;
      this.#rare.warn({ limit: short }, `connection closed: no ${short} left for it`);
      socket.destroy();
      return;
    }
    if (this.#options.accept(entry.key, socket)) return;
    this.refused.descriptors++;
    this.#rare.warn({}, 'connection closed: no worker can take it');
  }

  #close(key: string, entry: Entry): void {
    this.#open.delete(key);
    if (entry.server !== null)
      this.#options.log.info({ address: entry.address, port: entry.port }, 'stopped listening');
    this.#stop(entry);
  }

  #stop(entry: Entry): void {
    const held = entry.server !== null || entry.handle !== null;
    entry.server?.close();
    entry.server = null;
    entry.handle?.close?.();
    entry.handle = null;
    if (held) void this.#options.source.release(entry.address, entry.port);
  }

  #arrangeRetry(): void {
    const failed = [...this.#open.values()].some((entry) => entry.error !== null && entry.server === null);
    if (!failed || this.#retry !== null || this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      if (!this.#configuring) this.#trying = this.#tryAgain();
    }, RETRY);
    this.#retry.unref();
  }

  async #tryAgain(): Promise<void> {
    for (const entry of this.#options.wanted()) {
      if (this.#closed) return;
      if (!this.#open.has(listenerKey(entry.address, entry.port))) continue;
      await this.#bind(entry);
      const open = this.#open.get(listenerKey(entry.address, entry.port));
      if (open !== undefined) await this.#listen(open);
    }
    this.#arrangeRetry();
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

function ignore(): void {
  // A client that is gone before it was served is nobody's concern.
}

export interface ListenersOptions {
  readonly source: ListenerSource;
  readonly log: Log;
  /** Takes the socket over; false: there was no place for it, and it is closed. */
  readonly accept: (listener: string, socket: net.Socket) => boolean;
  /** What no more connections fit for want of; null: one fits. */
  readonly short: () => 'descriptors' | 'memory' | null;
  /** Those of the configuration in force. */
  readonly wanted: () => readonly Wanted[];
}

export interface Wanted {
  readonly address: string;
  readonly port: number;
}

interface Entry {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** Bound, but not listening yet. */
  handle: (object & { close?: () => void }) | null;
  server: net.Server | null;
  error: string | null;
}

/** The addresses that the virtual servers of a snapshot listen on, each once. */
export function wantedListeners(snapshot: Snapshot): Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const piece of snapshot.pieces) {
    if (piece.kind !== 'VirtualServer') continue;
    for (const { address, port } of piece.listeners) wanted.set(listenerKey(address, port), { address, port });
  }
  return [...wanted.values()];
}
