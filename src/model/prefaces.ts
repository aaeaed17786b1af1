/** Why a connection was closed on a listener that wants a PROXY protocol header first: the metric's `reason` and the log's. */
export const PREFACE_FAILURES = [
  /** Its peer is none of those who are believed. */
  'untrusted',
  /** What came is no such header. */
  'missing',
  'malformed',
  'too_long',
  'timeout',
  /** Closed by the peer before the end of the header. */
  'client_gone',
] as const;

export type PrefaceFailure = (typeof PREFACE_FAILURES)[number];

export const PREFACE_FAILURE_INDEX = Object.fromEntries(PREFACE_FAILURES.map((word, index) => [word, index])) as Record<
  PrefaceFailure,
  number
>;
