/** A change as somebody could make it, to go its way once before the first real one: nothing of it stays. Pure. */
import type { ApiObject } from '../admin/contract.ts';
import type { ObjectId } from './objects.ts';

/** Characters of JSON: rehearsing what is larger would take longer than it saves. */
const MOST = 65_536;

/**
 * One manifest of each kind that there is, with another weight in the matrix; null where there is nothing. A block of YAML with
 * the rest as JSON: so that the parser's code for both is used.
 */
export function rehearsalText(objects: ReadonlyMap<ObjectId, ApiObject>): string | null {
  const texts = new Map<string, string>();
  for (const object of objects.values()) {
    const { apiVersion, kind, metadata } = object;
    if (texts.has(kind)) continue;
    const { name, namespace } = metadata;
    const spec = JSON.stringify(kind === 'AppWeightMatrix' ? withAnotherWeight(object.spec) : object.spec);
    if (spec.length > MOST) continue;
    texts.set(
      kind,
      `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${JSON.stringify(name)}\n` +
        `  namespace: ${JSON.stringify(namespace)}\nspec: ${spec}\n`,
    );
  }
  return texts.size === 0 ? null : [...texts.values()].join('---\n');
}

/** As it was written, so that it is not said that it has rows at all. */
function withAnotherWeight(given: unknown): unknown {
  const { rows } = given as { readonly rows?: readonly Row[] };
  const [row] = rows ?? [];
  const [cell] = row?.weights ?? [];
  if (rows === undefined || row?.weights === undefined || cell === undefined) return given;
  const weights = [{ ...cell, weight: cell.weight === 1 ? 2 : 1 }, ...row.weights.slice(1)];
  return { ...(given as object), rows: [{ ...row, weights }, ...rows.slice(1)] };
}

interface Row {
  readonly weights?: readonly { readonly weight?: number }[];
}
