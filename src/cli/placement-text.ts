/** What the placement manager found, for a person. Pure. */
import type { ApiObject } from '../admin/contract.ts';
import type { PlacedChange, PlacedRow } from '../model/placements.ts';
import { printable, type Style } from './output.ts';

/** An object of a cluster that nobody has looked at has no status. */
type Shown = ApiObject & { readonly status?: Readonly<Record<string, unknown>> };

interface Recommendation {
  readonly rows?: readonly PlacedRow[];
  readonly reason?: string;
  readonly changes?: readonly PlacedChange[];
}

/** A matrix whose weights are computed: in force and recommended. */
export interface Placement {
  readonly matrix: string;
  readonly mode: 'Recommend' | 'Auto';
  readonly isPaused: boolean;
  /** Since when computed weights rule: the last change; null: those of the object do. */
  readonly since: string | null;
  readonly inForce: readonly PlacedRow[];
  readonly recommended: readonly PlacedRow[];
  readonly reason: string;
  /** Starts and stops of instances that are recommended, or under way. */
  readonly changes: readonly PlacedChange[];
}

/** Of all matrices that ask for it. */
export function placementsOf(objects: readonly Shown[]): Placement[] {
  return objects.flatMap((object) => placementOf(object) ?? []);
}

function placementOf({ kind, metadata, spec, status }: Shown): Placement | null {
  const { mode, rows = [], placement } = spec as Spec;
  if (kind !== 'AppWeightMatrix' || (mode !== 'Recommend' && mode !== 'Auto')) return null;
  const computed = (status?.['rows'] ?? []) as readonly PlacedRow[];
  const recommendation = (status?.['recommendation'] ?? {}) as Recommendation;
  const times = computed.flatMap(({ since }) => since ?? []).toSorted();
  return {
    matrix: `${metadata.namespace}/${metadata.name}`,
    mode,
    isPaused: placement?.paused === true,
    since: times.at(-1) ?? null,
    inForce: computed.length > 0 ? computed : rows.map(({ server, weights = [] }) => ({ server, weights })),
    recommended: recommendation.rows ?? [],
    reason: recommendation.reason ?? 'nothing is computed yet',
    changes: recommendation.changes ?? [],
  };
}

interface Spec {
  readonly mode?: ApiObject['kind'];
  readonly rows?: readonly { readonly server: string; readonly weights?: PlacedRow['weights'] }[];
  readonly placement?: { readonly paused?: boolean };
}

export function placementsText(placements: readonly Placement[], style: Style): string {
  if (placements.length === 0) return 'No matrix asks for computed weights: all are in mode Static.\n';
  return `${placements.map((each) => textOf(each, style)).join('\n\n')}\n`;
}

function textOf(placement: Placement, style: Style): string {
  const { matrix, mode, isPaused, since, inForce, recommended, reason, changes } = placement;
  const rules = since === null ? "the object's weights rule" : `computed weights rule, last changed at ${since}`;
  const head = `${style.bold(printable(matrix))} ${mode}${isPaused ? ', paused' : ''}: ${rules}`;
  const [now, then] = [cellsOf(inForce), cellsOf(recommended)];
  const width = Math.max(0, ...[...now.keys()].map((app) => app.length));
  const lines = [...now].map(([app, cells]) => {
    const shown = [...cells].map(([server, cell]) => {
      const to = then.get(app)?.get(server);
      const moves = to !== undefined && to !== cell;
      return `${printable(server)} ${cell}${moves ? ` → ${to}` : ''}`;
    });
    return `  ${printable(app).padEnd(width)}  ${shown.join('  ')}`;
  });
  const isCapped = [...inForce, ...recommended].some(({ weights }) => weights.some(({ cap }) => cap !== undefined));
  const legend = `shares in %${isCapped ? ' (caps)' : ''}, → recommended`;
  const steps = changes.map(
    ({ op, app, server, reason: why }) =>
      `  ${op.toLowerCase()} ${printable(app)} on ${printable(server)}: ${printable(why)}`,
  );
  return [head, `  ${printable(reason)}`, ...steps, style.dim(`  ${legend}`), ...lines].join('\n');
}

/** By app and server: share and cap, `50.0 (12)`. */
function cellsOf(rows: readonly PlacedRow[]): Map<string, Map<string, string>> {
  const cells = rows.flatMap(({ server, weights }) => weights.map((cell) => ({ server, ...cell })));
  return new Map(
    [...Map.groupBy(cells, ({ app }) => app)].map(([app, column]) => {
      const sum = column.reduce((total, { weight }) => total + weight, 0);
      const texts = column.map(({ server, weight, cap }) => {
        const share = sum === 0 ? 0 : (100 * weight) / sum;
        return [server, `${share.toFixed(1)}${cap === undefined ? '' : ` (${cap})`}`] as const;
      });
      return [app, new Map(texts)];
    }),
  );
}
