/** What a connection is doing, and the bounds that go with it. */

/** A client's connection. */
export const PHASE = {
  /** Waits for a head, or for the rest of one. */
  head: 0,
  /** A request is on its way. */
  exchange: 1,
  /** Answered by ourselves; the rest of the request's body is read and thrown away. */
  discard: 2,
  tunnel: 3,
  /** Everything is said; waits for the client to see it. */
  closing: 4,
} as const;

/** A connection to a server, while it is lent to an exchange. */
export const UP = {
  head: 0,
  body: 1,
  tunnel: 2,
} as const;

/** How the body of an answer ends. */
export const FRAMING = {
  none: 0,
  length: 1,
  chunked: 2,
  /** With the connection. */
  close: 3,
} as const;

/** Pipelined bytes that are kept before reading stops. */
export const MAX_HELD = 65_536;
/** What is read and thrown away so that a connection can go on, and for how long (ms). */
export const MAX_DISCARD = 65_536;
export const DISCARD_TIMEOUT = 1000;
/** What is kept of a request for another try, head and body. */
export const MAX_RETAINED = 65_536;
