/** The policies: a placement, a way to dispatch, and caps. Each ablation changes one of the three. */
import { createChooser } from '../../../src/scheduler/create-chooser.ts';
import type { MakeChooser } from '../../../src/simulation/dispatcher.ts';
import type { Knowledge } from './placements.ts';
import { Prequal } from './prequal.ts';

/** The solver with all that was learned in so many hours of the scenario's own, or with the true demand beside it. */
export type LearnedName = 'learned, 1 h' | 'learned, 4 h' | 'learned, 4 h, true demand';

export type PlacementName = Knowledge | LearnedName | 'equal replicas' | 'autoscaled';

/** By the plan's weights, or by equal ones (per instance). */
export interface Dispatch {
  readonly chooser: MakeChooser;
  readonly weighted: boolean;
}

export const DISPATCHES = {
  'round robin': { chooser: balanced('RoundRobin'), weighted: false },
  'weighted round robin': { chooser: balanced('RoundRobin'), weighted: true },
  'least connections': { chooser: balanced('LeastConnections'), weighted: false },
  WLC: { chooser: balanced('LeastConnections'), weighted: true },
  P2C: { chooser: balanced('PowerOfTwo'), weighted: false },
  'P2C by weight': { chooser: balanced('PowerOfTwo'), weighted: true },
  'peak EWMA': { chooser: balanced('PeakEwma'), weighted: false },
  Prequal: { chooser: (row, state, senses) => new Prequal(row, state, senses), weighted: false },
} as const satisfies Record<string, Dispatch>;
export type DispatchName = keyof typeof DISPATCHES;

export type CapName = 'none' | 'best fixed' | 'planned' | 'by share';

/**
 * When who waits before a cap is given up. `planned`: in time for what the plan says that an answer takes; `followed`: for what
 * answers take, as the product's queue follows it (`queue.deadline`); `of 4 s`: after so long.
 */
export type QueueName = 'planned' | 'followed' | 'of 4 s';

export interface Policy {
  readonly name: string;
  readonly placement: PlacementName;
  readonly dispatch: DispatchName;
  readonly cap: CapName;
  readonly queue: QueueName;
}

/** All that tcpvs does: solver with conflicts and concurrency, weighted least connections, the plan's caps. */
export const WHOLE = of('+ concurrency', 'WLC', 'planned');
/** The strongest of the others, named before anything was run (SCENARIOS.md). */
export const STRONGEST = [of('multi-resource', 'WLC', 'best fixed'), of('autoscaled', 'least connections', 'none')];

export const PLACEMENT_ABLATION = (['proportional', 'multi-resource', '+ conflict'] as const).map((placement) =>
  of(placement, 'WLC', 'planned'),
);
export const DISPATCH_ABLATION = (Object.keys(DISPATCHES) as DispatchName[])
  .filter((dispatch) => dispatch !== 'WLC' && dispatch !== 'least connections')
  .map((dispatch) => of('+ concurrency', dispatch, 'planned'));
export const CAP_ABLATION = (['none', 'best fixed'] as const).map((cap) => of('+ concurrency', 'WLC', cap));
export const OTHERS = [
  of('proportional', 'weighted round robin', 'none'),
  of('equal replicas', 'least connections', 'none'),
  of('autoscaled', 'least connections', 'best fixed'),
];

/** What is lost by learning: compared in a table of its own. */
export const LEARNED = (['learned, 1 h', 'learned, 4 h', 'learned, 4 h, true demand'] as const).map((placement) =>
  of(placement, 'WLC', 'planned'),
);

/** A rule for caps that came later; with true parameters and with learned ones. */
export const BY_SHARE = (['+ concurrency', 'learned, 4 h'] as const).map((placement) =>
  of(placement, 'WLC', 'by share'),
);

/** The same rule and the strongest baseline behind other queues: those of a proxy, which has no plan of what requests take. */
export const QUEUES = (['followed', 'of 4 s'] as const).flatMap((queue) =>
  [BY_SHARE[0]!, STRONGEST[0]!].map((policy): Policy => ({ ...policy, name: `${policy.name}, queue ${queue}`, queue })),
);

export const POLICIES: readonly Policy[] = [
  WHOLE,
  ...PLACEMENT_ABLATION,
  ...DISPATCH_ABLATION,
  ...CAP_ABLATION,
  ...STRONGEST,
  ...OTHERS,
];

function of(placement: PlacementName, dispatch: DispatchName, cap: CapName): Policy {
  return { name: `${placement} / ${dispatch} / ${cap}`, placement, dispatch, cap, queue: 'planned' };
}

function balanced(balance: 'RoundRobin' | 'LeastConnections' | 'PowerOfTwo' | 'PeakEwma'): MakeChooser {
  return (row, state, senses) => createChooser(row, balance, state, senses);
}
