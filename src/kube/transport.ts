/** One HTTP exchange with the API server, over whatever version of HTTP it speaks. Knows no Kubernetes. */
import type { Readable } from 'node:stream';

export interface Exchange {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Given: the exchange ends at once, whether its answer has begun or not. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Ends with an error where the answer is cut off. */
  readonly body: Readable;
}

export interface Transport {
  /** Resolves with the head of the answer. Errors: no connection, or it broke; then nothing is known of what was done. */
  exchange(exchange: Exchange): Promise<Answer>;
  /** Ends all connections. */
  close(): void;
}

/** A connection that is not there after this time is tried anew: an address that was away may answer by then. */
export const CONNECT_TIMEOUT = 4000;
