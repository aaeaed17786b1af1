/**
 * What tcpvsadm wrote, on top of the manifests. Per object the last change wins: an entry remembers the hash of the
 * manifest that it overrides (null: there was none) and is dropped as soon as that manifest is another one, or gone.
 */
import type { ApiObject } from '../admin/contract.ts';
import { hashOf, type ObjectId } from './objects.ts';

export interface OverlayEntry {
  /** Null: deleted. */
  readonly object: ApiObject | null;
  /** Content hash of the overridden manifest, null where there was none. */
  readonly base: string | null;
}

export type Overlay = ReadonlyMap<ObjectId, OverlayEntry>;

export interface BaseObject {
  /** Without status and what a server sets. */
  readonly object: ApiObject;
  readonly file: string;
  readonly line: number;
}

export type Base = ReadonlyMap<ObjectId, BaseObject>;

/** Far above what people type; keeps a runaway script from filling memory and disk. */
export const MAX_OVERLAY = 20_000;

/** The overlay without the entries whose manifest has changed since. */
export function currentOverlay(base: Base, overlay: Overlay): Overlay {
  const stale = [...overlay].filter(([id, entry]) => entry.base !== baseHash(base, id));
  if (stale.length === 0) return overlay;
  const result = new Map(overlay);
  for (const [id] of stale) result.delete(id);
  return result;
}

/** The objects in force; `overlay` must be current. */
export function effectiveObjects(base: Base, overlay: Overlay): Map<ObjectId, ApiObject> {
  const result = new Map<ObjectId, ApiObject>();
  for (const [id, { object }] of base) result.set(id, object);
  for (const [id, { object }] of overlay) {
    if (object === null) result.delete(id);
    else result.set(id, object);
  }
  return result;
}

function baseHash(base: Base, id: ObjectId): string | null {
  const entry = base.get(id);
  return entry === undefined ? null : hashOf(entry.object);
}

/** The overlay after changes (null: delete). What ends up as the manifest says needs no entry. */
export function writeOverlay(base: Base, overlay: Overlay, changes: ReadonlyMap<ObjectId, ApiObject | null>): Overlay {
  const result = new Map(overlay);
  for (const [id, object] of changes) {
    const below = baseHash(base, id);
    if (below === (object === null ? null : hashOf(object))) result.delete(id);
    else result.set(id, { object, base: below });
  }
  return result;
}
