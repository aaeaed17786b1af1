/**
 * Who has which listener and which hosts on it. Virtual servers come in order of age; the older one wins. The same
 * address and port is one listener; addresses that take each other's connections (`::` does all) exclude each other.
 */
import type { ListenerSpec, TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import { canonicalAddress, overlap } from './addresses.ts';
import { ANY_ADDRESS } from './defaults.ts';

export interface ListenerClaim {
  readonly name: string;
  /** Canonical. */
  readonly address: string;
  /** Hosts won, sorted. */
  readonly hosts: readonly string[];
  /** Hosts that an older virtual server has. */
  readonly lost: readonly { readonly host: string; readonly owner: ObjectKey }[];
  /** Why the listener as a whole is refused. */
  readonly conflict: string | null;
}

export interface Claimant {
  readonly key: ObjectKey;
  readonly asked: Asked;
}

/** What of a spec is claimed. */
export interface Asked {
  readonly listeners: readonly ListenerSpec[];
  readonly hosts: readonly string[];
}

export const askedBy = (spec: TcpVirtualServerSpec): Asked => ({ listeners: spec.listeners, hosts: hostsOf(spec) });

interface Held {
  readonly address: string;
  readonly owner: ObjectKey;
  readonly settings: string;
  readonly protocol: string;
}

/** The claims of each virtual server, in the order of its listeners. `claimants` are in order of age. */
export const settleClaims = (claimants: readonly Claimant[]): ReadonlyMap<ObjectKey, readonly ListenerClaim[]> => {
  const listeners = new Map<number, Held[]>();
  const hosts = new Map<string, ObjectKey>();
  const claims = new Map<ObjectKey, readonly ListenerClaim[]>();
  for (const { key, asked } of claimants) {
    claims.set(
      key,
      asked.listeners.map((listener) => {
        const address = canonicalAddress(listener.address ?? ANY_ADDRESS) ?? ANY_ADDRESS;
        const conflict = takeListener(listeners, key, listener, address);
        if (conflict !== null) return { name: listener.name, address, hosts: [], lost: [], conflict };
        const wanted = listener.protocol === 'TCP' ? ['*'] : asked.hosts;
        return {
          name: listener.name,
          address,
          conflict,
          ...takeHosts(hosts, key, `${address} ${listener.port}`, wanted),
        };
      }),
    );
  }
  return claims;
};

/** Hosts that a virtual server asks for: those of its rules, and `*` if a rule (or the whole) names none. */
const hostsOf = (spec: TcpVirtualServerSpec): string[] => {
  const hosts = new Set<string>(spec.rules.length === 0 ? ['*'] : []);
  for (const { match } of spec.rules) {
    if (match.hosts.length === 0) hosts.add('*');
    for (const host of match.hosts) hosts.add(host);
  }
  return [...hosts].toSorted();
};

/** What must agree on one listener. */
const settingsOf = (listener: ListenerSpec): string =>
  [
    `protocol ${listener.protocol}`,
    `proxyProtocol ${listener.proxyProtocol}`,
    ...(listener.tls === undefined ? [] : [`minVersion ${listener.tls.minVersion}`]),
  ].join(', ');

const takeListener = (
  listeners: Map<number, Held[]>,
  owner: ObjectKey,
  listener: ListenerSpec,
  address: string,
): string | null => {
  const held = listeners.get(listener.port) ?? [];
  const settings = settingsOf(listener);
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
  if (!held.some((other) => other.address === address)) {
    held.push({ address, owner, settings, protocol: listener.protocol });
  }
  listeners.set(listener.port, held);
  return null;
};

const whose = (held: Held, owner: ObjectKey): string =>
  held.owner === owner ? 'another listener of the same virtual server' : `${held.owner}, which is older,`;

/** `taken`: owner by address, port and host. */
const takeHosts = (
  taken: Map<string, ObjectKey>,
  owner: ObjectKey,
  place: string,
  asked: readonly string[],
): Pick<ListenerClaim, 'hosts' | 'lost'> => {
  const hosts: string[] = [];
  const lost: { host: string; owner: ObjectKey }[] = [];
  for (const host of asked) {
    const winner = taken.get(`${place} ${host}`) ?? owner;
    if (winner === owner) {
      hosts.push(host);
      taken.set(`${place} ${host}`, owner);
    } else {
      lost.push({ host, owner: winner });
    }
  }
  return { hosts, lost };
};
