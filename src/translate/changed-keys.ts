/** Keys whose values (===) are not the same in both maps. */
export const changedKeys = <T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): string[] => {
  if (before === after) return [];
  const changed: string[] = [];
  let kept = 0;
  for (const [key, value] of after) {
    const former = before.get(key);
    if (former === value) kept++;
    else {
      changed.push(key);
      if (former !== undefined) kept++;
    }
  }
  if (kept < before.size) for (const key of before.keys()) if (!after.has(key)) changed.push(key);
  return changed;
};
