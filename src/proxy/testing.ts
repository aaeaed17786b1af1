/** The proxy on a snapshot of a test's own, with real workers, without supervisor and without objects. */
import type { Piece, Snapshot } from '../model/snapshot.ts';
import { startServing, type ServingOptions } from './main/serving.ts';
import type { ProxySettings } from './messages.ts';
import type { Serving } from './serving-contract.ts';
import { localListeners } from './supervisor/local-listeners.ts';

export interface TestProxyOptions {
  readonly pieces: readonly Piece[];
  readonly workers?: number;
  readonly settings?: Partial<ProxySettings>;
  readonly spans?: ServingOptions['spans'];
  readonly after?: ServingOptions['after'];
}

export interface TestProxy {
  readonly serving: Serving;
  /** Serves these pieces from now on. */
  configure(pieces: readonly Piece[]): Promise<void>;
  close(): Promise<void>;
}

let snapshots = 0;

export async function startTestProxy(options: TestProxyOptions): Promise<TestProxy> {
  const serving = await startServing({
    workers: options.workers ?? 1,
    settings: {
      trustedProxies: [],
      cookieKeys: ['00112233445566778899aabbccddeeff'],
      ticketKeys: [],
      accessLog: 0,
      logLevel: 'silent',
      maxConnections: 1024,
      ...options.settings,
    },
    listeners: localListeners(),
    log: SILENT,
    ...(options.spans === undefined ? {} : { spans: options.spans }),
    ...(options.after === undefined ? {} : { after: options.after }),
  });
  const configure = async (pieces: readonly Piece[]) => {
    const snapshot: Snapshot = { id: `test-${++snapshots}`, pieces };
    const { listeners } = await serving.configure(snapshot);
    const broken = listeners.find((listener) => listener.error !== null);
    if (broken !== undefined) throw new Error(`${broken.address}:${broken.port}: ${broken.error}`);
  };
  try {
    await configure(options.pieces);
  } catch (error) {
    await serving.close();
    throw error;
  }
  return { serving, configure, close: () => serving.close() };
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
