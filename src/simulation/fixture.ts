/** Small worlds for tests. */
import { seededRandom } from '../placement/random.ts';
import { createChooser } from '../scheduler/create-chooser.ts';
import { type ArrivalOptions, drawArrivals } from './arrivals.ts';
import type { Cell, Dispatching } from './dispatcher.ts';
import type { Setting } from './simulate.ts';
import type { World } from './world.ts';

/** Hosts with one resource of so many units, one column per workload, an instance of each everywhere. */
export function world(capacity: readonly number[], columns: number, more: Partial<World> = {}): World {
  return {
    resourceCount: 1,
    hostCount: capacity.length,
    workloadCount: columns,
    columnCount: columns,
    capacity: Float64Array.from(capacity),
    most: Float64Array.of(1),
    kappa: new Float64Array(capacity.length),
    workloadOf: Int32Array.from({ length: columns }, (_, at) => at),
    chi: null,
    pressureAt: 0,
    accepts: new Int32Array(capacity.length * columns).fill(1_000_000),
    ...more,
  };
}

/** Every column on every host, in turn. */
export function everywhere({ hostCount, columnCount }: World, cap = Infinity): Cell[] {
  return Array.from({ length: hostCount * columnCount }, (_, at) => ({
    host: at % hostCount,
    column: Math.floor(at / hostCount),
    weight: 1,
    cap,
  }));
}

export function inTurn(cells: readonly Cell[], more: Partial<Dispatching> = {}): Dispatching {
  return {
    cells,
    chooser: (row, state, senses) => createChooser(row, 'RoundRobin', state, senses),
    hostCaps: null,
    reserve: null,
    ...more,
  };
}

/** All of an open-loop run in which clients wait for ever. */
export function setting(
  of: World,
  arrivals: Pick<ArrivalOptions, 'seed' | 'seconds' | 'rate' | 'cost'> & Partial<ArrivalOptions>,
  more: Partial<Setting> = {},
): Setting {
  return {
    world: of,
    arrivals: drawArrivals({ resourceCount: of.resourceCount, sizes: 'exponential', ...arrivals }),
    dispatching: inTurn(everywhere(of)),
    timeout: Infinity,
    stops: false,
    warmUp: 0,
    random: seededRandom(arrivals.seed),
    ...more,
  };
}
