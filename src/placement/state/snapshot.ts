/** A state put aside: its instances and loads, flat. */
import type { Model } from '../model.ts';
import { NONE, State } from './state.ts';

export interface Snapshot {
  /** (host, workload, copies) per instance. */
  readonly instances: Int32Array;
  /** Loads of its cells, instance after instance. */
  readonly loads: Float64Array;
}

export function snapshotOf({ model, pool }: State): Snapshot {
  const instances: number[] = [];
  const loads: number[] = [];
  const K = model.classCount;
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      instances.push(host, pool.workload[i]!, pool.copies[i]!);
      for (let k = 0; k < K; k++) loads.push(pool.load[i * K + k]!);
    }
  }
  return { instances: Int32Array.from(instances), loads: Float64Array.from(loads) };
}

export function restore(model: Model, { instances, loads }: Snapshot): State {
  const state = new State(model);
  const K = model.classCount;
  const found = Array.from({ length: instances.length / 3 }, (_, at) => {
    const [host, a, copies] = [instances[3 * at]!, instances[3 * at + 1]!, instances[3 * at + 2]!];
    let i = NONE;
    for (let copy = 0; copy < copies; copy++) i = state.start(host, a);
    return i;
  });
  for (const [at, i] of found.entries()) {
    for (let k = 0; k < K; k++) if (loads[at * K + k]! > 0) state.setLoad(i, k, loads[at * K + k]!);
  }
  return state;
}
