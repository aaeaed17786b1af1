/** Listeners of a virtual server: which of them are served, with which hosts, and what is said of the others. */
import type { ListenerSpec, TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { Listener, ListenerTls } from '../model/snapshot.ts';
import type { Condition } from '../model/status.ts';
import type { ListenerClaim } from './claims.ts';
import { isFalse, listed, type Problem, unless } from './conditions.ts';

export interface ListenerContext {
  /** In the order of the spec's listeners; none where nothing is asked for. */
  readonly claims: readonly ListenerClaim[];
  /** By name, of those of protocol HTTPS; null: it must not be served. */
  readonly tls: Readonly<Record<string, ListenerTls | null>>;
  /** Hosts that the rules name and the namespace may not claim. */
  readonly refusedHosts: readonly string[];
  /** Why nobody reaches a port; null: clients do. */
  readonly exposure: (port: number) => Problem | null;
}

/** Those on which something is left. */
export const servedListeners = (spec: TcpVirtualServerSpec, context: ListenerContext): Listener[] =>
  spec.listeners.flatMap((listener, index) => {
    const claim = context.claims[index];
    if (spec.suspend || claim === undefined || claim.hosts.length === 0) return [];
    if (unservable(listener, context) !== null) return [];
    const { name, port, protocol, proxyProtocol } = listener;
    const tls = context.tls[name] ?? null;
    return [{ name, address: claim.address, port, protocol, proxyProtocol, tls, hosts: claim.hosts }];
  });

/** What a listener was refused, as a whole or in part. */
export const refusalsOf = (spec: TcpVirtualServerSpec, context: ListenerContext): Problem[] =>
  spec.listeners.flatMap((_, index) => refusalsOn(spec, index, context));

/** Why listeners that have won their places are not served all the same. */
export const lacksOf = (spec: TcpVirtualServerSpec, context: ListenerContext): Problem[] | null => {
  const won = spec.listeners.filter((_, index) => (context.claims[index]?.hosts.length ?? 0) > 0);
  return won.length === 0 ? null : won.flatMap((listener) => unservable(listener, context) ?? []);
};

export interface ListenerStatus {
  readonly name: string;
  readonly attachedRules: number;
  readonly conditions: readonly Condition[];
}

/** `rules`: how many rules are served. */
export const listenerStatuses = (
  spec: TcpVirtualServerSpec,
  context: ListenerContext,
  rules: number,
  generation: number,
): ListenerStatus[] => {
  const served = new Set(servedListeners(spec, context).map((listener) => listener.name));
  return spec.listeners.map((listener, index) => {
    const lack = unservable(listener, context);
    return {
      name: listener.name,
      attachedRules: served.has(listener.name) ? rules : 0,
      conditions: [
        unless('Accepted', refusalsOn(spec, index, context), 'Accepted', 'Accepted', generation),
        ...(lack === null ? [] : [isFalse('Programmed', lack.reason, lack.message, generation)]),
      ],
    };
  });
};

const unservable = ({ name, protocol, port }: ListenerSpec, { tls, exposure }: ListenerContext): Problem | null => {
  if (protocol === 'HTTPS' && (tls[name] ?? null) === null) {
    const message = 'no certificate (or no authority for those of clients) is left that could be used';
    return { reason: 'NoCertificate', message: `listener ${name}: ${message}` };
  }
  const hidden = exposure(port);
  return hidden === null ? null : { ...hidden, message: `listener ${name}: ${hidden.message}` };
};

const refusalsOn = (spec: TcpVirtualServerSpec, index: number, context: ListenerContext): Problem[] => {
  const claim = context.claims[index];
  if (claim === undefined) return [];
  if (claim.conflict !== null) return [{ reason: 'ListenerConflict', message: claim.conflict }];
  const { name, port, protocol } = spec.listeners[index]!;
  const left = claim.hosts.length === 0 ? 'nothing is left' : `left: ${listed(claim.hosts)}`;
  const problems: Problem[] = [];
  // A TCP listener has no hosts.
  if (context.refusedHosts.length > 0 && protocol !== 'TCP') {
    const message = `listener ${name}: hostPolicy does not let this namespace have ${listed(context.refusedHosts.map(hostText))}; ${left}`;
    problems.push({ reason: 'HostNotAllowed', message });
  }
  if (claim.lost.length > 0) {
    const taken = claim.lost.map(({ host, owner }) => `${hostText(host)} (${owner})`);
    const message = `listener ${name}: on port ${port} older virtual servers have ${listed(taken)}; ${left}`;
    problems.push({ reason: 'HostConflict', message });
  }
  return problems;
};

const hostText = (host: string): string => (host === '*' ? 'requests for any host' : host);
