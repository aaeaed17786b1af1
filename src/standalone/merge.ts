import { type Fault, type FileObject, idOf, type ObjectId, withoutServerFields } from './objects.ts';
import type { Base, BaseObject } from './overlay.ts';

/**
 * The objects of all files. An object that stands twice is a fault: it stays with the file that had it (in `before`),
 * else with the first one, so that a second definition changes nothing.
 */
export function mergeFiles(
  good: ReadonlyMap<string, readonly FileObject[]>,
  before: Base,
  display: (file: string) => string,
): { readonly base: Base; readonly faults: readonly Fault[] } {
  const definitions = new Map<ObjectId, { file: string; entry: FileObject }[]>();
  for (const [file, entries] of good) {
    for (const entry of entries) {
      const id = idOf(entry.object);
      const all = definitions.get(id);
      if (all === undefined) definitions.set(id, [{ file, entry }]);
      else all.push({ file, entry });
    }
  }
  const base = new Map<ObjectId, BaseObject>();
  const faults: Fault[] = [];
  for (const [id, all] of definitions) {
    const owner = all.find(({ file }) => file === before.get(id)?.file) ?? all[0];
    if (owner === undefined) continue;
    base.set(id, baseObject(owner.file, owner.entry));
    for (const { file, entry } of all) {
      if (entry === owner.entry) continue;
      const first = `${display(owner.file)}:${owner.entry.line}`;
      const message = `${id} stands here a second time; the definition in ${first} counts, remove one of them`;
      faults.push({ file: display(file), line: entry.line, column: null, message });
    }
  }
  return { base, faults };
}

/** The same object for the same content, so that its hash is computed once, though it stands in another line. */
const stripped = new WeakMap<FileObject['object'], BaseObject['object']>();

function baseObject(file: string, { object: given, line }: FileObject): BaseObject {
  let object = stripped.get(given);
  if (object === undefined) stripped.set(given, (object = withoutServerFields(given)));
  return { object, file, line };
}
