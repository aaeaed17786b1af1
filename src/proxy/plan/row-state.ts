/** A row as the planner keeps it: its present epoch, and what that was made from. */
import type { RowPlan } from '../../model/plan.ts';
import type { ObjectKey } from '../../model/snapshot.ts';
import type { Epoch } from './ledger.ts';
import type { RowSource } from './row-draft.ts';

export interface RowState extends Epoch {
  readonly plan: RowPlan;
  source: RowSource;
  /** Service pieces that its endpoints come from. */
  services: readonly ObjectKey[];
}
