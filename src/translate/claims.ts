/** What virtual servers ask for, and what they get: listeners, and hosts on them. */
import type { ListenerSpec, TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import { canonicalAddress } from './addresses.ts';
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
  readonly createdAt: string;
  readonly asked: Asked;
}

/** What of a spec is claimed. */
export interface Asked {
  readonly listeners: readonly AskedListener[];
  readonly hosts: readonly string[];
}

export interface AskedListener {
  readonly name: string;
  /** Canonical. */
  readonly address: string;
  readonly port: number;
  readonly protocol: ListenerSpec['protocol'];
  /** What must agree on one listener, for people. */
  readonly settings: string;
}

/** @param refused hosts that the virtual server may not have */
export const askedBy = (spec: TcpVirtualServerSpec, refused: readonly string[]): Asked => ({
  listeners: spec.listeners.map((listener) => ({
    name: listener.name,
    address: listener.address === undefined ? ANY_ADDRESS : (canonicalAddress(listener.address) ?? ANY_ADDRESS),
    port: listener.port,
    protocol: listener.protocol,
    settings: settingsOf(listener),
  })),
  hosts: hostsOf(spec).filter((host) => !refused.includes(host)),
});

/** Hosts that a virtual server asks for: those of its rules, and `*` if a rule (or the whole) names none. */
export const hostsOf = (spec: TcpVirtualServerSpec): string[] => {
  const hosts = new Set<string>(spec.rules.length === 0 ? ['*'] : []);
  for (const { match } of spec.rules) {
    if (match.hosts.length === 0) hosts.add('*');
    for (const host of match.hosts) hosts.add(host);
  }
  return [...hosts].toSorted();
};

const settingsOf = (listener: ListenerSpec): string =>
  [
    `protocol ${listener.protocol}`,
    `proxyProtocol ${listener.proxyProtocol}`,
    ...(listener.tls === undefined ? [] : [`minVersion ${listener.tls.minVersion}`]),
  ].join(', ');
