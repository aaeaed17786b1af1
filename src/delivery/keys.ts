import { hashContent } from '../model/content.ts';
import type { Keys } from './contract.ts';

const ids = new WeakMap<Keys, string>();

/**
 * By which both sides know whether they mean the same keys; it says nothing of them that helps to guess them. Made once for
 * each object, since it is asked for with every snapshot: keys are replaced, never changed in place.
 */
export function keysId(keys: Keys): string {
  let id = ids.get(keys);
  if (id === undefined) ids.set(keys, (id = hashContent({ cookies: keys.cookies, tickets: keys.tickets })));
  return id;
}
