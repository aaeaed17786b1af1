/**
 * What h2spec 2.6 (strict) finds at `node:http2` itself of Node 26.10 (nghttp2), measured at a bare server that answers
 * every stream: what a proxy on it cannot mend. It asks for more than RFC 9113 does, or for what nghttp2 passes over.
 */
export const OF_NODE: ReadonlyMap<string, string> = new Map([
  [
    'http2/5.1 closed: Sends a DATA frame after sending RST_STREAM frame',
    'passed over: frames may have been on their way when the stream was reset (RFC 9113 §5.1)',
  ],
  [
    'http2/5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame',
    'passed over, for the same reason; the field block is decoded, so that the table stays right',
  ],
  ['http2/5.1 closed: Sends a DATA frame', 'passed over: nghttp2 does not remember streams that ended'],
  ['http2/5.1 closed: Sends a HEADERS frame', 'passed over, for the same reason'],
  [
    'http2/5.1.1 Sends stream identifier that is numerically smaller than previous',
    'passed over: it cannot be told from a stream that ended',
  ],
  [
    'http2/5.3.1 Sends PRIORITY frame that depend on itself',
    'priorities are deprecated, and ignored (RFC 9113 §5.3.2)',
  ],
  ['http2/6.3 Sends a PRIORITY frame with 0x0 stream identifier', 'priorities are ignored, whatever they say'],
  [
    'http2/6.7 Sends a PING frame with ACK',
    'h2spec waits for the answer to another ping; Node takes the first for an error',
  ],
  [
    'http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream',
    'the stream is reset where it is still open; that of a short answer has ended before',
  ],
]);

/** Found at it where its answer is sooner than the second frame: then the stream has ended, as above. */
export const OF_NODE_AT_TIMES =
  'http2/6.1 Sends a DATA frame on the stream that is not in "open" or "half-closed (local)" state';

/** On a listener that speaks HTTP/1.1 as well, what is no preface of HTTP/2 is a request of HTTP/1.1: answered 400, closed. */
export const OF_PRIOR_KNOWLEDGE = 'http2/3.5 Sends invalid connection preface';
