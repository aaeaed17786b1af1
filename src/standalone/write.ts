import type { ApiObject, ObjectsWrite } from '../admin/contract.ts';
import { Refusal } from '../admin/refusal.ts';
import { idOf, objectId, type ObjectId, withoutServerFields } from './objects.ts';
import { type Base, MAX_OVERLAY, type Overlay, writeOverlay } from './overlay.ts';

/** The overlay after a write. Errors: Refusal, for what contradicts itself, deletes what is not there, or is too much. */
export function overlayAfter(
  write: ObjectsWrite,
  base: Base,
  overlay: Overlay,
  present: ReadonlyMap<ObjectId, ApiObject>,
): Overlay {
  const changes = new Map<ObjectId, ApiObject | null>();
  const note = (id: ObjectId, object: ApiObject | null) => {
    if (changes.has(id)) throw new Refusal(400, `${id} stands twice in one write`);
    changes.set(id, object);
  };
  for (const object of write.apply) note(idOf(object), withoutServerFields(object));
  for (const { kind, namespace, name } of write.delete) {
    const id = objectId(kind, namespace, name);
    if (!present.has(id)) throw new Refusal(404, `${id} cannot be deleted: there is no such object`);
    note(id, null);
  }
  const result = writeOverlay(base, overlay, changes);
  if (result.size > MAX_OVERLAY) {
    throw new Refusal(413, `tcpvsadm may change at most ${MAX_OVERLAY} objects; put them into manifests`);
  }
  return result;
}
