/** Instances that the answer has more than run now: what a change is paid for. */
import { NONE, type State } from '../state/state.ts';

export interface Started {
  readonly host: number;
  readonly a: number;
}

export function startedOf(state: State): Started[] {
  const { model, pool } = state;
  const started: Started[] = [];
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      const a = pool.workload[i]!;
      if (pool.copies[i]! > state.running(host, a)) started.push({ host, a });
    }
  }
  return started;
}
