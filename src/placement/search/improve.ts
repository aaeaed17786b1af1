/**
 * Step D: hosts with idle capacity. Their poorest instances (earnings for memory) are stopped, none up to four of them,
 * the densest deficits take the place, and what lost its instance is served elsewhere as far as a short search finds room.
 * What does not raise V is taken back.
 */
import { NONE, type State } from '../state/state.ts';
import { byDensity, deficitValue } from './deficits.ts';
import { Fit } from './fit.ts';
import type { Flow } from './flow.ts';
import { earnings, LEAST_GAIN, startIfWorth } from './trial.ts';

const MOST_STOPS = 4;
const DENSEST = 24;
/** Hosts that a search may look at when load is rerouted. */
const SEARCH = 48;
/** A host with less of a mean host left has nothing idle. */
const IDLE = 0.005;

/** One pass over all hosts with idle capacity, the idlest first; whether V rose. */
export function improve(state: State, flow: Flow, expired: () => boolean): boolean {
  const { model } = state;
  const fit = new Fit(state);
  let deficits = byDensity(state);
  const idle = Array.from({ length: model.hostCount }, (_, host) => ({ host, left: fit.left(host) }))
    .filter(({ left }) => left > IDLE)
    .toSorted((x, y) => y.left - x.left || x.host - y.host);
  let rose = false;
  for (const { host } of idle) {
    if (deficits.length === 0 || expired()) break;
    for (let stops = 0; stops <= MOST_STOPS; stops++) {
      const poorest = stops === 0 ? [] : poorestOf(state, host, stops);
      if (poorest.length < stops) break;
      if (!exchange(state, flow, fit, host, poorest, deficits)) continue;
      rose = true;
      deficits = deficits.filter((a) => deficitValue(state, a) > 0);
      for (const a of poorest) if (deficitValue(state, a) > 0 && !deficits.includes(a)) deficits.push(a);
      break;
    }
  }
  return rose;
}

/** Workloads of the instances on a host that earn least for their memory and may be stopped. */
function poorestOf(state: State, host: number, count: number): number[] {
  const { model, pool } = state;
  const found: { a: number; worth: number }[] = [];
  for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
    const a = pool.workload[i]!;
    if (state.instances[a]! <= model.minInstances[a]!) continue;
    found.push({ a, worth: earnings(state, i) / Math.max(model.request[a]!, 1e-12) });
  }
  return found
    .toSorted((x, y) => x.worth - y.worth || x.a - y.a)
    .slice(0, count)
    .map(({ a }) => a);
}

function exchange(
  state: State,
  flow: Flow,
  fit: Fit,
  host: number,
  stopped: readonly number[],
  deficits: readonly number[],
): boolean {
  const { model, pool } = state;
  const before = state.objective();
  state.journal.begin();
  for (const a of stopped) state.stop(pool.find(host, a));
  for (const a of stopped) reroute(state, flow, a);
  let tried = 0;
  for (const a of deficits) {
    if (tried === DENSEST || fit.left(host) <= IDLE) break;
    if (stopped.includes(a) || deficitValue(state, a) === 0 || !state.mayStart(host, a)) continue;
    tried++;
    fit.ask(a);
    startIfWorth(state, fit, host, a);
  }
  for (const a of stopped) {
    if (deficitValue(state, a) === 0) continue;
    fit.ask(a);
    startIfWorth(state, fit, host, a);
  }
  if (state.objective() > before + LEAST_GAIN * model.demandValue) {
    state.journal.commit();
    return true;
  }
  state.undo();
  return false;
}

function reroute(state: State, flow: Flow, a: number): void {
  const { model } = state;
  for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) flow.serve(j, { hosts: SEARCH });
}
