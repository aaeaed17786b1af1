/** The answer on its way back: its head, its body, and what happens when it breaks off. */
import { INCOMPLETE } from '../../http/bad.ts';
import { ChunkedDecoder } from '../../http/chunked.ts';
import { parseResponse } from '../../http/parse-response.ts';
import { PartialHead } from '../../http/partial-head.ts';
import { type KnownHead, recall } from '../../http2/known-heads.ts';
import type { ReasonWord } from '../../model/reasons.ts';
import { observeLatency } from '../../scheduler/latency.ts';
import { GLOBAL } from '../shared.ts';
import { abandon } from './abandon.ts';
import { countFailure, countSent } from './accounting.ts';
import { refuse } from './answers.ts';
import { READ_SIZE, input, scratch, scratchView } from './buffers.ts';
import { copyRange } from './bytes.ts';
import { CHUNK_ROOM, LAST_CHUNK, frame } from './chunks.ts';
import type { Client } from './client.ts';
import { monotonic } from './clock.ts';
import { elsewhere, suspect, tryAgain } from './dispatch.ts';
import { finish } from './exchange.ts';
import { answerHead } from './heads.ts';
import { NEVER_STOOD, type Loss } from './loss.ts';
import { FRAMING, PHASE, UP } from './phases.ts';
import { bodyDeadline, setDeadlines } from './request-body.ts';
import { writeResponseHead } from './response-lines.ts';
import { countReason } from './state.ts';
import { openTunnel, tunnelFromServer, tunnelLost } from './tunnel.ts';
import { discard, type Upstream } from './upstream.ts';

/** Largest head of an answer, interim ones included (105). */
const MAX_HEAD = 65_536;
/** Interim answers before the final one (96). */
const MAX_INTERIM = 32;
/** From this size on a body is read into a large buffer and written from there. */
const LARGE = 2 * READ_SIZE;

export function answerArrived(client: Client, upstream: Upstream, bytes: Uint8Array, length: number): void {
  switch (upstream.phase) {
    case UP.head:
      headArrived(client, upstream, bytes, length);
      return;
    case UP.body:
      bodyArrived(client, upstream, bytes, length);
      return;
    case UP.tunnel:
      tunnelFromServer(client, upstream, bytes, length);
      return;
  }
}

function headArrived(client: Client, upstream: Upstream, read: Uint8Array, readLength: number): void {
  let bytes = read;
  let end = readLength;
  const { held } = upstream;
  if (held !== null) {
    const isWorthIt = held.append(read, readLength);
    if (!isWorthIt && held.length <= MAX_HEAD) return;
    ({ bytes, length: end } = held);
    held.parsed += end;
  } else if (read !== input) {
    // a large buffer, which has no room for the zero behind it
    bytes = new Uint8Array(readLength + 1);
    bytes.set(read.subarray(0, readLength));
  }
  bytes[end] = 0;
  let p = 0;
  for (;;) {
    const next = parseResponse(answerHead, bytes, p, end);
    if (next === INCOMPLETE && end - p < MAX_HEAD) {
      if (held === null || p > 0) upstream.held = new PartialHead(bytes, p, end);
      return;
    }
    // a whole head can be too large as well: the part that was held, and up to a read more
    if (next <= 0 || next - p > MAX_HEAD) {
      badAnswer(client, upstream);
      return;
    }
    p = next;
    upstream.held = null;
    if (answerHead.status >= 200) break;
    if (answerHead.status === 101) {
      openTunnel(client, upstream, bytes, p, end);
      return;
    }
    if (!relayInterim(client, upstream) || client.upstream !== upstream) return;
    if (p === end) return;
  }
  relayAnswer(client, upstream, bytes, p, end);
}

export function recognisedArrived(
  client: Client,
  upstream: Upstream,
  known: KnownHead,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  // whoever takes fields out of it has to know where they are
  if (client.target?.edits?.response == null) recall(answerHead, known);
  else parseResponse(answerHead, known.bytes, 0, known.bytes.length);
  relayAnswer(client, upstream, bytes, start, end);
}

/** 95, 96: 1xx to clients of HTTP/1.1, bounded, without a body. @returns false where that was the end */
function relayInterim(client: Client, upstream: Upstream): boolean {
  if (++upstream.interim > MAX_INTERIM || answerHead.hasLength || answerHead.chunked) {
    badAnswer(client, upstream);
    return false;
  }
  if (client.minor === 0) return true;
  const cookie = client.setCookie;
  client.setCookie = '';
  const length = writeResponseHead(client, answerHead, FRAMING.none);
  client.setCookie = cookie;
  countSent(client, length);
  if (!client.write(scratchView(length), true)) {
    client.ended(true);
    return false;
  }
  if (client.bodyBytes === 0) client.bodySince = client.state.now;
  if (!client.bodyDone) setDeadlines(client, upstream);
  return true;
}

