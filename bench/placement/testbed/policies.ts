/** The policies of the testbed: those of the simulation that can be had with tcpvs as it is, and its own caps by measuring. */
import type { DispatchName } from '../simulation/policies.ts';

export type PlacementName = 'by hand' | 'proportional' | 'multi-resource' | '+ conflict' | 'autoscaled';
export type CapName = 'none' | 'best fixed' | 'planned' | 'by share' | 'adaptive';

/**
 * When who waits before a cap is given up: as soon as it could not be answered any more (`queue.deadline`), or after so long, as
 * other proxies' queues have it.
 */
export type QueueName = 'deadline' | 'of 4 s';

export interface Policy {
  readonly name: string;
  readonly placement: PlacementName;
  readonly dispatch: DispatchName;
  readonly cap: CapName;
  readonly queue: QueueName;
}

/**
 * Solver with conflicts, weighted least connections, caps by share as the product computes them (ADR 31): the simulation has shown
 * that those by Little's law, which stood here first, are not good. Changed before anything was run.
 */
export const WHOLE = of('+ conflict', 'WLC', 'by share');
/**
 * The strongest of the others, those of the simulation: named before anything was run. They keep the queue that they have elsewhere,
 * which was everybody's until tcpvs had a better one (ADR 34); one of `QUEUE_ABLATION` has ours.
 */
export const STRONGEST = [
  of('multi-resource', 'WLC', 'best fixed', 'of 4 s'),
  of('autoscaled', 'least connections', 'none', 'of 4 s'),
];

export const PLACEMENT_ABLATION = [of('proportional', 'WLC', 'by share'), of('multi-resource', 'WLC', 'by share')];
export const DISPATCH_ABLATION = [of('+ conflict', 'round robin', 'by share'), of('+ conflict', 'P2C', 'by share')];
export const CAP_ABLATION = (['none', 'best fixed', 'planned', 'adaptive'] as const).map((cap) =>
  of('+ conflict', 'WLC', cap),
);
/** The whole with their queue, and the strongest of them with ours. */
export const QUEUE_ABLATION: readonly Policy[] = [
  { ...WHOLE, name: `${WHOLE.name}, queue of 4 s`, queue: 'of 4 s' },
  { ...STRONGEST[0]!, name: `${STRONGEST[0]!.name}, queue by deadline`, queue: 'deadline' },
];
/** Where a scenario has weights by hand: the matrix as ktcpvs-matrix dispatches by it. */
export const BY_HAND = of('by hand', 'weighted round robin', 'none');
/** The whole once more: what differs between the two is chance. */
export const AGAIN: Policy = { ...WHOLE, name: 'the whole again (A/A)' };

/** Run at all loads; the others at one. */
export const EVERYWHERE: readonly Policy[] = [WHOLE, ...STRONGEST];
export const ABLATIONS: readonly Policy[] = [
  ...PLACEMENT_ABLATION,
  ...DISPATCH_ABLATION,
  ...CAP_ABLATION,
  ...QUEUE_ABLATION,
  BY_HAND,
  AGAIN,
];
export const POLICIES: readonly Policy[] = [...EVERYWHERE, ...ABLATIONS];

/** By the plan's weights, or by equal ones. */
export const isWeighted = (dispatch: DispatchName): boolean =>
  dispatch === 'WLC' || dispatch === 'weighted round robin' || dispatch === 'P2C by weight';

function of(placement: PlacementName, dispatch: DispatchName, cap: CapName, queue: QueueName = 'deadline'): Policy {
  return { name: `${placement} / ${dispatch} / ${cap}`, placement, dispatch, cap, queue };
}
