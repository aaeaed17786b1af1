/** The body of a request on its way: framed anew, kept for another try as long as it is short. */
import { abandon } from './abandon.ts';
import { refuse } from './answers.ts';
import { scratch, scratchView } from './buffers.ts';
import { copyRange } from './bytes.ts';
import { CHUNK_ROOM, LAST_CHUNK, frame } from './chunks.ts';
import type { Client } from './client.ts';
import { MAX_RETAINED } from './phases.ts';
import { giveBack, rent } from './retained.ts';
import { countLimit } from './state.ts';
import type { Upstream } from './upstream.ts';

/** More of the body. @returns the offset behind what belongs to it */
export function bodyArrived(client: Client, bytes: Uint8Array, start: number, end: number): number {
  const { upstream } = client;
  const rest = takeBody(client, bytes, start, end, 0);
  if (rest < 0) return end;
  const length = taken.end;
  if (upstream === null) {
    if (client.inQueue === null) return end;
    retainMore(client, length, true);
    if (client.retainedLength > MAX_RETAINED) client.pause();
    return rest;
  }
  if (client.pending === 0) client.deadline = bodyDeadline(client);
  if (client.retainedWhole) retainMore(client, length, upstream.connecting);
  if (upstream.connecting) {
    if (client.retainedLength > MAX_RETAINED) client.pause();
    return rest;
  }
  if (upstream.deaf) return rest;
  if (length > 0 && !upstream.write(scratchView(length), true)) {
    upstream.writeFailed();
    return rest;
  }
  if (upstream.pending > 0) client.pause();
  setDeadlines(client, upstream);
  return rest;
}

/** Before the answer begins: whose turn it is, the server's (to take what waits for it, or to answer) or the client's. */
export function setDeadlines(client: Client, upstream: Upstream): void {
  if (upstream.deaf) return;
  if (client.answerStarted) {
    if (client.pending === 0) client.deadline = upstream.pending > 0 ? Infinity : bodyDeadline(client);
    return;
  }
  const waitsForContinue = client.expectsContinue && client.bodyBytes === 0 && upstream.interim === 0;
  const isServers = client.bodyDone || upstream.pending > 0 || waitsForContinue;
  upstream.deadline = isServers ? client.state.now + client.target!.requestTimeout : Infinity;
  client.deadline = isServers ? Infinity : bodyDeadline(client);
}

/** Where in the scratch area the last `takeBody` ended. */
export const taken = { end: 0 };

/**
 * Appends the body in `bytes[start … end)` to the scratch area at `at`, framed anew.
 * @returns the offset behind what belongs to it; −1 where it was malformed or too large, and the request is answered
 */
export function takeBody(client: Client, bytes: Uint8Array, start: number, end: number, at: number): number {
  const output = scratch.area.bytes;
  let rest = start;
  if (client.bodyLeft >= 0) {
    rest = Math.min(end, start + client.bodyLeft);
    taken.end = copyRange(bytes, start, rest, output, at);
    client.bodyLeft -= rest - start;
    client.bodyBytes += rest - start;
    client.bodyDone = client.bodyLeft === 0;
  } else {
    const decoder = client.decoder!;
    const result = decoder.decode(bytes, start, end, output, at + CHUNK_ROOM);
    if (result < 0) {
      client.bodyDone = true;
      giveUp(client, 'bad_framing');
      return -1;
    }
    rest = decoder.position;
    client.bodyBytes += decoder.written;
    taken.end = frame(output, at, decoder.written);
    // trailers of a request go no further on HTTP/1.1, where no server has said that it wants them (see requestTrailers)
    if (result === 1) taken.end = copyRange(LAST_CHUNK, 0, LAST_CHUNK.length, output, taken.end);
    client.bodyDone = result === 1;
  }
  const limit = client.virtualServer!.limits.bodyBytes;
  if (limit === 0 || client.bodyBytes <= limit) return rest;
  countLimit(client.state, 'body_bytes');
  giveUp(client, 'body_too_large');
  return -1;
}

/** What is left of the body cannot be told from a request: the connection ends. */
function giveUp(client: Client, word: 'bad_framing' | 'body_too_large'): void {
  client.keep = false;
  if (client.answerStarted) {
    client.reset(word);
    return;
  }
  abandon(client);
  refuse(client, word);
}

/** Keeps the first `length` bytes of the scratch area for another try. */
export function retain(client: Client, length: number): void {
  const buffer = rent(length);
  buffer.set(scratchView(length));
  client.retained = buffer;
  client.retainedLength = length;
  client.retainedWhole = true;
}

/** `must`: the connection does not stand yet, so what arrives has nowhere else to be. */
function retainMore(client: Client, length: number, must: boolean): void {
  const total = client.retainedLength + length;
  if (total > MAX_RETAINED && !must) {
    client.retainedWhole = false;
    return;
  }
  if (total > client.retained!.length) {
    const larger = rent(total);
    larger.set(client.retained!.subarray(0, client.retainedLength));
    giveBack(client.retained!);
    client.retained = larger;
  }
  client.retained!.set(scratchView(length), client.retainedLength);
  client.retainedLength = total;
}

/** Grace and rate (bytes per millisecond) of a request's body before the answer begins. */
const BODY_GRACE = 30_000;

const MIN_BODY_RATE = 0.1;

/** 109: until when the next bytes of the body must be here; a body that trickles is over at some time, too. */
export function bodyDeadline(client: Client): number {
  if (client.bodyDone) return Infinity;
  const limits = client.virtualServer!.limits;
  const next = client.state.now + limits.readTimeout;
  if (client.answerStarted) return next;
  return Math.min(next, client.bodySince + BODY_GRACE + client.bodyBytes / MIN_BODY_RATE);
}
