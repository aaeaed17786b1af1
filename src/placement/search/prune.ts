/** Step F: new instances that are not needed. The lightest first: where its load finds another place, it is not started. */
import type { State } from '../state/state.ts';
import type { Flow } from './flow.ts';
import { startedOf } from './started.ts';
import { earnings, LEAST_GAIN } from './trial.ts';

const SEARCH = 48;

export function prune(state: State, flow: Flow, expired: () => boolean): void {
  const { model, pool } = state;
  const fresh = startedOf(state)
    .filter(({ a }) => state.instances[a]! > model.minInstances[a]!)
    .map(({ host, a }) => ({ host, a, earns: earnings(state, pool.find(host, a)) }));
  for (const { host, a } of fresh.toSorted((x, y) => x.earns - y.earns || x.host - y.host || x.a - y.a)) {
    if (expired()) return;
    if (state.instances[a]! <= Math.max(1, model.minInstances[a]!)) continue;
    const before = state.objective();
    const { value } = state;
    state.journal.begin();
    state.stop(pool.find(host, a));
    for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) flow.serve(j, { hosts: SEARCH });
    const least = LEAST_GAIN * model.demandValue;
    if (state.value >= value - least || state.objective() > before + least) state.journal.commit();
    else state.undo();
  }
}
