/** What a request asks of a scheduler. */

export interface Chooser {
  /** The first choice: an index into `row.endpoints`, or -1 if nothing of the row takes new work. */
  choose(): number;
  /** Another choice after `tried` (indices of endpoints) failed: none of them; -1 if nothing is left. */
  chooseAgain(tried: readonly number[]): number;
}

/** For scheduler hhttp with a match group: equal hashes go to the same endpoint as long as it takes new work. */
export interface HashChooser extends Chooser {
  /** @param hash 32 bits over what the group matched (`hashBytes`) */
  chooseByHash(hash: number, tried: readonly number[]): number;
}

export interface ChooserOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Milliseconds; a coarse clock will do. */
  readonly now: () => number;
  /** How LeastConnections compares; default `plusOne`. */
  readonly rule?: LeastConnectionsRule;
}

/** `wlc`: smallest c/w, as KTCPVS has it; `plusOne`: smallest (c+1)/w. */
export type LeastConnectionsRule = 'wlc' | 'plusOne';

export const NOTHING = -1;
