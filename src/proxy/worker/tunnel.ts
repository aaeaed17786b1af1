/** Bytes both ways: after an upgrade (101), and all of a TCP connection. */
import { GLOBAL } from '../shared.ts';
import { abandon, dropRetained } from './abandon.ts';
import { countAnswer, countSent, enterEndpoint, leaveEndpoint, logAnswer } from './accounting.ts';
import { connect as connectTo } from './acquire.ts';
import { refuse } from './answers.ts';
import { input, inputView, scratch, scratchView } from './buffers.ts';
import { chooseFirst, chooseNext, whyNone } from './choose.ts';
import type { Client } from './client.ts';
import { monotonic } from './clock.ts';
import { suspect } from './dispatch.ts';
import { answerHead } from './heads.ts';
import { NEVER_STOOD, type Loss } from './loss.ts';
import { PHASE, UP } from './phases.ts';
import { secondsToWait } from './rate.ts';
import { writeSwitchingHead } from './response-lines.ts';
import { countShed } from './shed.ts';
import { countLimit, countReason } from './state.ts';
import type { Target, VirtualServer } from './tables.ts';
import { closeWhenSent, discard, type Upstream } from './upstream.ts';

/** 83, 84: a tunnel opens by a 101 to an upgrade that was asked for, and by nothing else. */
export function openTunnel(client: Client, upstream: Upstream, bytes: Uint8Array, start: number, end: number): void {
  const { state } = client;
  if (!client.upgrade || !answerHead.upgrade) {
    suspect(state, client, 'reset');
    discard(upstream);
    abandon(client);
    refuse(client, 'bad_answer');
    return;
  }
  client.status = 101;
  client.answerStarted = true;
  client.phase = PHASE.tunnel;
  upstream.phase = UP.tunnel;
  dropRetained(client);
  const length = writeSwitchingHead(client, answerHead);
  scratch.area.bytes.set(bytes.subarray(start, end), length);
  touch(client, upstream);
  countSent(client, length + end - start);
  if (!client.write(scratchView(length + end - start), true)) {
    client.ended(true);
    return;
  }
  if (!sendHeld(client, upstream)) return;
  if (upstream.pending === 0) client.resume();
  if (client.eof) upstream.endSide();
}

export function tunnelFromClient(client: Client, bytes: Uint8Array, length: number): void {
  const upstream = client.upstream;
  if (upstream === null) return;
  touch(client, upstream);
  if (!upstream.write(copied(bytes, length), true)) upstream.lose('reset');
  else if (upstream.pending > 0) client.pause();
}

export function tunnelFromServer(client: Client, upstream: Upstream, bytes: Uint8Array, length: number): void {
  countSent(client, length);
  touch(client, upstream);
  if (!client.write(copied(bytes, length), true)) client.ended(true);
  else if (client.pending > 0) upstream.pause();
}

/** The client has ended its side. */
export function tunnelEnded(client: Client): void {
  const upstream = client.upstream;
  if (upstream === null || upstream.connecting || upstream.eof) close(client);
  else upstream.endSide();
}

export function tunnelLost(client: Client, upstream: Upstream, how: Loss): void {
  if (upstream.connecting || NEVER_STOOD.has(how)) {
    connectElsewhere(client, upstream, how);
    return;
  }
  if (how !== 'end') {
    discard(upstream);
    client.upstream = null;
    client.reset(how === 'timeout' ? 'answer_timeout' : 'reset_by_server');
    return;
  }
  upstream.eof = true;
  if (client.eof) close(client);
  else client.endSide();
}

function close(client: Client): void {
  countAnswer(client, client.status);
  logAnswer(client, '');
  const upstream = client.upstream;
  client.upstream = null;
  if (upstream !== null) closeWhenSent(upstream);
  leaveEndpoint(client);
  client.close();
}

function touch(client: Client, upstream: Upstream): void {
  client.deadline = client.state.now + (client.target?.idleTimeout ?? 180_000);
  upstream.deadline = Infinity;
}

/** Into the scratch area: the shared read buffer is overwritten by the next read. */
function copied(bytes: Uint8Array, length: number): Uint8Array {
  scratch.area.bytes.set(bytes === input ? inputView(length) : bytes.subarray(0, length));
  return scratchView(length);
}

// ---- TCP listeners

/** A connection on a TCP listener: one choice for all of it. */
export function acceptTcp(client: Client): void {
  const virtualServer = client.listener.table.tcp;
  acceptTunnel(client, virtualServer, virtualServer?.fallback ?? null);
}

export function acceptTunnel(client: Client, virtualServer: VirtualServer | null, target: Target | null): void {
  client.phase = PHASE.tunnel;
  client.startedAt = monotonic();
  client.state.now = client.startedAt;
  if (virtualServer === null || target === null) {
    countReason(client.state, 'not_found');
    client.reset('not_found');
    return;
  }
  if (virtualServer.load.clients >= virtualServer.maxClients) {
    countLimit(client.state, 'clients');
    countReason(client.state, 'too_many_clients');
    client.reset('too_many_clients');
    return;
  }
  if (client.state.shedding) {
    countShed(client.state);
    countReason(client.state, 'overloaded');
    client.reset('overloaded');
    return;
  }
  if (secondsToWait(target, virtualServer) > 0) {
    countLimit(client.state, 'rate');
    countReason(client.state, 'rate_limited');
    client.reset('rate_limited');
    return;
  }
  client.virtualServer = virtualServer;
  client.limits = virtualServer.limits;
  client.load = virtualServer.load;
  virtualServer.load.clients++;
  client.target = target;
  const choice = chooseFirst(client, target, virtualServer, -1);
  goTo(client, target, choice);
}

function goTo(client: Client, target: Target, choice: number): void {
  if (choice >= 0) {
    connect(client, target, choice);
    return;
  }
  const why = whyNone(client);
  countReason(client.state, why);
  client.reset(why);
}

function connect(client: Client, target: Target, choice: number): void {
  enterEndpoint(client, choice);
  client.deadline = Infinity;
  const plain = client.listener.table.protocol === 'TLS';
  const endpoint = client.row!.endpoints[choice]!;
  const upstream = connectTo(client.state, endpoint, client, target.connectTimeout, plain);
  if (upstream === null) {
    goElsewhere(client, target);
    return;
  }
  client.upstream = upstream;
  upstream.phase = UP.tunnel;
}

/** The server is there: from now on the client is read. */
export function tunnelConnected(client: Client, upstream: Upstream): void {
  touch(client, upstream);
  if (!sendHeld(client, upstream)) return;
  client.start();
  if (upstream.pending > 0) client.pause();
}

/** What the client has said already. @returns false where the server is gone */
function sendHeld(client: Client, upstream: Upstream): boolean {
  const { held } = client;
  if (held === null) return true;
  client.held = null;
  const view = held.subarray(0, client.heldLength);
  client.heldLength = 0;
  if (upstream.write(view, false)) return true;
  upstream.lose('reset');
  return false;
}

function connectElsewhere(client: Client, upstream: Upstream, how: Loss): void {
  const target = client.target!;
  suspect(client.state, client, how);
  discard(upstream);
  client.upstream = null;
  goElsewhere(client, target);
}

function goElsewhere(client: Client, target: Target): void {
  client.tried.push(client.choice);
  leaveEndpoint(client);
  const choice = chooseNext(client, target);
  if (choice >= 0) {
    client.attempts++;
    client.state.counters.global[GLOBAL.retries]!++;
  }
  goTo(client, target, choice);
}
