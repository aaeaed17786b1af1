/**
 * A request's life: match → choose → send → (relay, in relay.ts) → finish. A retry is a loop over `choose` with what was
 * tried excluded.
 */
import { ChunkedDecoder } from '../../http/chunked.ts';
import { GLOBAL } from '../shared.ts';
import { dropRetained } from './abandon.ts';
import { countAnswer, enterEndpoint, leaveAnswered, logAnswer } from './accounting.ts';
import { answerOptions, refuse } from './answers.ts';
import { latin1 } from './bytes.ts';
import { chooseFirst, WAITS, whyNone } from './choose.ts';
import type { Client, Logged } from './client.ts';
import { monotonic } from './clock.ts';
import { discardBody } from './discard-body.ts';
import { dispatch } from './dispatch.ts';
import { head } from './heads.ts';
import { mirror } from './mirror.ts';
import { isMisdirected } from './misdirected.ts';
import { PHASE } from './phases.ts';
import { secondsToWait } from './rate.ts';
import { redirectTo } from './redirects.ts';
import { bodyDeadline, retain, takeBody, taken } from './request-body.ts';
import { writeRequestHead } from './request-lines.ts';
import { shed } from './shed.ts';
import { MAX_RETRY_BUDGET, countLimit } from './state.ts';
import type { Target, VirtualServer } from './tables.ts';
import type { Upstream } from './upstream.ts';
import { beginWaiting } from './waiting.ts';

/**
 * Takes up the request whose head (`head`) ends at `headEnd`.
 * @returns the offset behind what it has consumed of `bytes[… end)`: its head, and as much of its body as is there
 */
export function begin(client: Client, bytes: Uint8Array, headEnd: number, end: number): number {
  const state = client.state;
  const now = (state.now = monotonic());
  client.startedAt = client.bodySince = now;
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
  client.bytesSent = client.status = client.waited = 0;
  client.setCookie = '';
  client.target = null;
  client.row = null;
  client.choice = -1;
  if (client.tried.length > 0) client.tried = [];
  if (head.bodyLength < 0) (client.decoder ??= new ChunkedDecoder()).reset();
  state.counters.global[GLOBAL.requests]!++;
  if (state.accessLog !== null || state.tracing !== null) observe(client);

  const virtualServer = client.listener.table.hosts.find(bytes, head.hostStart, head.hostEnd) ?? null;
  client.virtualServer = virtualServer;
  client.limits = virtualServer === null ? null : virtualServer.limits;
  const load = virtualServer === null ? null : virtualServer.load;
  if (load !== client.load) changeLoad(client, load);
  client.keep = head.keepAlive && !state.closing;
  client.phase = PHASE.exchange;
  if (!match(client, virtualServer)) return afterAnswer(client, bytes, headEnd, end);

  const target = client.target!;
  const choice = chooseFirst(client, target, virtualServer!, matched);
  if (choice === -1) {
    refuse(client, whyNone(client));
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
  if (state.shedding) {
    shed(client);
    return false;
  }
  const { sites } = client.listener.table;
  if (sites !== null && sites.mutual && isMisdirected(client, virtualServer, sites)) {
    refuse(client, 'misdirected');
    return false;
  }
  const limits = virtualServer.limits;
  if (limits.requestsPerConnection > 0 && client.requests >= limits.requestsPerConnection) {
    if (client.keep) countLimit(state, 'requests_per_connection');
    client.keep = false;
  }
  // the listener's limit is the widest of its virtual servers
  if (limits.headerBytes > 0 && head.end - head.start > limits.headerBytes) {
    countLimit(state, 'header_bytes');
    client.keep = false;
    refuse(client, 'head_too_large');
    return false;
  }
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
  if (virtualServer.load.clients > virtualServer.maxClients) {
    countLimit(state, 'clients');
    client.keep = false;
    refuse(client, 'too_many_clients');
    return false;
  }
  matched = virtualServer.table.match(head);
  const target = matched < 0 ? virtualServer.fallback : virtualServer.targets[matched]!;
  client.target = target;
  if (target === null) {
    refuse(client, 'not_found');
    return false;
  }
  if ((target.rate !== null || virtualServer.rate !== null) && !isWithinRate(client, target, virtualServer))
    return false;
  const edits = target.edits;
  if (edits !== null && edits.redirect !== null) {
    redirectTo(client, edits, edits.redirect);
    return false;
  }
  return true;
}

/** Within the rule's limit and the virtual server's. @returns false where the request was answered instead */
function isWithinRate(client: Client, target: Target, virtualServer: VirtualServer): boolean {
  const wait = secondsToWait(target, virtualServer);
  if (wait === 0) return true;
  countLimit(client.state, 'rate');
  refuse(client, 'rate_limited', wait);
  return false;
}

/** The request was answered by ourselves: its body, as far as it is here, is not the next request. */
function afterAnswer(client: Client, bytes: Uint8Array, headEnd: number, end: number): number {
  if (client.phase !== PHASE.discard || headEnd === end) return client.phase === PHASE.closing ? end : headEnd;
  return discardBody(client, bytes, headEnd, end);
}

function send(client: Client, target: Target, choice: number, bytes: Uint8Array, headEnd: number, end: number): number {
  let length = writeRequestHead(client, target, head);
  if (length < 0) {
    refuse(client, 'bad_target');
    return afterAnswer(client, bytes, headEnd, end);
  }
  let consumed = headEnd;
  if (!client.bodyDone && headEnd < end) {
    consumed = takeBody(client, bytes, headEnd, end, length);
    if (consumed < 0) return end;
    length = taken.end;
  }
  retain(client, length);
  if (choice !== WAITS) enterEndpoint(client, choice);
  if (target.mirrors.length > 0) mirror(client, target);
  if (choice === WAITS) {
    beginWaiting(client, target, false);
    return consumed;
  }
  client.deadline = bodyDeadline(client);
  dispatch(client, target, length);
  return consumed;
}

/** The request is over; the connection to the server goes back to the idle ones if it can be used again. */
export function finish(client: Client, upstream: Upstream): void {
  const state = client.state;
  const reusable = upstream.reusable && client.bodyDone;
  countAnswer(client, client.status);
  if (client.logged !== null) logAnswer(client, '');
  leaveAnswered(client);
  client.upstream = null;
  dropRetained(client);
  upstream.release(reusable, client.pending === 0);
  if (state.retryBudget < MAX_RETRY_BUDGET) state.retryBudget += 0.2;
  if (!client.keep || !client.bodyDone) client.close();
  else client.next();
}

function changeLoad(client: Client, load: VirtualServer['load'] | null): void {
  if (client.load !== null) client.load.clients--;
  client.load = load;
  if (load !== null) load.clients++;
}

/** Decides what is told of the request, before anything of its head is lost. */
function observe(client: Client): void {
  const { accessLog, tracing } = client.state;
  const inLog = accessLog !== null && accessLog.sample();
  client.trace = tracing === null ? null : tracing.begin(head, client.trusted);
  client.logged = inLog || client.trace?.recorded === true ? describe(inLog) : null;
}

function describe(inLog: boolean): Logged {
  // the query may carry secrets: it stays out of the log
  return {
    method: latin1(head.bytes, head.start, head.methodEnd),
    target: latin1(head.pathBytes, head.pathStart, Math.min(head.pathEnd, head.pathStart + 1024)),
    host: latin1(head.bytes, head.hostStart, head.hostEnd),
    inLog,
  };
}
