/** Which endpoint of a row a request goes to. */
import type { EndpointPlan } from '../../model/plan.ts';
import { cellHasRoom } from '../../scheduler/cell-room.ts';
import type { HashChooser } from '../../scheduler/chooser.ts';
import { createChooser, createHashChooser } from '../../scheduler/create-chooser.ts';
import { usable } from '../../scheduler/dispatch-row.ts';
import { CELL, CELL_COUNTERS, DOWN } from '../shared.ts';
import { hasRoom } from './acquire.ts';
import { latin1 } from './bytes.ts';
import type { Client } from './client.ts';
import { head } from './heads.ts';
import { countLimit, type WorkerState } from './state.ts';
import { COOKIE, cookieValue, endpointToken } from './sticky.ts';
import type { Row, Target, VirtualServer } from './tables.ts';
import { mayWait } from './waiting.ts';

/** A choice that is left to when there is room. */
export const WAITS = -2;

/**
 * The first choice for the request in `head`; sets `client.row`.
 * @param index of the rule in its virtual server, −1 for the virtual server's own destinations
 * @returns an index into `row.endpoints`; −1 = nothing of the row takes new work; WAITS
 */
export function chooseFirst(client: Client, target: Target, virtualServer: VirtualServer, index: number): number {
  const row = target.place.row;
  client.row = row;
  if (virtualServer.isSticky) {
    const kept = keptBy(client, row);
    if (kept >= 0) return count(client, row, kept, CELL.sticky);
  }
  if (target.hashGroup > 0) {
    const hash = virtualServer.table.hashGroup(index, head);
    if (hash >= 0) {
      const choice = hashChooser(client.state, row).chooseByHash(hash, client.tried);
      if (choice >= 0) return count(client, row, choice, CELL.sticky);
    }
  }
  const { state } = client;
  const isBehind = virtualServer.queue !== null && state.queue.has(target.place);
  let choice = isBehind ? -1 : chooserOf(state, target, virtualServer, row).choose();
  if (choice < 0 && !isBehind) choice = spared(state, row, client.tried);
  if (choice < 0) {
    const limit = capOf(state, row);
    if ((limit !== null || isBehind) && mayWait(client)) return WAITS;
    if (limit !== null) countLimit(state, limit);
    countShed(client, row);
    choice = lastResort(client, virtualServer);
  } else {
    count(client, row, choice, CELL.first);
  }
  if (choice >= 0 && virtualServer.isSticky) client.setCookie = cookieLine(client.state, client.row, choice);
  return choice;
}

/** For a request that has waited: an endpoint that has room now, −1 = none. `chosen`: its first choice was counted before. */
export function chooseWaiting(client: Client, target: Target, chosen: boolean): number {
  const { state, virtualServer } = client;
  const { row } = target.place;
  const chooser = chooserOf(state, target, virtualServer!, row);
  const full: number[] = [];
  let choice = chosen ? chooser.chooseAgain(full) : chooser.choose();
  while (choice >= 0 && !hasRoom(state, row.endpoints[choice]!)) {
    full.push(choice);
    choice = chooser.chooseAgain(full);
  }
  if (choice < 0) return -1;
  client.row = row;
  count(client, row, choice, chosen ? CELL.retries : CELL.first);
  if (virtualServer!.isSticky) client.setCookie = cookieLine(state, row, choice);
  return choice;
}

/** For one whose time to wait is over: the virtual server's redirect; −1 = there is none. */
export function chooseInVain(client: Client): number {
  const { row } = client;
  if (row !== null) countShed(client, row);
  return lastResort(client, client.virtualServer!);
}

/** Why nothing of the row was chosen. */
export function whyNone(client: Client): 'at_capacity' | 'no_destination' {
  const { state, row, target } = client;
  if (row === null) return 'no_destination';
  const isFull =
    capOf(state, row) !== null || isWaiting(state, row) || (target !== null && state.queue.has(target.place));
  return isFull ? 'at_capacity' : 'no_destination';
}

/** Nothing takes new work, though something would if it were not for this limit; null: it would not. */
function capOf({ shared }: WorkerState, { plan }: Row): 'connections_per_server' | 'requests_per_cell' | null {
  const at = (isAt: (endpoint: EndpointPlan) => boolean) =>
    plan.endpoints.some((endpoint) => endpoint.available && isAt(endpoint));
  if (at(({ slot, maxConnections }) => shared.inflight[slot]! >= maxConnections)) return 'connections_per_server';
  return at(({ cell }) => !cellHasRoom(plan, shared, cell)) ? 'requests_per_cell' : null;
}

