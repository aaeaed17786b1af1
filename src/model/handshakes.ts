/** Why a TLS handshake of a client came to nothing: one word, the metric's `reason` and the log's. */
export const HANDSHAKE_FAILURES = [
  /** What came is not TLS. */
  'not_tls',
  /** A request of HTTP in plain text; it is answered so. */
  'plain_http',
  /** The first message is longer than is taken. */
  'hello_too_large',
  /** There is no certificate (or, passed through, no virtual server) for the name that is asked for. */
  'unknown_name',
  'timeout',
  /** Closed by the client before the end. */
  'client_gone',
  /** Only older versions than the listener takes. */
  'version',
  /** No cipher, group or protocol that both sides have. */
  'no_overlap',
  /** An alert from the client: it does not like our certificate, say. */
  'refused_by_client',
  /** Its certificate is missing, or not signed by who may. */
  'client_certificate',
  'other',
] as const;

export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number];

export const HANDSHAKE_FAILURE_INDEX = Object.fromEntries(
  HANDSHAKE_FAILURES.map((word, index) => [word, index]),
) as Record<HandshakeFailure, number>;
