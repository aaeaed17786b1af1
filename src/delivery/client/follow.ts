/**
 * Whether a proxy takes what a controller replica offers. Pure.
 *
 * Newest wins, by versions; nothing that is older in any type is taken. Replicas that have seen the same (their versions
 * are) and still say different things would make the proxy swing: it stays with the one it follows, and from then on takes
 * what the other one offers only where that stays newer for a while, or where the followed one is not reached any more.
 */
import { compareVersions, type Versions } from '../versions.ts';

export interface Offer {
  /** Of the replica's process. */
  readonly server: string;
  readonly id: string;
  /** By `keysId`. */
  readonly keys: string;
  readonly versions: Versions;
}

export type Verdict =
  | { readonly kind: 'take' }
  /** Nothing new in it but versions. */
  | { readonly kind: 'known' }
  | { readonly kind: 'older' }
  /** The replica that is followed says something else of the same versions. */
  | { readonly kind: 'dissent' }
  /** To be looked at again after so many milliseconds: by then the followed one may have caught up. */
  | { readonly kind: 'later'; readonly wait: number };

/** Milliseconds for which a dissenter's newer snapshots wait for the one who is followed. */
export const PATIENCE = 2000;

export class Following {
  #current: Offer | null = null;
  /** Replicas that disagree, and since when each of them has been ahead. */
  readonly #dissenters = new Map<string, { aheadSince: number | null }>();

  get current(): Offer | null {
    return this.#current;
  }

  get dissenters(): number {
    return this.#dissenters.size;
  }

  /** `isReached`: whether a replica answers now. `now` in milliseconds, of any monotonic clock. */
  judge(offer: Offer, isReached: (server: string) => boolean, now: number): Verdict {
    const current = this.#current;
    if (current === null) return { kind: 'take' };
    const order = compareVersions(offer.versions, current.versions);
    if (order === 'older' || order === 'apart') return { kind: 'older' };
    if (offer.id === current.id && offer.keys === current.keys) {
      this.#dissenters.delete(offer.server);
      return { kind: 'known' };
    }
    if (offer.server === current.server || !isReached(current.server)) return { kind: 'take' };
    const dissenter = this.#dissenters.get(offer.server);
    if (order === 'same') {
      if (dissenter === undefined) this.#dissenters.set(offer.server, { aheadSince: null });
      else dissenter.aheadSince = null;
      return { kind: 'dissent' };
    }
    if (dissenter === undefined) return { kind: 'take' };
    dissenter.aheadSince ??= now;
    const waited = now - dissenter.aheadSince;
    return waited >= PATIENCE ? { kind: 'take' } : { kind: 'later', wait: PATIENCE - waited };
  }

  /** The replica has nothing to offer to somebody who has what we have: it says the same, or is behind. */
  agreed(server: string): void {
    this.#dissenters.delete(server);
  }

  /** It was taken, or was known: what comes after must not be older than this. */
  accept(offer: Offer): void {
    const before = this.#current;
    // A release that watches other types does not make those forgotten that it does not know.
    const versions = before === null ? offer.versions : union(before.versions, offer.versions);
    const known = before !== null && before.id === offer.id && before.keys === offer.keys;
    this.#current = { ...offer, versions, server: known ? before.server : offer.server };
    if (!known) for (const each of this.#dissenters.values()) each.aheadSince = null;
    this.#dissenters.delete(this.#current.server);
    // Replicas come and go; those that are gone do not come back under the same name.
    for (const oldest of this.#dissenters.keys()) {
      if (this.#dissenters.size <= MOST_DISSENTERS) break;
      this.#dissenters.delete(oldest);
    }
  }
}

const MOST_DISSENTERS = 32;
/** As many types as a request may name. */
const MOST_TYPES = 64;

function union(before: Versions, now: Versions): Versions {
  const names = Object.keys(before);
  if (names.every((name) => Object.hasOwn(now, name))) return now;
  const all = { ...before, ...now };
  return Object.keys(all).length <= MOST_TYPES ? all : now;
}