/** Something would take new work if not so many waited for its connections. */
function isWaiting(state: WorkerState, row: Row): boolean {
  return row.plan.endpoints.some(
    ({ available, slot, maxPending }) => available && maxPending > 0 && state.shared.pending[slot]! >= maxPending,
  );
}

/** After a failure: none of `client.tried`; when the row is exhausted, the virtual server's redirect. */
export function chooseNext(client: Client, target: Target): number {
  const virtualServer = client.virtualServer!;
  const row = client.row!;
  if (row === virtualServer.redirect?.row) return -1;
  let choice = chooserOf(client.state, target, virtualServer, row).chooseAgain(client.tried);
  if (choice < 0) choice = spared(client.state, row, client.tried);
  if (choice < 0) {
    client.tried = [];
    choice = lastResort(client, virtualServer);
  } else {
    count(client, row, choice, CELL.retries);
  }
  if (choice >= 0 && virtualServer.isSticky) client.setCookie = cookieLine(client.state, client.row, choice);
  return choice;
}

/**
 * An endpoint that nothing but an ejection keeps out, the one with the least to do: ejections never empty a row. The plan
 * sees to that, but a worker takes out at once whoever refuses, and the plan that spares it comes a little later.
 */
function spared({ shared }: WorkerState, { plan }: Row, tried: readonly number[]): number {
  let found = -1;
  let least = Infinity;
  for (const [index, { available, cell, slot, maxConnections }] of plan.endpoints.entries()) {
    if (!available || plan.cells[cell]!.weight === 0 || shared.down[slot] !== DOWN.ejected) continue;
    const inflight = shared.inflight[slot]!;
    if (inflight >= Math.min(least, maxConnections) || tried.includes(index)) continue;
    if (!cellHasRoom(plan, shared, cell)) continue;
    found = index;
    least = inflight;
  }
  return found;
}

/** Where everything goes when no destination is available. */
function lastResort(client: Client, virtualServer: VirtualServer): number {
  const place = virtualServer.redirect;
  if (place === null || place.row.endpoints.length === 0) return -1;
  client.row = place.row;
  return 0;
}

/** Nothing of the row could take it, and yet it is part of what is asked of the row. */
function countShed(client: Client, { plan }: Row): void {
  const slot = plan.counters[0];
  if (slot !== undefined) client.state.counters.cells[slot * CELL_COUNTERS + CELL.shed]!++;
}

function count(client: Client, row: Row, choice: number, counter: number): number {
  const { plan } = row;
  client.state.counters.cells[plan.counters[plan.endpoints[choice]!.cell]! * CELL_COUNTERS + counter]!++;
  return choice;
}

/** A row's chooser for a way to balance: made when first asked for, kept as long as the epoch. */
function chooserOf(
  state: WorkerState,
  target: Target,
  virtualServer: VirtualServer,
  row: Row,
): { choose(): number; chooseAgain(tried: readonly number[]): number } {
  if (target.chooserRow === row) return target.chooser!;
  const { balance } = virtualServer;
  const rule = virtualServer.isWlc ? 'wlc' : 'plusOne';
  let made = row.choosers;
  while (made !== null && (made.balance !== balance || made.rule !== rule)) made = made.next;
  if (made === null) {
    const chooser = createChooser(row.plan, balance, state.shared, {
      random: Math.random,
      now: () => state.now,
      rule,
    });
    row.choosers = made = { balance, rule, chooser, next: row.choosers };
  }
  target.chooserRow = row;
  target.chooser = made.chooser;
  return made.chooser;
}

function hashChooser(state: WorkerState, row: Row): HashChooser {
  row.hashed ??= createHashChooser(row.plan, state.shared);
  return row.hashed;
}

/** The endpoint that the request's cookie names, if it still takes work; −1 otherwise. */
function keptBy(client: Client, row: Row): number {
  if (head.cookie < 0) return -1;
  const field = latin1(head.bytes, head.fields[4 * head.cookie + 2]!, head.fields[4 * head.cookie + 3]!);
  const value = cookieValue(field);
  const token = value === null ? null : client.state.cookies.verify(value);
  if (token === null) return -1;
  const choice = tokensOf(row).indexOf(token);
  return choice >= 0 && usable(row.plan, client.state.shared, choice) ? choice : -1;
}

function tokensOf(row: Row): readonly string[] {
  row.tokens ??= row.plan.endpoints.map((endpoint) => endpointToken(row.plan.id, endpoint.address, endpoint.port));
  return row.tokens;
}

function cookieLine(state: WorkerState, row: Row | null, choice: number): string {
  if (row === null) return '';
  const value = state.cookies.sign(tokensOf(row)[choice]!);
  return value === '' ? '' : `Set-Cookie: ${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Lax\r\n`;
}
