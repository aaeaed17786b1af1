/**
 * A request's life: match → choose → send → (relay, in relay.ts) → finish. A retry is a loop over `choose` with what was
 * tried excluded.
 */
import { ChunkedDecoder } from '../../http/chunked.ts';
import { DOWN, GLOBAL } from '../shared.ts';
import { countAnswer, enterEndpoint, leaveEndpoint, logAnswer } from './accounting.ts';
import { answerOptions, refuse } from './answers.ts';
import { latin1 } from './bytes.ts';
import { chooseFirst, chooseNext } from './choose.ts';
import { CHUNK_ROOM, LAST_CHUNK, frame } from './chunks.ts';
import type { Client } from './client.ts';
import { head } from './heads.ts';
import { scratch, scratchView } from './io.ts';
import { mirror } from './mirror.ts';
import { MAX_RETAINED, PHASE, UP } from './phases.ts';
import { redirectTo } from './redirects.ts';
import { writeRequestHead } from './request-lines.ts';
import { rent, giveBack } from './retained.ts';
import { MAX_RETRY_BUDGET, countLimit, type WorkerState } from './state.ts';
import type { Target, VirtualServer } from './tables.ts';
import { acquire, discard, release, type Loss, type Upstream } from './upstream.ts';

/**
 * Takes up the request whose head (`head`) ends at `headEnd`.
 * @returns the offset behind what it has consumed of `bytes[… end)`: its head, and as much of its body as is there
 */
export function begin(client: Client, bytes: Uint8Array, headEnd: number, end: number): number {
  const state = client.state;
  const now = (state.now = performance.now());
  client.startedAt = now;
  client.requests++;
  client.minor = head.minor;
  client.isHead = head.isHead;
  client.isIdempotent = head.isIdempotent;
  client.acceptsTrailers = head.acceptsTrailers;
  client.expectsContinue = head.expectsContinue;
  client.upgrade = head.upgrade;
  client.bodyLeft = head.bodyLength;
  client.bodyDone = head.bodyLength === 0;
  client.bodyBytes = 0;
  client.attempts = 0;
  client.fresh = false;
  client.answerStarted = false;
  client.bytesSent = client.status = 0;
  client.setCookie = '';
  client.target = null;
  client.row = null;
  client.choice = -1;
  if (client.tried.length > 0) client.tried = [];
  if (head.bodyLength < 0) (client.decoder ??= new ChunkedDecoder()).reset();
  state.counters.global[GLOBAL.requests]!++;
  if (state.accessLog !== null) client.logged = state.accessLog.sample() ? describe() : null;

  const virtualServer = client.listener.table.hosts.find(bytes, head.hostStart, head.hostEnd) ?? null;
  if (virtualServer !== client.virtualServer) changeVirtualServer(client, virtualServer);
  client.keep = head.keepAlive && !state.draining;
  client.phase = PHASE.exchange;
  if (!match(client, virtualServer)) return afterAnswer(client, bytes, headEnd, end);

  const target = client.target!;
  const choice = chooseFirst(client, target, virtualServer!, matched);
  if (choice < 0) {
    refuse(client, 'no_destination');
    return afterAnswer(client, bytes, headEnd, end);
  }
  return send(client, target, choice, bytes, headEnd, end);
}

/** Index of the rule that `match` found. */
let matched = -1;

/** Finds the target. @returns false where the request was answered instead */
function match(client: Client, virtualServer: VirtualServer | null): boolean {
  const state = client.state;
  if (virtualServer === null) {
    refuse(client, state.configured ? 'not_found' : 'not_ready');
    return false;
  }
  const limits = virtualServer.plan.piece.limits;
  if (limits.requestsPerConnection > 0 && client.requests >= limits.requestsPerConnection) client.keep = false;
  if (head.isAsterisk) {
    answerOptions(client);
    return false;
  }
  if (limits.bodyBytes > 0 && head.bodyLength > limits.bodyBytes) {
    countLimit(state, 'body_bytes');
    client.keep = false;
    refuse(client, 'body_too_large');
    return false;
  }
  if (virtualServer.clients > virtualServer.maxClients) {
    countLimit(state, 'clients');
    client.keep = false;
    refuse(client, 'overload');
    return false;
  }
  matched = virtualServer.table.match(head);
  const target = matched < 0 ? virtualServer.fallback : virtualServer.targets[matched]!;
  client.target = target;
  if (target === null) {
    refuse(client, 'not_found');
    return false;
  }
  const edits = target.edits;
  if (edits !== null && edits.redirect !== null) {
    redirectTo(client, edits, edits.redirect);
    return false;
  }
  return true;
}

/** The request was answered by ourselves: its body, as far as it is here, is not the next request. */
function afterAnswer(client: Client, bytes: Uint8Array, headEnd: number, end: number): number {
  if (client.phase !== PHASE.discard || headEnd === end) return client.phase === PHASE.closing ? end : headEnd;
  return client.discardBody(bytes, headEnd, end);
}

