/**
 * Why a request did not get an answer of its real server: one word, the same in the answer of our own, the access log's
 * flag, and the metric's `reason`. One table says which status belongs to it and who is at fault.
 */
export interface Reason {
  readonly word: string;
  /** 0: no answer can be given, the connection is closed. */
  readonly status: number;
  readonly fault: 'client' | 'server' | 'proxy';
}

const table = {
  bad_request: { status: 400, fault: 'client' },
  bad_framing: { status: 400, fault: 'client' },
  no_host: { status: 400, fault: 'client' },
  bad_target: { status: 400, fault: 'client' },
  not_found: { status: 404, fault: 'client' },
  method_not_allowed: { status: 405, fault: 'client' },
  head_timeout: { status: 408, fault: 'client' },
  body_timeout: { status: 408, fault: 'client' },
  body_too_large: { status: 413, fault: 'client' },
  target_too_long: { status: 414, fault: 'client' },
  expectation_failed: { status: 417, fault: 'client' },
  misdirected: { status: 421, fault: 'client' },
  rate_limited: { status: 429, fault: 'client' },
  head_too_large: { status: 431, fault: 'client' },
  internal: { status: 500, fault: 'proxy' },
  not_implemented: { status: 501, fault: 'client' },
  bad_answer: { status: 502, fault: 'server' },
  connect_failed: { status: 502, fault: 'server' },
  reset_by_server: { status: 502, fault: 'server' },
  tls_failed: { status: 502, fault: 'server' },
  untrusted_server: { status: 502, fault: 'server' },
  no_http2: { status: 502, fault: 'server' },
  no_websocket: { status: 502, fault: 'server' },
  no_destination: { status: 503, fault: 'server' },
  at_capacity: { status: 503, fault: 'server' },
  not_ready: { status: 503, fault: 'proxy' },
  too_many_clients: { status: 503, fault: 'proxy' },
  overloaded: { status: 503, fault: 'proxy' },
  answer_timeout: { status: 504, fault: 'server' },
  connect_timeout: { status: 504, fault: 'server' },
  version_not_supported: { status: 505, fault: 'client' },
  client_gone: { status: 0, fault: 'client' },
  idle_timeout: { status: 0, fault: 'client' },
  write_timeout: { status: 0, fault: 'client' },
  truncated_answer: { status: 0, fault: 'server' },
} as const satisfies Record<string, Omit<Reason, 'word'>>;

export type ReasonWord = keyof typeof table;

export const REASONS = Object.entries(table).map(([word, rest]) => ({ word: word as ReasonWord, ...rest }));

/** Index in REASONS: what counters are indexed by. */
export const REASON_INDEX = Object.fromEntries(REASONS.map((reason, index) => [reason.word, index])) as Record<
  ReasonWord,
  number
>;
