import { chi } from '../../../src/placement/conflicts.ts';
import { compileModel } from '../../../src/placement/model.ts';
import { parseProblem } from '../../../src/placement/problem/problem-file.ts';
import type { World } from '../../../src/simulation/world.ts';
import type { Document } from '../instances.ts';
import type { Placement } from './placements.ts';
import type { Scenario } from './scenarios.ts';

/** A scenario with a placement, as it is in truth, whatever the placement was made with. */
export function worldOf(scenario: Scenario, reference: Document, { instances }: Placement): World {
  const parsed = parseProblem(reference);
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'));
  const model = compileModel(parsed.problem);
  const { conflicts, hostCount: H, workloadCount: W, resourceCount: R } = model;
  const accepts = new Int32Array(H * W);
  for (const { host, workload, count } of instances) accepts[host * W + workload]! += count * scenario.accepts;
  return {
    resourceCount: R,
    hostCount: H,
    workloadCount: W,
    columnCount: model.columnCount,
    capacity: model.capacity,
    most: Float64Array.of(1, Infinity),
    kappa: new Float64Array(H).fill(scenario.kappa),
    workloadOf: model.workloadOf,
    chi:
      conflicts === null
        ? null
        : Float64Array.from({ length: W * W * R }, (_, at) =>
            chi(conflicts, Math.floor(at / (W * R)), Math.floor(at / R) % W, at % R),
          ),
    pressureAt: scenario.pressureAt,
    accepts,
  };
}