function relayAnswer(client: Client, upstream: Upstream, bytes: Uint8Array, start: number, end: number): void {
  const { state, target } = client;
  const status = answerHead.status;
  if (status >= 500) countFailure(client);
  if (target!.retryOn.has(status) && tryAnother(client, upstream)) return;
  const endpoint = upstream.endpoint;
  if (endpoint.suspected) {
    endpoint.suspected = false;
    state.report({ type: 'cleared', slot: endpoint.slot });
  }
  if (state.observeLatency)
    observeLatency(state.shared, endpoint.slot, (monotonic() - client.startedAt - client.waited) * 1000, state.now);
  // an error that comes fast says nothing of how much the server can take
  if (endpoint.adaptive !== null && status < 500) endpoint.adaptive.observe((monotonic() - client.dispatchedAt) * 1000);
  client.status = status;
  client.answerStarted = true;
  // 94: an answer before the request's end: what is left of the body is not read into the next request
  if (!client.bodyDone || state.closing) client.keep = false;
  const framing = frameOf(client);
  if (framing === FRAMING.close && client.minor === 0) client.keep = false;
  if (framing === FRAMING.chunked && client.minor === 0) client.keep = false;
  upstream.framing = framing;
  upstream.left = framing === FRAMING.length ? answerHead.length : 0;
  upstream.reusable = answerHead.keepAlive && framing !== FRAMING.close && !upstream.deaf;
  upstream.idleTimeout = idleTimeout();
  upstream.phase = UP.body;
  if (framing === FRAMING.chunked) (upstream.decoder ??= new ChunkedDecoder()).reset();
  const headLength = writeResponseHead(client, answerHead, framing);
  relayBody(client, upstream, bytes, start, end, headLength);
}

/** §6.3 of RFC 9112, as far as an answer that passed the parser leaves it open. */
function frameOf(client: Client): number {
  if (client.isHead || answerHead.status === 204 || answerHead.status === 304) return FRAMING.none;
  if (answerHead.chunked) return FRAMING.chunked;
  return answerHead.hasLength ? FRAMING.length : FRAMING.close;
}

/** A second less than what the server says, else a second less than Node's five. */
function idleTimeout(): number {
  const seconds = answerHead.keepAliveSeconds;
  return seconds === 0 ? 4000 : Math.min(60_000, Math.max(0, seconds * 1000 - 1000));
}

function bodyArrived(client: Client, upstream: Upstream, bytes: Uint8Array, length: number): void {
  const state = client.state;
  upstream.deadline = state.now + client.target!.idleTimeout;
  if (bytes === input) {
    relayBody(client, upstream, bytes, 0, length, 0);
    return;
  }
  // a large buffer, which only bodies with a length are read into, is written as it is: its next read waits for that
  const taken = Math.min(length, upstream.left);
  if (taken < length) upstream.reusable = false;
  upstream.left -= taken;
  sendAnswer(client, upstream, bytes.subarray(0, taken), false, upstream.left === 0);
}

/** Puts body bytes behind the `at` bytes of the scratch area, and sends all of it. */
function relayBody(
  client: Client,
  upstream: Upstream,
  bytes: Uint8Array,
  start: number,
  end: number,
  at: number,
): void {
  const out = scratch.area.bytes;
  let o = at;
  let done = false;
  switch (upstream.framing) {
    case FRAMING.none:
      done = true;
      if (start < end) upstream.reusable = false;
      break;
    case FRAMING.length: {
      const length = Math.min(upstream.left, end - start);
      // 104: what comes behind the answer belongs to nothing
      if (length < end - start) upstream.reusable = false;
      o = copyRange(bytes, start, start + length, out, o);
      upstream.left -= length;
      done = upstream.left === 0;
      break;
    }
    case FRAMING.chunked: {
      const decoder = upstream.decoder!;
      const data = client.chunkAnswer ? o + CHUNK_ROOM : o;
      const result = decoder.decode(bytes, start, end, out, data);
      if (result < 0) {
        // the head, if it is still in the scratch area, has not been seen by anybody
        if (at > 0) client.answerStarted = false;
        badAnswer(client, upstream);
        return;
      }
      o = client.chunkAnswer ? frame(out, o, decoder.written) : o + decoder.written;
      done = result === 1;
      if (done && client.chunkAnswer) o = lastChunk(client, decoder.trailers, o);
      if (done && decoder.position < end) upstream.reusable = false;
      break;
    }
    case FRAMING.close:
      if (client.chunkAnswer) {
        out.set(bytes.subarray(start, end), o + CHUNK_ROOM);
        o = frame(out, o, end - start);
      } else {
        o = copyRange(bytes, start, end, out, o);
      }
      break;
  }
  if (o > 0) sendAnswer(client, upstream, scratchView(o), true, done);
  else if (done) finish(client, upstream);
}

