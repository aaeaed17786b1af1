/**
 * A controller like that of Tang, Steinder, Spreitzer and Pacifici, "A scalable application placement controller for
 * enterprise data centers" (WWW 2007), from the paper's description: repeat { maximum flow; shift load so that idle capacity
 * and idle memory fall on the same machines; change the placement machine by machine, with and without pinning the
 * instances that carry much load }, and keep the best. Ours in all details that the paper leaves open, hence "Tang-like".
 */
import type { Model } from '../../../src/placement/model.ts';
import { byDensity, byWorth } from '../../../src/placement/search/deficits.ts';
import { Flow } from '../../../src/placement/search/flow.ts';
import { earnings } from '../../../src/placement/search/trial.ts';
import { restore, type Snapshot, snapshotOf } from '../../../src/placement/state/snapshot.ts';
import { NONE, type State } from '../../../src/placement/state/state.ts';
import { byResidualDensity, fillHost, noChange } from './greedy.ts';

/** Rounds, of which the paper says that a few are enough. */
const ROUNDS = 10;
/** An instance that carries more than this part of its host is pinned, where pinning is on. */
const PINNED = 0.1;

/** @param expired it may have as long as what it is compared with; at least two rounds are done */
export function tangLike(model: Model, expired: () => boolean): State {
  let state = noChange(model);
  let best: { state: Snapshot; value: number; changes: number } | null = null;
  for (let round = 0; round < ROUNDS && (round < 2 || !expired()); round++) {
    for (const pinned of [true, false]) {
      changeMachines(state, pinned);
      new Flow(state).serveAll(byWorth(model));
      dropIdle(state);
      const better =
        best === null ||
        state.value > best.value * (1 + 1e-6) ||
        (state.value > best.value * (1 - 1e-6) && state.changes < best.changes);
      if (better) best = { state: snapshotOf(state), value: state.value, changes: state.changes };
    }
    if (state.value > model.demandValue * (1 - 1e-9)) break;
    shiftLoad(state);
  }
  state = restore(model, best!.state);
  return state;
}

/**
 * Each machine, the one with most idle capacity for its memory first: stop none, one, two … of the instances that carry least
 * for their memory, fill with the densest residual demand, keep what uses most of the machine with fewest stops.
 */
function changeMachines(state: State, pinned: boolean): void {
  const { model, pool } = state;
  for (const host of byResidualDensity(state)) {
    if (state.residual[host]! <= 1e-6 * model.capacity[host]!) continue;
    const candidates: { a: number; density: number }[] = [];
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      const carries = earnings(state, i);
      if (pinned && carries > PINNED * model.hostValue) continue;
      candidates.push({ a: pool.workload[i]!, density: carries / model.request[pool.workload[i]!]! });
    }
    candidates.sort((x, y) => x.density - y.density || x.a - y.a);
    const order = byDensity(state);
    if (order.length === 0) return;
    let bestStops = 0;
    let bestValue = state.value;
    for (let stops = 0; stops <= candidates.length; stops++) {
      state.journal.begin();
      tryStops(state, host, candidates.slice(0, stops), order);
      if (state.value > bestValue + 1e-9 * model.demandValue) [bestStops, bestValue] = [stops, state.value];
      state.undo();
    }
    if (bestValue > state.value) tryStops(state, host, candidates.slice(0, bestStops), order);
  }
}

function tryStops(state: State, host: number, stopped: readonly { a: number }[], order: readonly number[]): void {
  for (const { a } of stopped) state.stop(state.pool.find(host, a));
  fillHost(state, host, order);
}

/** Load goes to the hosts with least memory left first, so that idle capacity stays where memory is idle, too. */
function shiftLoad(state: State): void {
  const { model, pool, memoryLeft } = state;
  const served = state.served.slice();
  for (let j = 0; j < model.columnCount; j++) {
    const a = model.workloadOf[j]!;
    const k = j - model.firstColumn[a]!;
    const places: number[] = [];
    for (let i = pool.firstOfWorkload[a]!; i !== NONE; i = pool.nextOfWorkload[i]!) places.push(i);
    if (places.length < 2) continue;
    places.sort((x, y) => memoryLeft[pool.host[x]!]! - memoryLeft[pool.host[y]!]! || x - y);
    for (const i of places) state.setLoad(i, k, 0);
    state.freed++;
    let left = served[j]!;
    for (const i of places) {
      const taken = Math.min(left, state.room(i, j));
      state.setLoad(i, k, taken);
      left -= taken;
    }
  }
  new Flow(state).serveAll(byWorth(model));
}

/** Instances that were started and carry nothing in the end are not started. */
function dropIdle(state: State): void {
  const { model, pool } = state;
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE;) {
      const next = pool.nextOnHost[i]!;
      const fresh = pool.copies[i]! > state.running(host, pool.workload[i]!);
      if (fresh && earnings(state, i) <= 1e-12) state.stop(i);
      i = next;
    }
  }
}
