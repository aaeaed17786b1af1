/**
 * Who has which listener on one port, and which hosts on it. The older virtual server wins. The same address is one
 * listener; addresses that take each other's connections (`::` does all) exclude each other.
 *
 * A change costs the hosts that it concerns, as long as all ask for the same listener, as thousands on port 443 do; where
 * somebody asks for another one, all is settled anew.
 */
import type { ObjectKey } from '../model/snapshot.ts';
import { overlap } from './addresses.ts';
import type { AskedListener, Claimant, ListenerClaim } from './claims.ts';
import { byAge } from './subjects.ts';

export class PortClaims {
  readonly #port: number;
  /** In order of age. */
  readonly #claimants: Claimant[] = [];
  /** How often each listener is asked for. */
  readonly #variants = new Map<string, number>();
  /** By address and host: who asks for it, in order of age. The first one has it. */
  readonly #hosts = new Map<string, Claimant[]>();
  /** By virtual server and listener. */
  #conflicts: ReadonlyMap<string, string> = new Map();

  constructor(port: number) {
    this.#port = port;
  }

  get isEmpty(): boolean {
    return this.#claimants.length === 0;
  }

  /** `now` asks in place of `before`. Returns whose claims may be others now. */
  replace(before: Claimant | undefined, now: Claimant | undefined): Iterable<ObjectKey> {
    const wasUniform = this.#isUniform;
    if (before !== undefined) {
      take(this.#claimants, before);
      for (const listener of this.#listenersOf(before)) this.#count(listener, -1);
    }
    if (now !== undefined) {
      put(this.#claimants, now);
      for (const listener of this.#listenersOf(now)) this.#count(listener, 1);
    }
    if (wasUniform && this.#isUniform) return this.#exchange(before, now);
    this.#settle();
    return this.#claimants.map(({ key }) => key);
  }

  /** In the order of the claimant's listeners. */
  claimsOf(claimant: Claimant): ListenerClaim[] {
    return this.#listenersOf(claimant).map((listener) => {
      const { name, address } = listener;
      const conflict = this.#conflicts.get(idOf(claimant.key, name)) ?? null;
      if (conflict !== null) return { name, address, hosts: [], lost: [], conflict };
      const hosts: string[] = [];
      const lost: { host: string; owner: ObjectKey }[] = [];
      for (const host of hostsOf(claimant, listener)) {
        const owner = this.#owner(placeOf(listener, host)) ?? claimant.key;
        if (owner === claimant.key) hosts.push(host);
        else lost.push({ host, owner });
      }
      return { name, address, conflict, hosts, lost };
    });
  }

  /** Nobody can be in another's way but by hosts. */
  get #isUniform(): boolean {
    if (this.#variants.size > 1) return false;
    return this.#claimants[0]?.asked.listeners.some((each) => each.protocol === 'TCP') !== true;
  }

  #listenersOf(claimant: Claimant): readonly AskedListener[] {
    return claimant.asked.listeners.filter((listener) => listener.port === this.#port);
  }

  #count({ address, settings }: AskedListener, by: number): void {
    const variant = `${address} ${settings}`;
    const count = (this.#variants.get(variant) ?? 0) + by;
    if (count === 0) this.#variants.delete(variant);
    else this.#variants.set(variant, count);
  }

  #owner(place: string): ObjectKey | undefined {
    return this.#hosts.get(place)?.[0]?.key;
  }

  /** Host by host. */
  #exchange(before: Claimant | undefined, now: Claimant | undefined): Set<ObjectKey> {
    const former = new Map<string, ObjectKey | undefined>();
    for (const place of this.#placesOf(before)) {
      former.set(place, this.#owner(place));
      const asking = this.#hosts.get(place)!;
      take(asking, before!);
      if (asking.length === 0) this.#hosts.delete(place);
    }
    for (const place of this.#placesOf(now)) {
      if (!former.has(place)) former.set(place, this.#owner(place));
      this.#ask(place, now!);
    }
    const concerned = new Set<ObjectKey>();
    for (const [place, owner] of former) {
      if (this.#owner(place) === owner) continue;
      for (const { key } of this.#hosts.get(place) ?? []) concerned.add(key);
    }
    return concerned;
  }

  #ask(place: string, claimant: Claimant): void {
    const asking = this.#hosts.get(place);
    if (asking === undefined) this.#hosts.set(place, [claimant]);
    else put(asking, claimant);
  }

  #placesOf(claimant: Claimant | undefined): string[] {
    if (claimant === undefined) return [];
    return this.#listenersOf(claimant)
      .filter(({ name }) => !this.#conflicts.has(idOf(claimant.key, name)))
      .flatMap((listener) => hostsOf(claimant, listener).map((host) => placeOf(listener, host)));
  }

  #settle(): void {
    const held: Held[] = [];
    const conflicts = new Map<string, string>();
    for (const claimant of this.#claimants) {
      for (const listener of this.#listenersOf(claimant)) {
        const conflict = takeListener(held, claimant.key, listener);
        if (conflict !== null) conflicts.set(idOf(claimant.key, listener.name), conflict);
      }
    }
    this.#conflicts = conflicts;
    this.#hosts.clear();
    for (const claimant of this.#claimants) for (const place of this.#placesOf(claimant)) this.#ask(place, claimant);
  }
}

interface Held extends Pick<AskedListener, 'address' | 'settings' | 'protocol'> {
  readonly owner: ObjectKey;
}

const idOf = (key: ObjectKey, listener: string): string => `${key} ${listener}`;
const placeOf = ({ address }: AskedListener, host: string): string => `${address} ${host}`;
const hostsOf = ({ asked }: Claimant, { protocol }: AskedListener): readonly string[] =>
  protocol === 'TCP' ? ['*'] : asked.hosts;

/** Why the listener is refused; null: it is held from now on. */
const takeListener = (held: Held[], owner: ObjectKey, listener: AskedListener): string | null => {
  const { address, settings, protocol } = listener;
  const place = `${address} port ${listener.port}`;
  for (const other of held) {
    if (!overlap(other.address, address)) continue;
    if (other.address !== address) {
      // One of the two sockets could not be bound (EADDRINUSE), whatever else they agree in.
      return `listener ${listener.name} asks for ${place}, where ${whose(other, owner)} has ${other.address}; one address would take the other's connections, so both must name the same one`;
    }
    if (other.settings !== settings) {
      return `listener ${listener.name} asks for ${settings} on ${place}, where ${whose(other, owner)} has ${other.settings}`;
    }
    if (other.protocol === 'TCP' && other.owner !== owner) {
      return `listener ${listener.name}: ${place} belongs to ${other.owner}, which is older, and a TCP listener has one virtual server`;
    }
  }
  // One entry per address is enough to judge all that come: 1,000 virtual servers may share a port.
  if (!held.some((other) => other.address === address)) held.push({ address, settings, protocol, owner });
  return null;
};

const whose = (held: Held, owner: ObjectKey): string =>
  held.owner === owner ? 'another listener of the same virtual server' : `${held.owner}, which is older,`;

/** Index of the first who is not older. */
const indexIn = (claimants: readonly Claimant[], claimant: Claimant): number => {
  let low = 0;
  let high = claimants.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byAge(claimants[middle]!, claimant) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

const put = (claimants: Claimant[], claimant: Claimant): void => {
  claimants.splice(indexIn(claimants, claimant), 0, claimant);
};

const take = (claimants: Claimant[], claimant: Claimant): void => {
  claimants.splice(indexIn(claimants, claimant), 1);
};
