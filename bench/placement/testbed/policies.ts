/** The policies of the testbed: those of the simulation that can be had with tcpvs as it is, and its own caps by measuring. */
import type { DispatchName } from '../simulation/policies.ts';

export type PlacementName = 'by hand' | 'proportional' | 'multi-resource' | '+ conflict' | 'autoscaled';
export type CapName = 'none' | 'best fixed' | 'planned' | 'adaptive';

export interface Policy {
  readonly name: string;
  readonly placement: PlacementName;
  readonly dispatch: DispatchName;
  readonly cap: CapName;
}

/** Solver with conflicts, weighted least connections, the plan's caps. */
export const WHOLE = of('+ conflict', 'WLC', 'planned');
/** The strongest of the others, those of the simulation: named before anything was run. */
export const STRONGEST = [of('multi-resource', 'WLC', 'best fixed'), of('autoscaled', 'least connections', 'none')];

export const PLACEMENT_ABLATION = [of('proportional', 'WLC', 'planned'), of('multi-resource', 'WLC', 'planned')];
export const DISPATCH_ABLATION = [of('+ conflict', 'round robin', 'planned'), of('+ conflict', 'P2C', 'planned')];
export const CAP_ABLATION = (['none', 'best fixed', 'adaptive'] as const).map((cap) => of('+ conflict', 'WLC', cap));
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
  BY_HAND,
  AGAIN,
];
export const POLICIES: readonly Policy[] = [...EVERYWHERE, ...ABLATIONS];

/** By the plan's weights, or by equal ones. */
export const isWeighted = (dispatch: DispatchName): boolean =>
  dispatch === 'WLC' || dispatch === 'weighted round robin' || dispatch === 'P2C by weight';

function of(placement: PlacementName, dispatch: DispatchName, cap: CapName): Policy {
  return { name: `${placement} / ${dispatch} / ${cap}`, placement, dispatch, cap };
}
