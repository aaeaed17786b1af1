/**
 * A parsed request head: offsets into the bytes it was read from, no strings. One instance per worker, overwritten by
 * each parse; whoever needs something later copies it.
 */
export class RequestHead {
  /** Where the offsets point; valid until the next read. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Method: `bytes[start … methodEnd)`. */
  start = 0;
  methodEnd = 0;
  /** The request target as received: origin-form, absolute-form or `*`. */
  targetStart = 0;
  targetEnd = 0;
  /** The normalised path: in `bytes`, or in a buffer of its own where the path had to be rewritten. */
  pathBytes: Uint8Array = this.bytes;
  pathStart = 0;
  pathEnd = 0;
  /** Query without its `?`, in `bytes`; empty where there is none. */
  queryStart = 0;
  queryEnd = 0;
  hasQuery = false;
  /** Authority in `bytes` as received; of the target where that is absolute, else of the Host field. */
  authorityStart = 0;
  authorityEnd = 0;
  /** Its host without port and trailing dot. */
  hostStart = 0;
  hostEnd = 0;
  /** HTTP/1.x: 0 or 1 (higher minors count as 1). */
  minor = 1;
  /** Four offsets per field line: name start, name end, value start, value end (OWS stripped). */
  readonly fields = new Int32Array(4 * MAX_FIELDS);
  /** Per field line: what is known of it (FIELD). */
  readonly kinds = new Uint8Array(MAX_FIELDS);
  fieldCount = 0;
  /** Some field is of another kind than `plain`: the head cannot be copied as it is. */
  special = false;
  /** Offset behind the empty line. */
  end = 0;

  /** Method, as far as the engine needs to know it. */
  isHead = false;
  isGet = false;
  /** GET, HEAD, OPTIONS, TRACE, PUT, DELETE (RFC 9110 §9.2.2). */
  isIdempotent = false;
  isOptions = false;
  /** The target is not origin-form with a normal path on HTTP/1.1: the request line is written anew. */
  rewriteLine = false;
  isAbsolute = false;
  isAsterisk = false;

  /** Body: −1 = chunked, else its length (0 = none). */
  bodyLength = 0;
  hasLength = false;
  /** The framing field, if there is one, is written as we would write it, and copied as it is. */
  plainFraming = true;
  /** The connection may go on after the answer, as far as the request says. */
  keepAlive = true;
  expectsContinue = false;
  /** Asks for an upgrade to websocket, and may. */
  upgrade = false;
  acceptsTrailers = false;
  /** Index of the last Cookie field, −1 where there is none. */
  cookie = -1;

  /** Notes of the field parser to itself. */
  closes = false;
  hosts = 0;
  connections = 0;
  upgrades = 0;
}

export const MAX_FIELDS = 101;

/** What a field line is to the proxy; everything but `plain` is not copied as it stands. */
export const FIELD = {
  plain: 0,
  /** Of this connection only (RFC 9110 §7.6.1), nominated by Connection, or with an underscore in its name. */
  dropped: 1,
  host: 2,
  /** X-Forwarded-*, X-Real-IP, Forwarded: kept where the peer is trusted. */
  forwarded: 3,
  contentLength: 4,
  transferEncoding: 5,
  connection: 6,
  upgrade: 7,
  te: 8,
  expect: 9,
  /** X-Forwarded-For, Forwarded: appended to where the peer is trusted. */
  forwardedFor: 10,
} as const;
