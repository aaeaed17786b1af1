/** Claims as they stand, over all ports; what nobody asks for otherwise stays as it is. */
import { canonicalJson } from '../model/content.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { Claimant, ListenerClaim } from './claims.ts';
import { PortClaims } from './port-claims.ts';

export class ClaimBook {
  readonly #claimants = new Map<ObjectKey, Claimant>();
  readonly #ports = new Map<number, PortClaims>();
  readonly #claims = new Map<ObjectKey, readonly ListenerClaim[]>();

  /**
   * @param changed who asks now; null: for nothing any more
   * @returns whose claims are others now; null: there are none any more
   */
  update(changed: ReadonlyMap<ObjectKey, Claimant | null>): ReadonlyMap<ObjectKey, readonly ListenerClaim[] | null> {
    const concerned = new Set<ObjectKey>();
    for (const [key, claimant] of changed) {
      const before = this.#claimants.get(key);
      if (before !== undefined && claimant !== null && sameJson(before, claimant)) continue;
      const now = claimant ?? undefined;
      for (const number of new Set([...portsOf(before), ...portsOf(now)])) {
        const port = this.#port(number);
        for (const other of port.replace(asking(before, number), asking(now, number))) concerned.add(other);
        if (port.isEmpty) this.#ports.delete(number);
      }
      if (now === undefined) this.#claimants.delete(key);
      else this.#claimants.set(key, now);
      concerned.add(key);
    }
    return this.#collect(concerned);
  }

  #port(number: number): PortClaims {
    let port = this.#ports.get(number);
    if (port === undefined) this.#ports.set(number, (port = new PortClaims(number)));
    return port;
  }

  #collect(keys: Iterable<ObjectKey>): Map<ObjectKey, readonly ListenerClaim[] | null> {
    const changes = new Map<ObjectKey, readonly ListenerClaim[] | null>();
    for (const key of keys) {
      const claimant = this.#claimants.get(key);
      if (claimant === undefined) {
        if (this.#claims.delete(key)) changes.set(key, null);
        continue;
      }
      const claims = [...portsOf(claimant)].flatMap((number) => this.#port(number).claimsOf(claimant));
      const byName = new Map(claims.map((claim) => [claim.name, claim]));
      const now = claimant.asked.listeners.map(({ name }) => byName.get(name)!);
      if (sameJson(this.#claims.get(key), now)) continue;
      this.#claims.set(key, now);
      changes.set(key, now);
    }
    return changes;
  }
}

const portsOf = (claimant: Claimant | undefined): Set<number> =>
  new Set(claimant?.asked.listeners.map((listener) => listener.port));

const asking = (claimant: Claimant | undefined, port: number): Claimant | undefined =>
  claimant?.asked.listeners.some((listener) => listener.port === port) === true ? claimant : undefined;

const sameJson = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);
