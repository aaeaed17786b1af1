/** What is counted when a request is over. */
import { timeBucket, TIMES } from '../../model/answer-times.ts';
import type { RowPlan } from '../../model/plan.ts';
import { NONE } from '../../scheduler/cell-room.ts';
import type { ExpectedTime } from '../../scheduler/expected-time.ts';
import { CELL, CELL_COUNTERS, DURATION_BUCKETS, GLOBAL, RULE_COUNTERS } from '../shared.ts';
import type { Client } from './client.ts';
import { monotonic } from './clock.ts';
import { noteAnswered, noteLevel } from './levels.ts';
import type { WorkerState } from './state.ts';
import type { ListenerPlace } from './tables.ts';

/** Counts an answer of a server: class, duration. `status` 0: there was none. */
export function countAnswer(client: Client, status: number): void {
  const { counters } = client.state;
  const target = client.target;
  const now = (client.state.now = monotonic());
  if (target === null) return;
  const milliseconds = now - client.startedAt;
  const base = target.slot * RULE_COUNTERS;
  const family = status >= 500 ? 5 : Math.floor(status / 100);
  counters.rules[base + family]!++;
  counters.rules[base + 6]! += milliseconds / 1000;
  const bucket = 32 - Math.clz32(Math.min(milliseconds * 1000, 0x7fffffff));
  const slot = client.virtualServer?.slot;
  if (slot !== undefined) counters.durations[slot * DURATION_BUCKETS + Math.min(bucket, DURATION_BUCKETS - 1)]!++;
}

/** Takes one request off the endpoint that it is in flight at, which has not answered it. */
export function leaveEndpoint(client: Client): void {
  const endpoint = client.row?.endpoints[client.choice];
  if (endpoint === undefined) return;
  // nobody may have looked at the clock since it came
  client.state.now = monotonic();
  leave(client, endpoint.slot);
}

/** The same for one that was answered, and just been counted as an answer: counts it for its cell, and the level. */
export function leaveAnswered(client: Client): void {
  const { row, choice, state } = client;
  const endpoint = row?.endpoints[choice];
  if (row === null || endpoint === undefined) return;
  const { plan } = row;
  const { cells, times } = state.counters;
  const cell = plan.counters[plan.endpoints[choice]!.cell]!;
  const base = cell * CELL_COUNTERS;
  const milliseconds = answerTime(client);
  timesOf(client)?.answered(milliseconds);
  // before the counters by whose change it is seen that there is something to read
  times[cell * TIMES + timeBucket(milliseconds)]!++;
  cells[base + CELL.answered]!++;
  cells[base + CELL.seconds]! += milliseconds / 1000;
  noteAnswered(state, endpoint.slot, leave(client, endpoint.slot));
}

/** Milliseconds since its head, without those in the queue. */
const answerTime = ({ state, startedAt, waited }: Client): number => state.now - startedAt - waited;

/** Where it matters to others that wait how long answers take. */
function timesOf({ virtualServer, target }: Client): ExpectedTime | null {
  return virtualServer?.queue?.deadline === undefined || target === null ? null : target.place.expected;
}

/** It is given up at the endpoint that it is in flight at. */
export function noteUnanswered(client: Client): void {
  if (client.choice < 0) return;
  client.state.now = monotonic();
  timesOf(client)?.unanswered(answerTime(client));
}

function leave(client: Client, slot: number): number {
  const { state } = client;
  const { plan } = client.row!;
  if (plan.capSlots !== undefined) countInCell(state, plan, client.choice, -1);
  client.choice = -1;
  const inflight = Atomics.sub(state.shared.inflight, slot, 1);
  state.inflight[slot]!--;
  noteLevel(state, slot, inflight);
  if (state.queue.size > 0) state.queue.roomMade();
  return inflight;
}

export function enterEndpoint(client: Client, choice: number): void {
  const { state } = client;
  const { plan, endpoints } = client.row!;
  const { slot } = endpoints[choice]!;
  client.choice = choice;
  if (plan.capSlots !== undefined) countInCell(state, plan, choice, 1);
  const inflight = Atomics.add(state.shared.inflight, slot, 1);
  state.inflight[slot]!++;
  noteLevel(state, slot, inflight);
}

function countInCell(state: WorkerState, { capSlots, endpoints }: RowPlan, choice: number, change: 1 | -1): void {
  const slot = capSlots![endpoints[choice]!.cell]!;
  if (slot === NONE) return;
  Atomics.add(state.shared.cellInflight, slot, change);
  state.cellInflight[slot]! += change;
}

/** Tells of the request: to the access log where it is one of the sample, and to its trace where that is recorded. */
export function logAnswer(client: Client, flag: string): void {
  const { logged, trace, state } = client;
  if (logged === null) return;
  client.logged = client.trace = null;
  const endpoint = client.row?.endpoints[client.choice];
  const { method, target, host } = logged;
  const milliseconds = monotonic() - client.startedAt;
  const virtualServer = client.virtualServer?.key ?? '';
  const rule = client.target?.name ?? '';
  const server = endpoint === undefined ? '' : `${endpoint.plan.address}:${endpoint.plan.port}`;
  const { status, bytesSent: bytes, attempts: retries } = client;
  if (logged.inLog)
    state.accessLog?.write({
      client: client.peer,
      protocol: client.protocol,
      method,
      target,
      host,
      virtualServer,
      rule,
      server,
      status,
      flag,
      bytes,
      milliseconds: Math.round(milliseconds),
      waited: Math.round(client.waited),
      retries,
      trace: trace?.traceId ?? '',
    });
  if (trace?.recorded === true)
    state.tracing?.record(trace, milliseconds, {
      method,
      path: target,
      scheme: client.scheme,
      host,
      client: client.peer,
      virtualServer,
      rule,
      server,
      status,
      flag,
      bytes,
      retries,
    });
  if (state.draining) flushLogs(state);
}

/** Hands over what is told of requests that are over: with each tick, and at once while draining, since any may be the last. */
export function flushLogs({ accessLog, tracing }: WorkerState): void {
  accessLog?.flush();
  tracing?.flush();
}

/** Counts a try whose answer was of class 5xx, broke off, or did not come, for the cell that it was sent to. */
export function countFailure(client: Client, isTimeout = false): void {
  const plan = client.row?.plan;
  const endpoint = plan?.endpoints[client.choice];
  if (plan === undefined || endpoint === undefined) return;
  const { cells } = client.state.counters;
  const base = plan.counters[endpoint.cell]! * CELL_COUNTERS;
  cells[base + CELL.failures]!++;
  if (isTimeout) cells[base + CELL.timeouts]!++;
}

/** A client's connection has come. */
export function enterListener(state: WorkerState, listener: ListenerPlace): void {
  listener.clients++;
  state.counters.global[GLOBAL.connectionsAccepted]!++;
  state.counters.global[GLOBAL.connectionsActive]!++;
}

export function leaveListener(state: WorkerState, listener: ListenerPlace): void {
  listener.clients--;
  state.counters.global[GLOBAL.connectionsActive]!--;
}

/** Counts bytes that go to the client. */
export function countSent(client: Client, length: number): void {
  client.bytesSent += length;
  client.state.counters.global[GLOBAL.bytesSent]! += length;
}
