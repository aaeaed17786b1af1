/** Lists in order of kind, then key: changed by copying, so that whoever has one keeps it as it was. */
export interface Entry {
  readonly kind: string;
  readonly key: string;
}

export interface EntryChange<T> extends Entry {
  /** null: no longer in the list. */
  readonly entry: T | null;
}

/**
 * The list with the changes; the same list where they change nothing.
 *
 * @param same whether the entry that is there may stay for the one that comes
 */
export const withChanges = <T extends Entry>(
  list: readonly T[],
  changes: readonly EntryChange<T>[],
  same: (former: T, now: T) => boolean,
): readonly T[] => {
  const parts: (readonly T[])[] = [];
  let from = 0;
  let changed = false;
  for (const { kind, key, entry } of changes.toSorted(compareEntries)) {
    const at = placeOf(list, { kind, key }, from);
    const former = at < list.length && compareEntries(list[at]!, { kind, key }) === 0 ? list[at]! : null;
    if (former === entry || (former !== null && entry !== null && same(former, entry))) continue;
    changed = true;
    parts.push(list.slice(from, at), entry === null ? [] : [entry]);
    from = former === null ? at : at + 1;
  }
  if (!changed) return list;
  parts.push(list.slice(from));
  return parts.flat();
};

export const compareEntries = (a: Entry, b: Entry): number => {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
};

/** Index of the first that is not before the entry, at or after `from`. */
const placeOf = (list: readonly Entry[], entry: Entry, from: number): number => {
  let low = from;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareEntries(list[middle]!, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
};
