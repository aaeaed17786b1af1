import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { AppWeightMatrix } from '../api/parse.ts';
import type { PlacedRow } from '../model/placements.ts';
import type { ClusterState } from '../translate/cluster-state.ts';

/** By key and spec of a matrix, the weights that rule in place of its own; null: none do. The same while they are. */
export type ComputedWeights = (key: string, spec: AppWeightMatrixSpec) => readonly PlacedRow[] | null;

/** An object with the same weights is the same object as before, and is not translated again. */
const known = new WeakMap<AppWeightMatrix, AppWeightMatrix>();

/** With computed weights where a cluster has them: in the status of their matrix. */
export function withComputed(state: ClusterState, computed: ComputedWeights): ClusterState {
  let matrices: Map<string, AppWeightMatrix> | null = null;
  for (const [key, object] of state.matrices) {
    const rows = computed(key, object.spec);
    if (rows === null) continue;
    matrices ??= new Map(state.matrices);
    matrices.set(key, withRows(object, rows));
  }
  return matrices === null ? state : { ...state, matrices };
}

function withRows(object: AppWeightMatrix, rows: readonly PlacedRow[]): AppWeightMatrix {
  const former = known.get(object);
  if (former?.status?.rows === rows) return former;
  const status = { conditions: [], shares: [], rows: rows as NonNullable<AppWeightMatrix['status']>['rows'] };
  const next = { ...object, status };
  known.set(object, next);
  return next;
}
