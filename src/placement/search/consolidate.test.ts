import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { modelOf } from '../fixture.ts';
import { seededRandom } from '../random.ts';
import type { State } from '../state/state.ts';
import { consolidate } from './consolidate.ts';
import { Flow } from './flow.ts';
import { startFull } from './trial.ts';
import { warmStart } from './warm-start.ts';

const never = () => false;

/** Shop runs on two hosts of three and has all of its requests at one of them; what stands on the third has none. */
function problem() {
  return modelOf({
    hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, capacity: { cpu: '1' }, memory: '1' })),
    workloads: [
      { name: 'shop', memory: '1' },
      { name: 'old', memory: '1' },
    ],
    columns: [
      { name: 'shop', rate: '180', cost: { cpu: '0.01' } },
      { name: 'old', rate: '0', cost: { cpu: '0.01' } },
    ],
    current: [
      { host: 'h1', workload: 'shop', instances: 1 },
      { host: 'h2', workload: 'shop', instances: 1 },
      { host: 'h3', workload: 'old', instances: 1 },
    ],
    load: [{ host: 'h1', column: 'shop', rate: '100' }],
  });
}

const SHOP = 0;
const OLD = 1;

function instancesOf({ pool, model }: State): string[] {
  return model.hostNames.flatMap((name, host) =>
    model.workloadNames.flatMap((workload, a) => (pool.find(host, a) < 0 ? [] : [`${workload} on ${name}`])),
  );
}

describe('consolidate', () => {
  it('takes back a start that is not needed, and the stop that made room for it', () => {
    const state = warmStart(problem());
    state.stop(state.pool.find(2, OLD));
    startFull(state, 2, SHOP);
    assert.equal(state.changes, 2);
    consolidate(state, new Flow(state), seededRandom(1), never);
    assert.equal(state.changes, 0);
    assert.deepEqual(instancesOf(state), ['shop on h1', 'shop on h2', 'old on h3']);
    assert.ok(Math.abs(state.served[SHOP]! - 180) < 1e-9);
  });

  it('leaves what is needed, and everything when there is no time', () => {
    const model = problem();
    const needed = warmStart({ ...model, rate: Float64Array.of(280, 0) });
    needed.stop(needed.pool.find(2, OLD));
    startFull(needed, 2, SHOP);
    new Flow(needed).serve(SHOP);
    consolidate(needed, new Flow(needed), seededRandom(1), never);
    assert.equal(needed.changes, 2);
    const late = warmStart(model);
    late.stop(late.pool.find(2, OLD));
    startFull(late, 2, SHOP);
    consolidate(late, new Flow(late), seededRandom(1), () => true);
    assert.equal(late.changes, 2);
  });
});
