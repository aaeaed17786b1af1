/** The chooser of a row. Made once per plan and worker; the state behind it is shared and outlives it. */
import type { DispatchState, RowPlan } from '../model/plan.ts';
import type { Balance } from '../model/snapshot.ts';
import type { Chooser, ChooserOptions, HashChooser } from './chooser.ts';
import { DispatchRow } from './dispatch-row.ts';
import { Hashed } from './hashed.ts';
import { LeastConnections } from './least-connections.ts';
import { PeakEwma } from './peak-ewma.ts';
import { PowerOfTwo } from './power-of-two.ts';
import { RoundRobin } from './round-robin.ts';

const choosers: Readonly<Record<Balance, (row: DispatchRow, options: ChooserOptions) => Chooser>> = {
  RoundRobin: (row) => new RoundRobin(row),
  LeastConnections: (row, options) => new LeastConnections(row, options.rule ?? 'plusOne'),
  PowerOfTwo: (row, options) => new PowerOfTwo(row, options.random),
  PeakEwma: (row, options) => new PeakEwma(row, options.random, options.now),
};

export function createChooser(row: RowPlan, balance: Balance, state: DispatchState, options: ChooserOptions): Chooser {
  return choosers[balance](new DispatchRow(row, state), options);
}

/** For scheduler hhttp: by hash where a match group gave one, else (`choose`) exactly by weight. */
export function createHashChooser(row: RowPlan, state: DispatchState): HashChooser {
  return new Hashed(new DispatchRow(row, state));
}
