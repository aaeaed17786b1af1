/** Loads for fixed instances: each way against the linear program that it stands for. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { modelOf } from '../fixture.ts';
import { type Model } from '../model.ts';
import { loadOptimizer } from '../program/highs.ts';
import type { Optimizer } from '../program/linear-program.ts';
import { type Random, seededRandom } from '../random.ts';
import { byWorth } from '../search/deficits.ts';
import { Flow } from '../search/flow.ts';
import { State } from '../state/state.ts';
import { ascend } from './barrier.ts';
import { cellsOf, loadsOf, setLoads } from './cells.ts';
import { CROWDING, crowding } from './crowding.ts';
import { shareFairly } from './fair-shares.ts';
import { finishLoads } from './finish-loads.ts';
import { optimalLoads } from './load-program.ts';
import { fillLevel } from './water-filling.ts';
import { holds } from './with-theta.ts';

/** Random instances on few hosts, asked for about what they have. */
function randomState(seed: number, resources: readonly string[], conflict = false): State {
  const random = seededRandom(seed);
  const some = (most: number) => Object.fromEntries(resources.map((r) => [r, 0.2 + most * random()]));
  const workloads = Array.from({ length: 6 }, (_, at) => ({
    name: `w${at}`,
    ...(conflict ? { sensitivity: some(0.4), pressure: some(0.5), pressureRate: 5 } : {}),
  }));
  const model = modelOf({
    hosts: Array.from({ length: 5 }, (_, at) => ({ name: `h${at}`, capacity: some(3) })),
    workloads,
    columns: workloads.map(({ name }) => ({ name, workload: name, rate: 1 + 9 * random(), cost: some(0.3) })),
  });
  return withInstances(model, random);
}

function withInstances(model: Model, random: Random): State {
  const state = new State(model);
  for (let a = 0; a < model.workloadCount; a++) {
    for (let host = 0; host < model.hostCount; host++) if (random() < 0.5) state.start(host, a);
  }
  return state;
}

/** The least part of its demand that a column with an instance is served. */
const least = ({ model, served, instances }: State): number =>
  Math.min(...Array.from(served, (rate, j) => (instances[model.workloadOf[j]!]! > 0 ? rate / model.rate[j]! : 1)));

const SEEDS = Array.from({ length: 60 }, (_, at) => at + 1);

describe('loads', () => {
  let optimizer: Optimizer;
  before(async () => (optimizer = await loadOptimizer()));
  const program = (state: State, fair: boolean): Float64Array => {
    const options = { optimizer, timeLimit: () => 10, factor: state.pool.factor, fair };
    return optimalLoads(state, cellsOf(state), options)!;
  };

  it('by flow are the most that one resource gives', () => {
    for (const seed of SEEDS) {
      const [state, other] = [randomState(seed, ['cpu']), randomState(seed, ['cpu'])];
      new Flow(state).serveAll(byWorth(state.model));
      setLoads(other, cellsOf(other), program(other, false));
      assert.ok(Math.abs(state.value - other.value) < 1e-5 * other.value, `${seed}: ${state.value}, ${other.value}`);
    }
  });

  it('by flow are fair, and the sum is no smaller for it', () => {
    for (const seed of SEEDS) {
      const [state, other] = [randomState(seed, ['cpu']), randomState(seed, ['cpu'])];
      const flow = new Flow(state);
      flow.serveAll(byWorth(state.model));
      const most = state.value;
      shareFairly(state, flow, byWorth(state.model));
      setLoads(other, cellsOf(other), program(other, true));
      assert.ok(Math.abs(least(state) - least(other)) < 1e-4, `${seed}: ${least(state)}, ${least(other)}`);
      assert.ok(state.value > most * (1 - 1e-6));
    }
  });

  it('are levelled by water-filling as the program levels them', () => {
    for (const seed of SEEDS) {
      const state = randomState(seed, ['cpu']);
      const flow = new Flow(state);
      for (let j = 0; j < state.target.length; j++) state.target[j]! *= 0.5;
      flow.serveAll(byWorth(state.model));
      const served = state.served.slice();
      const { capacity } = state.model;
      const crowded = () => {
        let sum = 0;
        for (const [h, left] of state.residual.entries()) sum += capacity[h]! * crowding(1 - left / capacity[h]!);
        return sum;
      };
      const uneven = crowded();
      fillLevel(state);
      assert.ok(crowded() <= uneven + 1e-9);
      for (const [j, rate] of served.entries()) assert.ok(Math.abs(state.served[j]! - rate) < 1e-9);
    }
  });

  it('by the barrier are feasible, and nearly what the program gives', () => {
    let [sum, best] = [0, 0];
    for (const seed of SEEDS) {
      const [state, other] = [randomState(seed, ['cpu', 'io']), randomState(seed, ['cpu', 'io'])];
      const flow = new Flow(state);
      flow.serveAll(byWorth(state.model));
      ascend(state, cellsOf(state), () => false);
      flow.serveAll(byWorth(state.model));
      setLoads(other, cellsOf(other), program(other, false));
      assert.ok(state.residual.every((left) => left > -1e-9));
      sum += state.value;
      best += other.value;
    }
    assert.ok(sum > 0.98 * best && sum <= best * (1 + 1e-6), `${sum} of ${best}`);
  });

  it('hold with conflicts by load, and serve more than with conflicts by presence', () => {
    let [byLoad, byPresence] = [0, 0];
    for (const seed of SEEDS) {
      const state = randomState(seed, ['cpu', 'io'], true);
      const cells = cellsOf(state);
      const { loads, value } = finishLoads(state, { optimizer, secondsLeft: () => 10, fair: false });
      const rates = new Map(loads!.map(({ host, column, rate }) => [`${host} ${column}`, rate]));
      const each = Float64Array.from(cells.column, (j, at) =>
        rates.get(`${state.pool.host[cells.instance[at]!]!} ${j}`)!,
      );
      assert.ok(holds(state, cells, each), `seed ${seed}`);
      byLoad += value;
      byPresence += state.value;
    }
    assert.ok(byLoad > byPresence, `${byLoad}, ${byPresence}`);
  });

  it('stay where they are when moving them gains next to nothing', () => {
    const file = {
      hosts: ['a', 'b'].map((name) => ({ name, capacity: { cpu: 1, io: 1 } })),
      columns: [{ name: 'x', rate: 50, cost: { cpu: 0.01, io: 0.001 } }],
      load: [
        { host: 'a', column: 'x', rate: 26 },
        { host: 'b', column: 'x', rate: 24 },
      ],
    };
    const state = new State(modelOf(file));
    for (const host of [0, 1]) state.start(host, 0);
    new Flow(state).serveAll([0]);
    finishLoads(state, { optimizer, secondsLeft: () => 10, fair: true });
    assert.deepEqual(
      Array.from(loadsOf(state, cellsOf(state)), (load) => Math.round(load)),
      [26, 24],
    );
  });
});

describe('crowding', () => {
  it('is convex and covers the whole range', () => {
    assert.ok(Math.abs(CROWDING.reduce((sum, { width }) => sum + width, 0) - 1) < 1e-12);
    for (let at = 1; at < CROWDING.length; at++) assert.ok(CROWDING[at]!.slope > CROWDING[at - 1]!.slope);
    assert.ok(Math.abs(crowding(0.5) - 1) < 1e-9);
  });
});
