/** What a test and the machine that runs its cluster say to each other. */
import type { ApiPlace } from '../api-handle.ts';
import type { NodeOptions } from './nodes.ts';

export interface MachineSettings {
  /** Where everything goes; made and removed by the test. */
  readonly directory: string;
  readonly nodes: readonly NodeOptions[];
  /** What the image `tcpvs` runs: the directory of a bundle; null: there is no such image. */
  readonly product: string | null;
  /** The same by tag, for other tags than the usual ones. */
  readonly tagged: Readonly<Record<string, string>>;
}

/** Calls by name. */
export interface MachineCalls {
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  killServer(): Promise<void>;
  restartEtcd(): Promise<void>;
  /** A signal to the first process of a pod's container (null: of its first one). */
  kill(pod: PodName, container: string | null, signal: NodeJS.Signals): Promise<void>;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export type ToMachine =
  | { readonly settings: MachineSettings }
  | { readonly id: number; readonly call: keyof MachineCalls; readonly args: readonly unknown[] };

export type FromMachine =
  /** The cluster is up. */
  | { readonly ready: ApiPlace }
  /** It did not come up. */
  | { readonly failed: string }
  /** A call is done, or why it failed. */
  | { readonly id: number; readonly error: string | null };
