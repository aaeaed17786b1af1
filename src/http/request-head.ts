/**
 * A parsed request head: offsets into the bytes it was read from, no strings. One instance per worker, overwritten by
 * each parse; whoever needs something later copies it.
 */
export class RequestHead {
  /** Where the offsets point; valid until the next read. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Method: `bytes[0 … methodEnd)` after `start`. */
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
  /** Host (of the target where that is absolute, else of the field) in `bytes`, as received, without port and trailing dot. */
  hostStart = 0;
  hostEnd = 0;
  /** HTTP/1.x: 0 or 1 (higher minors count as 1). */
  minor = 1;
  /** Four offsets per field line: name start, name end, value start, value end (OWS stripped). */
  readonly fields = new Int32Array(4 * 128);
  fieldCount = 0;
  /** Offset behind the empty line. */
  end = 0;
}
