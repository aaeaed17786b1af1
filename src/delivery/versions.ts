/**
 * Which of two snapshots is older: by the resourceVersion of the last change of each resource type. Those of one
 * type are comparable (Kubernetes 1.35 and later), as decimal numbers of any length.
 */
export type Versions = Readonly<Record<string, string>>;

export type Order = 'older' | 'same' | 'newer' | 'apart';

/**
 * How `a` stands to `b`, by the types that both know: a controller of another release may watch others. `apart`: one
 * type is ahead, another behind.
 */
export function compareVersions(a: Versions, b: Versions): Order {
  let ahead = false;
  let behind = false;
  for (const [type, version] of Object.entries(a)) {
    const other = Object.hasOwn(b, type) ? b[type] : undefined;
    if (other === undefined) continue;
    const order = compareNumbers(version, other);
    if (order > 0) ahead = true;
    else if (order < 0) behind = true;
  }
  if (ahead) return behind ? 'apart' : 'newer';
  return behind ? 'older' : 'same';
}

/** Not BigInt: a comparison of texts does not allocate, and texts of digits of the same length compare as their numbers. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