/** 34: trailers for those who said that they take them. */
function lastChunk(client: Client, trailers: readonly number[] | null, at: number): number {
  const out = scratch.area.bytes;
  let o = at;
  out[o++] = 0x30;
  out[o++] = 0x0d;
  out[o++] = 0x0a;
  if (trailers !== null && client.acceptsTrailers) {
    out.set(trailers, o);
    o += trailers.length;
  }
  out[o++] = 0x0d;
  out[o++] = 0x0a;
  return o;
}

function sendAnswer(client: Client, upstream: Upstream, view: Uint8Array, inScratch: boolean, done: boolean): void {
  const state = client.state;
  countSent(client, view.length);
  if (!client.write(view, inScratch)) {
    client.ended(true);
    return;
  }
  if (done) {
    finish(client, upstream);
    return;
  }
  if (client.pending > 0) {
    upstream.pause();
    upstream.deadline = Infinity;
    client.deadline = state.now + client.virtualServer!.limits.writeTimeout;
  } else {
    upstream.deadline = state.now + client.target!.idleTimeout;
    if (!client.bodyDone) client.deadline = bodyDeadline(client);
  }
  if (upstream.framing === FRAMING.length && upstream.left > LARGE && client.takesLarge)
    upstream.useLargeBuffer(client.pending === 0);
}

/** The client has taken what waited for it. */
export function resumeAnswer(client: Client): void {
  const upstream = client.upstream;
  if (upstream === null) return;
  const until = client.state.now + (client.target?.idleTimeout ?? 180_000);
  if (upstream.phase !== UP.head) upstream.deadline = until;
  if (client.phase === PHASE.tunnel) client.deadline = until;
  else if (client.answerStarted) client.deadline = bodyDeadline(client);
  upstream.resume();
}

/** A status that the rule retries on. */
function tryAnother(client: Client, upstream: Upstream): boolean {
  const { state, target } = client;
  if (!client.isIdempotent || !client.retainedWhole || !client.bodyDone) return false;
  if (client.attempts >= target!.attempts || state.retryBudget < 1) return false;
  state.retryBudget--;
  if (!elsewhere(client, target!)) return false;
  discard(upstream);
  return true;
}

function badAnswer(client: Client, upstream: Upstream): void {
  if (client.answerStarted) {
    broken(client);
    return;
  }
  suspect(client.state, client, 'reset');
  discard(upstream);
  abandon(client);
  fail(client, 'bad_answer');
}

/** 99: half an answer must not look like a whole one. */
function broken(client: Client): void {
  countReason(client.state, 'truncated_answer');
  if (client.status < 500) countFailure(client);
  client.reset('truncated_answer');
}

function fail(client: Client, word: ReasonWord): void {
  if (!client.bodyDone) client.keep = false;
  refuse(client, word);
}

/** A connection to a server was lost in the middle of an exchange. */
export function upstreamLost(client: Client, upstream: Upstream, how: Loss): void {
  if (client.upstream !== upstream) return;
  if (upstream.phase === UP.tunnel || client.phase === PHASE.tunnel) {
    tunnelLost(client, upstream, how);
    return;
  }
  if (client.answerStarted) {
    if (upstream.framing !== FRAMING.close || how !== 'end') {
      broken(client);
      return;
    }
    // 100: the end of the connection is the end of the answer; one without TLS's close_notify looks the same in Node
    if (upstream.endpoint.tls !== null) client.state.counters.global[GLOBAL.unframedAnswers]!++;
    upstream.reusable = false;
    if (client.chunkAnswer) sendAnswer(client, upstream, LAST_CHUNK, false, true);
    else finish(client, upstream);
    return;
  }
  const never = NEVER_STOOD.has(how);
  // 107: what was answered in part was received, and is not sent again
  const answered = upstream.held !== null || upstream.interim > 0;
  const stale = upstream.requests > 0 && (how === 'end' || how === 'reset') && !answered;
  if (!stale) suspect(client.state, client, how);
  discard(upstream);
  const allowed = never
    ? client.target!.retryConnectFailure
    : how === 'timeout' || how === 'malformed' || answered
      ? false
      : client.target!.retryReset || stale;
  if (allowed && tryAgain(client, upstream, stale)) return;
  abandon(client);
  fail(client, WORDS[how]);
}

const WORDS = {
  refused: 'connect_failed',
  unreachable: 'connect_failed',
  forbidden: 'connect_failed',
  connect_timeout: 'connect_timeout',
  exhausted: 'overloaded',
  tls: 'tls_failed',
  untrusted: 'untrusted_server',
  no_http2: 'no_http2',
  no_websocket: 'no_websocket',
  timeout: 'answer_timeout',
  end: 'reset_by_server',
  reset: 'reset_by_server',
  malformed: 'bad_answer',
} as const satisfies Record<Loss, string>;