function send(client: Client, target: Target, choice: number, bytes: Uint8Array, headEnd: number, end: number): number {
  const state = client.state;
  let length = writeRequestHead(client, target, head);
  if (length < 0) {
    refuse(client, 'bad_target');
    return afterAnswer(client, bytes, headEnd, end);
  }
  let consumed = headEnd;
  if (!client.bodyDone && headEnd < end) {
    const result = appendBody(client, bytes, headEnd, end, length);
    if (result < 0) {
      badBody(client);
      return end;
    }
    if (isTooLarge(client)) {
      tooLarge(client);
      return end;
    }
    consumed = client.bodyDone ? end - result : end;
    length = written;
  }
  retain(client, length);
  enterEndpoint(client, choice);
  if (target.mirrors.length > 0) mirror(client, target);
  client.deadline = client.bodyDone ? Infinity : state.now + readTimeout(client);
  dispatch(client, target, length);
  if (client.heldLength > MAX_RETAINED) client.pause();
  return consumed;
}

/** Sends what lies in the scratch area (and is retained) to the chosen endpoint. */
function dispatch(client: Client, target: Target, length: number): void {
  const state = client.state;
  const endpoint = client.row!.endpoints[client.choice]!;
  const upstream = acquire(state, endpoint, client, target.connectTimeout, client.fresh);
  client.upstream = upstream;
  upstream.phase = UP.head;
  upstream.interim = 0;
  if (upstream.connecting) return;
  upstream.deadline = client.bodyDone ? state.now + target.requestTimeout : Infinity;
  if (!upstream.write(scratchView(length), true, state.now)) {
    upstream.lose('reset');
    return;
  }
  upstream.sent = true;
  if (upstream.pending > 0) client.pause();
}

/** The connection stands: everything that was kept for it goes out. */
export function upstreamConnected(client: Client, upstream: Upstream): void {
  const { state, target } = client;
  upstream.sent = true;
  upstream.deadline = client.bodyDone ? state.now + target!.requestTimeout : Infinity;
  const view = client.retained!.subarray(0, client.retainedLength);
  if (!upstream.write(Buffer.from(view), false, state.now)) {
    upstream.lose('reset');
    return;
  }
  if (client.retainedLength > MAX_RETAINED) client.retainedWhole = false;
  if (upstream.pending > 0) client.pause();
  else if (!client.bodyDone) client.resume();
}

/** Offset behind what `appendBody` wrote to the scratch area. */
let written = 0;

/**
 * Appends the body in `bytes[start … end)` to the scratch area at `at`, framed anew.
 * @returns how many of the bytes do not belong to it, −1 where it is malformed
 */
function appendBody(client: Client, bytes: Uint8Array, start: number, end: number, at: number): number {
  const output = scratch.area.bytes;
  if (client.bodyLeft >= 0) {
    const length = Math.min(client.bodyLeft, end - start);
    output.set(bytes.subarray(start, start + length), at);
    client.bodyLeft -= length;
    client.bodyBytes += length;
    client.bodyDone = client.bodyLeft === 0;
    written = at + length;
    return end - start - length;
  }
  const decoder = client.decoder!;
  const result = decoder.decode(bytes, start, end, output, at + CHUNK_ROOM);
  if (result < 0) return -1;
  client.bodyBytes += decoder.written;
  written = frame(output, at, decoder.written);
  if (result === 1) {
    // trailers of a request go no further: no server has said that it wants them
    output.set(LAST_CHUNK, written);
    written += LAST_CHUNK.length;
    client.bodyDone = true;
  }
  return end - decoder.position;
}

/** More of the body. @returns the offset behind what belongs to it */
export function bodyArrived(client: Client, bytes: Uint8Array, start: number, end: number): number {
  const state = client.state;
  const rest = appendBody(client, bytes, start, end, 0);
  if (rest < 0) {
    badBody(client);
    return end;
  }
  if (isTooLarge(client)) {
    tooLarge(client);
    return end;
  }
  const length = written;
  const upstream = client.upstream;
  if (upstream === null) return end - rest;
  client.deadline = client.bodyDone ? Infinity : state.now + readTimeout(client);
  if (client.retainedWhole) retainMore(client, length, upstream.connecting);
  if (upstream.connecting) {
    if (client.retainedLength > MAX_RETAINED) client.pause();
    return end - rest;
  }
  if (client.bodyDone && !client.answerStarted) upstream.deadline = state.now + client.target!.requestTimeout;
  if (length > 0 && !upstream.write(scratchView(length), true, state.now)) upstream.lose('reset');
  else if (upstream.pending > 0) client.pause();
  return end - rest;
}

