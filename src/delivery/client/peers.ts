import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

import type { Peer } from './peer.ts';

/** All addresses of a host name. Rejects where it has none now. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** By the system's own rules: search domains and /etc/hosts count. */
export const resolveHost: Resolve = async (host) => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return [...new Set(found.map(({ address }) => address))];
};

/** Milliseconds between two looks, and at least after one that was asked for. */
const EVERY = 10_000;
const AT_LEAST = 500;
/** More replicas are not talked to. */
const MOST = 16;

export interface PeersOptions {
  readonly host: string;
  readonly resolve: Resolve;
  readonly make: (address: string) => Peer;
  readonly failed: (why: string) => void;
}

/** The controller replicas there are. One that is gone from the name is given up once it does not answer either. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Peer>();
  #timer: NodeJS.Timeout | null = null;
  #due = Infinity;
  #last = -Infinity;
  #running = false;
  #closed = false;
  #looked = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get all(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** The name was looked up, with whatever result. */
  get hasLooked(): boolean {
    return this.#looked;
  }

  /** Looks soon, for something is not as it was. */
  look(): void {
    this.#schedule(Math.max(0, this.#last + AT_LEAST - performance.now()));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const peer of this.#peers.values()) peer.close();
  }

  #schedule(wait: number): void {
    const due = performance.now() + wait;
    if (this.#closed || this.#running || (this.#timer !== null && due >= this.#due)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => void this.#look(), wait).unref();
  }

  async #look(): Promise<void> {
    this.#timer = null;
    this.#running = true;
    this.#last = performance.now();
    try {
      this.#update(await this.#addresses());
    } catch (error) {
      // Those that are known stay: a name server that is away changes nothing.
      if (!this.#closed) this.#options.failed((error as Error).message);
    }
    this.#looked = true;
    this.#running = false;
    this.#schedule(EVERY * (0.8 + 0.4 * Math.random()));
  }

  async #addresses(): Promise<readonly string[]> {
    const { host, resolve } = this.#options;
    return isIP(host) === 0 ? await resolve(host) : [host];
  }

  #update(addresses: readonly string[]): void {
    if (this.#closed) return;
    const wanted = new Set(addresses.toSorted().slice(0, MOST));
    for (const [address, peer] of this.#peers) {
      if (wanted.has(address) || peer.isReached) continue;
      peer.close();
      this.#peers.delete(address);
    }
    for (const address of wanted) {
      if (!this.#peers.has(address)) this.#peers.set(address, this.#options.make(address));
    }
  }
}
