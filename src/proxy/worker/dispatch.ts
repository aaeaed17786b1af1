/** Choose and send, and again where that is allowed: each try excludes what was tried. */
import { websocketKey } from '../../http/websocket-key.ts';
import { DOWN, GLOBAL } from '../shared.ts';
import { abandon } from './abandon.ts';
import { countFailure, enterEndpoint, leaveEndpoint } from './accounting.ts';
import { acquire } from './acquire.ts';
import { refuse } from './answers.ts';
import { scratch, scratchView } from './buffers.ts';
import { chooseNext } from './choose.ts';
import type { Client } from './client.ts';
import { monotonic } from './clock.ts';
import { type Loss } from './loss.ts';
import { MAX_RETAINED, UP } from './phases.ts';
import { setDeadlines } from './request-body.ts';
import { countLimit, type WorkerState } from './state.ts';
import type { Target } from './tables.ts';
import type { Upstream } from './upstream.ts';
import { beginWaiting, mayWait } from './waiting.ts';

/** Sends what lies in the scratch area (and is retained) to the chosen endpoint. */
export function dispatch(client: Client, target: Target, length: number): void {
  const state = client.state;
  const endpoint = client.row!.endpoints[client.choice]!;
  const { adaptive } = endpoint;
  if (client.upgrade && endpoint.streams !== null && websocketKey(scratchView(length)) === '') {
    // RFC 8441 §5: nobody but us looks at the key, and no client goes on without an answer to it
    abandon(client);
    refuse(client, 'bad_request');
    return;
  }
  if (adaptive !== null) client.dispatchedAt = monotonic();
  const isFull = adaptive !== null && !adaptive.takes(state);
  const upstream = isFull ? null : acquire(state, endpoint, client, target.connectTimeout, client.fresh);
  if (upstream === null) {
    // nothing was sent: as after a connection that could not be made
    if (elsewhere(client, target)) return;
    if (client.waited === 0 && client.row === target.place.row && mayWait(client)) {
      beginWaiting(client, target, true);
      return;
    }
    abandon(client);
    if (!client.bodyDone) client.keep = false;
    refuse(client, 'at_capacity');
    return;
  }
  client.upstream = upstream;
  upstream.phase = UP.head;
  upstream.interim = 0;
  if (upstream.connecting) return;
  if (!upstream.write(scratchView(length), true)) {
    upstream.lose('reset');
    return;
  }
  upstream.sent = true;
  awaitAnswer(client, upstream);
}

/** The request is on its way, as far as it is here. */
function awaitAnswer(client: Client, upstream: Upstream): void {
  if (upstream.pending > 0) client.pause();
  // what was pipelined behind the request before, or a server that is lost now, may have stopped the reading of its body
  else if (!client.bodyDone) client.resume();
  setDeadlines(client, upstream);
}

/** The connection stands: everything that was kept for it goes out. */
export function upstreamConnected(client: Client, upstream: Upstream): void {
  upstream.sent = true;
  const view = client.retained!.subarray(0, client.retainedLength);
  if (!upstream.write(Buffer.from(view), false)) {
    upstream.lose('reset');
    return;
  }
  if (client.retainedLength > MAX_RETAINED) client.retainedWhole = false;
  awaitAnswer(client, upstream);
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
    enterEndpoint(client, before);
    return false;
  }
  client.attempts++;
  client.state.counters.global[GLOBAL.retries]!++;
  return again(client, target, choice, false);
}

function again(client: Client, target: Target, choice: number, fresh: boolean): boolean {
  if (client.choice >= 0) leaveEndpoint(client);
  client.fresh = fresh;
  sendTo(client, target, choice);
  return true;
}

/** Sends what is kept of the request to an endpoint of `client.row`. */
export function sendTo(client: Client, target: Target, choice: number): void {
  enterEndpoint(client, choice);
  scratch.area.bytes.set(client.retained!.subarray(0, client.retainedLength));
  dispatch(client, target, client.retainedLength);
}

/** Tells the main thread that an endpoint failed; a refused connection takes it out at once. */
export function suspect(state: WorkerState, client: Client, how: Loss): void {
  const row = client.row;
  const endpoint = row?.endpoints[client.choice];
  if (row === null || endpoint === undefined) return;
  if (how === 'exhausted') {
    // descriptors or ports of ours: that says nothing about the server
    countLimit(state, 'descriptors');
    return;
  }
  // what it was asked for is nothing that it has failed at: whoever asks would put it out for everybody
  if (how === 'no_websocket') return;
  countFailure(client, how === 'timeout' || how === 'connect_timeout');
  endpoint.suspected = true;
  // reported a moment ago: whoever decides may have let it in again since, and would not hear that it is out
  if (state.now - endpoint.reportedAt < 100 && how === 'refused') return;
  if (how === 'refused' && row.endpoints.length > 1) Atomics.or(state.shared.down, endpoint.slot, DOWN.ejected);
  endpoint.reportedAt = state.now;
  state.report({ type: 'suspect', slot: endpoint.slot, reason: REASONS[how] });
}

/** What the main thread is told. */
const REASONS = {
  refused: 'refused',
  unreachable: 'unreachable',
  forbidden: 'forbidden',
  connect_timeout: 'timeout',
  tls: 'tls',
  untrusted: 'untrusted',
  no_http2: 'no_http2',
  timeout: 'timeout',
  end: 'reset',
  reset: 'reset',
  malformed: 'reset',
} as const satisfies Record<Exclude<Loss, 'exhausted' | 'no_websocket'>, string>;
