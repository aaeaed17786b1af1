/**
 * Step F, second half: a few of the new instances are given up together, what was to be stopped for them stays, their load goes
 * where there is room, and what then is missing is placed anew, beginning with what is missing most. Where that needs fewer
 * changes, or serves more, it stays so.
 */
import type { Random } from '../random.ts';
import { NONE, type State } from '../state/state.ts';
import { deficitValue } from './deficits.ts';
import { Fit } from './fit.ts';
import type { Flow } from './flow.ts';
import { type Started, startedOf } from './started.ts';
import { LEAST_GAIN, startFull } from './trial.ts';

/** Hosts that a search may look at when load is rerouted. */
const SEARCH = 48;
/** Most that are given up together. */
const TOGETHER = 8;
/** Tries for each that was started, and in all: some tens of milliseconds. In small clusters there are more for each host. */
const TRIES_EACH = 120;
const TRIES = 2000;
const TRIES_OF_HOSTS = 600_000;
/** Hosts that are looked at for what is missing, beside those that were left. */
const ELSEWHERE = 8;

export function consolidate(state: State, flow: Flow, random: Random, expired: () => boolean): void {
  const { model } = state;
  const fit = new Fit(state);
  const runs = runningOn(state);
  let started = startedOf(state);
  const tries = Math.min(TRIES_EACH * started.length, Math.max(TRIES, TRIES_OF_HOSTS / model.hostCount));
  for (let attempt = 0; attempt < tries && started.length > 0 && !expired(); attempt++) {
    const before = state.objective();
    state.journal.begin();
    const given = choose(started, random);
    const hosts = given.map(({ host }) => host);
    for (let n = 0; n < ELSEWHERE; n++) hosts.push(Math.floor(random() * model.hostCount));
    for (const { host, a } of given) state.stop(state.pool.find(host, a));
    for (const { host } of given) takeBack(state, host, runs.get(host) ?? []);
    const workloads = [...new Set(given.map(({ a }) => a))];
    for (const a of workloads) {
      for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) flow.serve(j, { hosts: SEARCH });
    }
    for (const a of workloads.toSorted((x, y) => deficitValue(state, y) - deficitValue(state, x))) {
      place(state, fit, a, hosts);
    }
    const enough = workloads.every((a) => state.instances[a]! >= model.minInstances[a]!);
    if (enough && state.objective() > before + LEAST_GAIN * model.demandValue) {
      state.journal.commit();
      started = startedOf(state);
    } else state.undo();
  }
}

/** Workloads by host. */
function runningOn({ model: { current } }: State): Map<number, number[]> {
  const runs = new Map<number, number[]>();
  for (let at = 0; at < current.length; at += 3) {
    const [a, host] = [current[at]!, current[at + 1]!];
    const there = runs.get(host);
    if (there === undefined) runs.set(host, [a]);
    else there.push(a);
  }
  return runs;
}

/** What runs there and was to be stopped for the sake of what is not started now. */
function takeBack(state: State, host: number, workloads: readonly number[]): void {
  const { resourceCount: R, idle } = state.model;
  for (const a of workloads) {
    const at = state.pool.find(host, a);
    let missing = state.running(host, a) - (at === NONE ? 0 : state.pool.copies[at]!);
    for (; missing > 0 && state.mayStart(host, a); missing--) {
      let fits = true;
      for (let r = 0; r < R; r++) fits &&= state.residual[host * R + r]! >= idle[a * R + r]!;
      if (!fits) break;
      state.start(host, a);
    }
  }
}

/** Some, of which each shares its host or its workload with another, or with nobody. */
function choose(started: readonly Started[], random: Random): Started[] {
  const oneOf = (of: readonly Started[]) => of[Math.floor(random() * of.length)]!;
  const chosen = new Set([oneOf(started)]);
  const count = 1 + Math.floor(random() * TOGETHER);
  for (let n = 1; n < count; n++) {
    const by = random();
    const { host, a } = oneOf([...chosen]);
    const near = started.filter((each) => (by < 0.4 ? each.host === host : each.a === a));
    chosen.add(by < 0.8 ? oneOf(near) : oneOf(started));
  }
  return [...chosen];
}

function place(state: State, fit: Fit, a: number, hosts: readonly number[]): void {
  for (let count = 0; count < hosts.length && deficitValue(state, a) > 0; count++) {
    fit.ask(a);
    let best = NONE;
    let most = 0;
    for (const host of hosts) {
      if (state.pool.find(host, a) !== NONE || !state.mayStart(host, a)) continue;
      if (fit.score(host) === Number.NEGATIVE_INFINITY) continue;
      const gain = deficitValue(state, a) * fit.taken - state.startPrice(host, a);
      if (gain > most) [best, most] = [host, gain];
    }
    if (best === NONE) return;
    startFull(state, best, a);
  }
}
