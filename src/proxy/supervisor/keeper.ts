/** The bound sockets: each is bound once, and kept while any serving process may need it. */
import { bindAddress, bindPath, type BoundHandle } from './bind.ts';
import type { InheritedSockets } from './inherited.ts';
import { whereKey, type Where } from './protocol.ts';

export class DescriptorKeeper<Holder> {
  readonly #inherited: InheritedSockets;
  readonly #kept = new Map<string, Kept<Holder>>();

  constructor(inherited: InheritedSockets) {
    this.#inherited = inherited;
  }

  /** Rejects with a BindError. */
  async bind(where: Where, holder: Holder): Promise<BoundHandle> {
    const key = whereKey(where);
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      const taken = this.#inherited.take(where);
      kept = {
        handle: taken === null ? bindNew(where) : Promise.resolve(taken),
        inherited: taken !== null,
        holders: new Set(),
      };
      this.#kept.set(key, kept);
    }
    kept.holders.add(holder);
    try {
      return await kept.handle;
    } catch (error) {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
      throw error;
    }
  }

  /** No configuration of this holder needs it any more. Resolves when it is closed here, or kept for somebody else. */
  async release(where: Where, holder: Holder): Promise<void> {
    const key = whereKey(where);
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    kept.holders.delete(holder);
    if (kept.holders.size === 0) await this.#close(key, kept);
  }

  /** The holder is gone; what it held is kept for the next one. */
  forget(holder: Holder): void {
    for (const { holders } of this.#kept.values()) holders.delete(holder);
  }

  /** Closes what nobody holds: called when all that shall run have asked for what they need. */
  sweep(): void {
    for (const [key, kept] of this.#kept) if (kept.holders.size === 0) void this.#close(key, kept);
  }

  /** Closes all; files of Unix sockets go with them. */
  close(): void {
    for (const [key, kept] of this.#kept) void this.#close(key, kept);
  }

  async #close(key: string, kept: Kept<Holder>): Promise<void> {
    this.#kept.delete(key);
    if (kept.inherited) return;
    // libuv unlinks the path of a pipe that it bound itself.
    await kept.handle.then(
      (handle) => handle.close(),
      () => undefined,
    );
  }
}

interface Kept<Holder> {
  readonly handle: Promise<BoundHandle>;
  readonly inherited: boolean;
  readonly holders: Set<Holder>;
}

const bindNew = async (where: Where): Promise<BoundHandle> =>
  'path' in where ? bindPath(where.path) : bindAddress(where.address, where.port);
