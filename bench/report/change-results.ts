/** What the measurements of changes keep; milliseconds everywhere. */
export interface InForceResult {
  readonly rules: number;
  readonly starts: number;
  /** Changes after the first one, of each start. */
  readonly later: number;
  readonly layouts: readonly { readonly layout: string; readonly first: Middle; readonly later: Middle }[];
}

/** Milliseconds. */
export interface Middle {
  readonly median: number;
  readonly max: number;
}

export interface PropagationResult {
  readonly proxies: number;
  readonly replicas: number;
  readonly sizes: readonly SizeResult[];
}

export interface SizeResult {
  readonly rules: number;
  readonly pieces: number;
  /** From the start of the proxies to their first acknowledgement, milliseconds. */
  readonly first: number;
  readonly changes: readonly (Figures & { readonly change: string })[];
  readonly all: Figures;
}

export interface Figures {
  readonly count: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface TranslateResult {
  readonly services: number;
  /** Milliseconds: all of it at first, and where one thing has changed. */
  readonly first: number;
  readonly changes: readonly { readonly change: string; readonly median: number; readonly p95: number }[];
}

export interface RevocationResult {
  readonly rounds: number;
  /** From the request to the API server to the snapshot without it at a proxy. */
  readonly revocations: readonly { readonly what: string; readonly median: number; readonly max: number }[];
}
