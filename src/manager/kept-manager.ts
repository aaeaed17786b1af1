/** What a placement manager knows as JSON, and back: decisions go on after a restart. */
import type { ObjectKey } from '../model/snapshot.ts';
import { type ManagerState, stateOf } from './state.ts';

/** Raised when what is kept changes its meaning; what another version kept is not read. */
const VERSION = 1;

export interface KeptManager {
  readonly version: number;
  readonly matrices: readonly (readonly [ObjectKey, ManagerState])[];
}

export function keptManager(matrices: KeptManager['matrices']): KeptManager {
  return { version: VERSION, matrices };
}

/** @throws Error with a message for people, where this is none that was kept */
export function managerOf(kept: unknown): KeptManager['matrices'] {
  const { version, matrices } = (kept ?? {}) as Partial<Record<keyof KeptManager, unknown>>;
  if (version !== VERSION) throw new Error(`version ${JSON.stringify(version)} was read, expected ${VERSION}`);
  if (!Array.isArray(matrices)) throw new Error('matrices: expected a list');
  return matrices.map((entry: unknown) => {
    const [key, state] = (Array.isArray(entry) ? entry : []) as unknown[];
    if (typeof key !== 'string') throw new Error('matrices: expected pairs of a name and what is known of it');
    try {
      return [key, stateOf(state)] as const;
    } catch (error) {
      throw new Error(`${key}: ${(error as Error).message}`, { cause: error });
    }
  });
}
