/** A source of listening sockets without a supervisor: for embedding and tests. */
import type { ListenerSource } from '../serving-contract.ts';
import { bindAddress, bindPath } from './bind.ts';

export function localListeners(): Listening {
  return {
    open: async (address, port) => bindAddress(address, port),
    openPath: (path) => bindPath(path),
    release: () => Promise.resolve(),
    releasePath: () => Promise.resolve(),
  };
}

/** Sockets with an address for the proxy, and Unix sockets for the admin API. */
export interface Listening extends ListenerSource {
  /** A bound handle, mode 0600; rejects with a message for people. */
  openPath(path: string): Promise<object>;
  releasePath(path: string): Promise<void>;
}
