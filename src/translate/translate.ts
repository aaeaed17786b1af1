/** ClusterState → snapshot and statuses: pure, total, and cheap where little has changed. */
import type { Snapshot } from '../model/snapshot.ts';
import { type CheckCertificates, checkCertificates as byLibrary } from './check-certificate.ts';
import type { ClusterState } from './cluster-state.ts';
import { Engine, type Judging, type Translation } from './engine.ts';
import type { CheckPattern } from './judge.ts';

export type { Translation } from './engine.ts';

export interface TranslateOptions {
  readonly checkPattern: CheckPattern;
  /** Default: by node:crypto. */
  readonly checkCertificates?: CheckCertificates;
  /**
   * A snapshot of before: what did not change is the same object (===) in the new one, the snapshot itself too. It costs
   * what has changed since, where maps and values in the state that did not change are the same objects too.
   */
  readonly previous?: Snapshot;
}

/** Translates; never throws, whatever objects the state has. */
export const translate = (state: ClusterState, options: TranslateOptions): Translation => {
  const { checkPattern, checkCertificates = byLibrary, previous } = options;
  const { mode, className } = state;
  const judging = { mode, className, checkPattern, checkCertificates };
  const known = previous === undefined ? undefined : engines.get(previous);
  const engine = known !== undefined && sameJudging(known.judging, judging) ? known : new Engine(judging);
  try {
    const translation = engine.translate(state, previous);
    engines.set(translation.snapshot, engine);
    return translation;
  } catch (error) {
    // A fault of ours, in whose midst the engine stopped: the next translation begins with another one.
    if (previous !== undefined) engines.delete(previous);
    throw error;
  }
};

/** By snapshot, so that an engine lives as long as somebody still has its snapshot. Only speed depends on it. */
const engines = new WeakMap<Snapshot, Engine>();

const sameJudging = (a: Judging, b: Judging): boolean =>
  a.mode === b.mode &&
  a.className === b.className &&
  a.checkPattern === b.checkPattern &&
  a.checkCertificates === b.checkCertificates;
