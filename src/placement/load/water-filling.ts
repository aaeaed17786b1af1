/**
 * Step G for one resource without conflicts: what each column is served is kept, and spread over its instances so that
 * their hosts' utilisations are as equal as they can be. Column by column until nothing moves: with utilisation as the level,
 * each step is exact, and together they descend on the sum of C * phi(u), which is convex.
 */
import { NONE, type State } from '../state/state.ts';

const SWEEPS = 40;
const STILL = 1e-4;
/** Loads in force are moved for balance only where utilisations are further apart than this. */
const DEAD_BAND = 0.05;

export function fillLevel(state: State): void {
  const { model } = state;
  const many = Int32Array.from({ length: model.columnCount }, (_, j) => j).filter(
    (j) => state.served[j]! > 0 && state.instances[model.workloadOf[j]!]! > 1,
  );
  const band = model.load.length > 0 ? DEAD_BAND : 0;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let moved = 0;
    for (const j of many) moved = Math.max(moved, levelColumn(state, j, band));
    if (moved < STILL) return;
  }
}

/** The most by which a utilisation changed. */
function levelColumn(state: State, j: number, band: number): number {
  const { model, pool, residual } = state;
  const a = model.workloadOf[j]!;
  const k = j - model.firstColumn[a]!;
  const places: { i: number; base: number; capacity: number; use: number; load: number }[] = [];
  let [lowest, highest] = [1, 0];
  for (let i = pool.firstOfWorkload[a]!; i !== NONE; i = pool.nextOfWorkload[i]!) {
    const host = pool.host[i]!;
    const capacity = model.capacity[host]!;
    const use = model.cost[j]! * pool.factor[i]!;
    const load = pool.load[i * model.classCount + k]!;
    if (capacity <= 0) continue;
    const base = 1 - (residual[host]! + load * use) / capacity;
    const level = base + (load * use) / capacity;
    lowest = Math.min(lowest, level);
    if (load > 0) highest = Math.max(highest, level);
    places.push({ i, base, capacity, use, load });
  }
  if (places.length < 2 || highest - lowest <= band) return 0;
  places.sort((x, y) => x.base - y.base || x.i - y.i);
  // The level at which the first n places together hold the column: sum (level - base) * C / use = served.
  let level = 0;
  let weight = 0;
  let weighted = 0;
  for (const [n, { base, capacity, use }] of places.entries()) {
    weight += capacity / use;
    weighted += (base * capacity) / use;
    level = (state.served[j]! + weighted) / weight;
    if (n + 1 === places.length || level <= places[n + 1]!.base) break;
  }
  let moved = 0;
  let left = state.served[j]!;
  const loads = places.map(({ base, capacity, use }) => {
    const load = Math.min(left, Math.max(0, ((level - base) * capacity) / use));
    left -= load;
    return load;
  });
  for (const [n, { i, capacity, use, load }] of places.entries()) {
    const to = loads[n]!;
    moved = Math.max(moved, (Math.abs(to - load) * use) / capacity);
    state.setLoad(i, k, to);
  }
  return moved;
}
