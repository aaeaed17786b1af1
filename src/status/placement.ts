/** What the placement manager found as a matrix' status shows it. Pure. */
import type { AppWeightMatrixStatus } from '../api/app-weight-matrix.ts';
import type { MatrixPlacement, Outlook, PlacedRow } from '../model/placements.ts';

type Shown = Pick<AppWeightMatrixStatus, 'recommendation'> & { readonly rows?: readonly PlacedRow[] };

/** Longest reason that the API takes. */
const MOST = 4096;
const MOST_REASON = 1024;
const MOST_CHANGES = 1000;

export function statusPlacement({ rows, recommended, changes, reason }: MatrixPlacement): Shown {
  return {
    ...(rows === null ? {} : { rows }),
    recommendation: {
      rows: (recommended?.rows ?? []).map(({ server, weights }) => ({ server, weights: [...weights] })),
      changes: changes.slice(0, MOST_CHANGES).map((each) => ({ ...each, reason: each.reason.slice(0, MOST_REASON) })),
      ...(recommended === null ? {} : { expected: expectedOf(recommended.expected) }),
      reason: reason.length > MOST ? `${reason.slice(0, MOST - 1)}…` : reason,
    },
  };
}

function expectedOf({ satisfied, utilization }: Outlook) {
  // What a host is asked for beyond all that it has, the reason tells.
  return { satisfied: fraction(satisfied), utilization: fraction(utilization) };
}

function fraction(part: number): string {
  return Math.max(0, Math.min(1, part)).toFixed(3);
}
