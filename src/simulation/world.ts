/** What is true of a cluster: what hosts can do and what requests cost there. */

/**
 * Layout as in `placement/model.ts`: `[h * R + r]` of a host, `[a * R + r]` of a workload, `[j * R + r]` of a column; of an
 * instance `[h * W + a]`, with W = `workloadCount`.
 */
export interface World {
  readonly resourceCount: number;
  readonly hostCount: number;
  readonly workloadCount: number;
  readonly columnCount: number;
  /** Units of a resource per second: cores, bytes/s. */
  readonly capacity: Float64Array;
  /** Per resource, how much of it one request can use at once: one core; Infinity: all that there is. */
  readonly most: Float64Array;
  /** kappa per host: how much slower each further request on it makes all of them. */
  readonly kappa: Float64Array;
  readonly workloadOf: Int32Array;
  /** chi[(a * W + b) * R + r]: how much more of r a request of a needs beside b; null: none. */
  readonly chi: Float64Array | null;
  /** Requests of a neighbour on the host at which its pressure is felt in full, in part below; 0: felt as soon as it runs there. */
  readonly pressureAt: number;
  /** Requests that the instances of a workload on a host work on at once; 0: none runs there. */
  readonly accepts: Int32Array;
}

/** Whether a cluster's data fit together. @throws RangeError with what does not */
export function checkWorld(world: World): World {
  const { resourceCount: R, hostCount: H, workloadCount: W, columnCount } = world;
  const expected: readonly (readonly [string, ArrayLike<number>, number])[] = [
    ['capacity', world.capacity, H * R],
    ['most', world.most, R],
    ['kappa', world.kappa, H],
    ['workloadOf', world.workloadOf, columnCount],
    ['accepts', world.accepts, H * W],
    ['chi', world.chi ?? new Float64Array(W * W * R), W * W * R],
  ];
  for (const [name, { length }, wanted] of expected) {
    if (length !== wanted) throw new RangeError(`world: ${name} has ${length} numbers, expected ${wanted}`);
  }
  return world;
}