function isTooLarge(client: Client): boolean {
  const limit = client.virtualServer!.plan.piece.limits.bodyBytes;
  return limit > 0 && client.bodyBytes > limit;
}

function tooLarge(client: Client): void {
  countLimit(client.state, 'body_bytes');
  client.keep = false;
  if (client.answerStarted) {
    client.reset();
    return;
  }
  abandon(client);
  refuse(client, 'body_too_large');
}

function badBody(client: Client): void {
  client.keep = false;
  client.bodyDone = true;
  if (client.answerStarted) {
    client.reset();
    return;
  }
  abandon(client);
  refuse(client, 'bad_framing');
}

/** Keeps the first `length` bytes of the scratch area for another try. */
function retain(client: Client, length: number): void {
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

/**
 * Tries again where that is allowed.
 * @param stale the connection had been kept, and its server closed it before it answered: that says nothing about the
 * server, so one fresh connection to the same is tried
 * @returns false where it is not
 */
export function tryAgain(client: Client, upstream: Upstream, stale: boolean): boolean {
  const { state, target } = client;
  if (target === null || client.answerStarted || client.gone || !client.retainedWhole) return false;
  if (upstream.sent && !client.isIdempotent) return false;
  if (stale && !client.fresh) return again(client, target, client.choice, true);
  if (upstream.sent) {
    if (client.attempts >= target.attempts || state.retryBudget < 1) return false;
    state.retryBudget--;
  }
  return elsewhere(client, target);
}

/** Another endpoint of the row, none that was tried. */
export function elsewhere(client: Client, target: Target): boolean {
  client.tried.push(client.choice);
  const before = client.choice;
  leaveEndpoint(client);
  const choice = chooseNext(client, target);
  if (choice < 0) {
    if (client.row === target.place.row) enterEndpoint(client, before);
    return false;
  }
  client.attempts++;
  client.state.counters.global[GLOBAL.retries]!++;
  return again(client, target, choice, false);
}

function again(client: Client, target: Target, choice: number, fresh: boolean): boolean {
  if (client.choice >= 0) leaveEndpoint(client);
  client.fresh = fresh;
  enterEndpoint(client, choice);
  scratch.area.bytes.set(client.retained!.subarray(0, client.retainedLength));
  dispatch(client, target, client.retainedLength);
  return true;
}

/** Tells the main thread that an endpoint failed; a refused connection takes it out at once. */
export function suspect(state: WorkerState, client: Client, how: Loss): void {
  const row = client.row;
  const endpoint = row?.endpoints[client.choice];
  if (row === null || endpoint === undefined) return;
  endpoint.suspected = true;
  if (how === 'refused' && row.endpoints.length > 1) Atomics.or(state.shared.down, endpoint.slot, DOWN.ejected);
  if (state.now - endpoint.reportedAt < 100 && how === 'refused') return;
  endpoint.reportedAt = state.now;
  const reason = how === 'refused' ? 'refused' : how === 'connect_timeout' || how === 'timeout' ? 'timeout' : 'reset';
  state.report({ type: 'suspect', slot: endpoint.slot, reason });
}

/** The request is over; the connection to the server goes back to the idle ones if it can be used again. */
export function finish(client: Client, upstream: Upstream): void {
  const state = client.state;
  const reusable = upstream.reusable && client.bodyDone;
  countAnswer(client, client.status);
  if (client.logged !== null) logAnswer(client, '');
  leaveEndpoint(client);
  client.upstream = null;
  dropRetained(client);
  release(upstream, reusable, client.pending === 0);
  if (state.retryBudget < MAX_RETRY_BUDGET) state.retryBudget += 0.2;
  if (!client.keep || !client.bodyDone) client.close();
  else client.next();
}

/** Gives up what is on its way, without an answer to anybody. */
export function abandon(client: Client): void {
  const upstream = client.upstream;
  client.upstream = null;
  if (upstream !== null) discard(upstream);
  leaveEndpoint(client);
  dropRetained(client);
}

function dropRetained(client: Client): void {
  if (client.retained !== null) giveBack(client.retained);
  client.retained = null;
  client.retainedWhole = false;
}

function changeVirtualServer(client: Client, virtualServer: VirtualServer | null): void {
  if (client.virtualServer !== null) client.virtualServer.clients--;
  client.virtualServer = virtualServer;
  if (virtualServer !== null) virtualServer.clients++;
}

export function readTimeout(client: Client): number {
  return client.virtualServer?.plan.piece.limits.readTimeout ?? 60_000;
}

function describe(): { method: string; target: string; host: string } {
  // the query may carry secrets: it stays out of the log
  return {
    method: latin1(head.bytes, head.start, head.methodEnd),
    target: latin1(head.pathBytes, head.pathStart, Math.min(head.pathEnd, head.pathStart + 1024)),
    host: latin1(head.bytes, head.hostStart, head.hostEnd),
  };
}
