/** The objects in force and what they are made of. Pure: from the layers before and the new ones. */
import type { ApiObject } from '../admin/contract.ts';
import { assignIdentities, type Identities, withIdentity } from './identity.ts';
import { hashOf, type ObjectId } from './objects.ts';
import { type Base, effectiveObjects, type Overlay } from './overlay.ts';

export interface Layers {
  readonly base: Base;
  readonly overlay: Overlay;
  readonly identities: Identities;
  /** As they were given. */
  readonly given: ReadonlyMap<ObjectId, ApiObject>;
  /** With their identities; an object that did not change is the same object as before. */
  readonly objects: ReadonlyMap<ObjectId, ApiObject>;
}

export function nextLayers(before: Layers, base: Base, overlay: Overlay, now: string, newUid: () => string): Layers {
  const given = effectiveObjects(base, overlay);
  const identities = assignIdentities(before.identities, given, now, newUid);
  const objects = new Map<ObjectId, ApiObject>();
  for (const [id, object] of given) {
    const identity = identities.get(id);
    if (identity === undefined) continue;
    const [was, wasGiven] = [before.objects.get(id), before.given.get(id)];
    const same =
      was !== undefined &&
      wasGiven !== undefined &&
      (wasGiven === object || hashOf(wasGiven) === hashOf(object)) &&
      before.identities.get(id) === identity;
    objects.set(id, same ? was : withIdentity(object, identity));
  }
  return { base, overlay, identities, given, objects };
}

export function sameObjects(a: Layers, b: Layers): boolean {
  if (a.objects.size !== b.objects.size) return false;
  for (const [id, object] of a.objects) if (b.objects.get(id) !== object) return false;
  return true;
}
