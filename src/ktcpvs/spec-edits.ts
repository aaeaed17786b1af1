/** Single changes to a virtual server's spec; what is already so is left as it is written. */
import { canonicalHost } from './host-port.ts';
import { API_VERSION, newMetadata } from './objects.ts';
import type { DestinationSpec, RuleSpec, VirtualObject, VirtualSpec } from './objects.ts';
import { Refused } from './refused.ts';
import { uniqueName } from './servers.ts';
import { DEFAULT_PORT, DEFAULT_SCHEDULER } from './table.ts';
import type { HostPort, Ident } from './table.ts';

/** A virtual server that was added serves once it is started. */
export function freshVirtual({ namespace, name }: Ident): VirtualObject {
  return {
    apiVersion: API_VERSION,
    kind: 'TcpVirtualServer',
    metadata: newMetadata(namespace, name),
    spec: {
      suspend: true,
      listeners: [{ name: 'main', port: DEFAULT_PORT, protocol: 'HTTP' }],
      scheduler: DEFAULT_SCHEDULER,
    },
  };
}

/** `*` and `::` are the same: any address, the API's default. */
export function listenOf(spec: VirtualSpec): HostPort {
  const [listener] = spec.listeners;
  return { host: bindHost(listener?.address ?? '*'), port: listener?.port ?? 0 };
}

function bindHost(host: string): string {
  const canonical = canonicalHost(host);
  return canonical === '::' ? '*' : canonical;
}

/** Changes the first listener, which is the one that the configuration file can say. */
export function setListen(spec: VirtualSpec, { host: given, port }: HostPort): void {
  const host = bindHost(given);
  const listener = (spec.listeners[0] ??= { name: 'main', port, protocol: 'HTTP' });
  const now = listenOf(spec);
  if (now.host !== host) {
    if (host === '*') delete listener.address;
    else listener.address = host;
  }
  if (now.port !== port) listener.port = port;
}

/** Scheduler wlc dispatches connections, the others requests: the listeners speak accordingly. */
export function setScheduler(virtual: VirtualObject, scheduler: string): void {
  const { spec } = virtual;
  if ((spec.scheduler ?? DEFAULT_SCHEDULER) !== scheduler) spec.scheduler = scheduler;
  const [wanted, other, refused] = scheduler === 'wlc' ? ['TCP', 'HTTP', 'HTTPS'] : ['HTTP', 'TCP', 'TLS'];
  for (const listener of spec.listeners) {
    const protocol = listener.protocol ?? 'HTTP';
    if (protocol === refused) {
      throw new Refused(
        `scheduler ${scheduler} needs ${scheduler === 'wlc' ? 'TCP or TLS' : 'HTTP or HTTPS'} listeners; ` +
          `listener ${listener.name} of virtual server ${virtual.metadata.name} is ${protocol}`,
      );
    }
    if (protocol === other && wanted !== undefined) listener.protocol = wanted;
  }
}

export function setStarted(spec: VirtualSpec, started: boolean): void {
  if ((spec.suspend !== true) === started) return;
  if (started) delete spec.suspend;
  else spec.suspend = true;
}

/** KTCPVS's process counts; null takes the field away. */
export interface Sizes {
  readonly startServers?: number | null | undefined;
  readonly maxClients?: number | null | undefined;
  readonly minSpareServers?: number | null | undefined;
  readonly maxSpareServers?: number | null | undefined;
}

export function setSizes(spec: VirtualSpec, sizes: Sizes): void {
  for (const name of ['startServers', 'minSpareServers', 'maxSpareServers'] as const) {
    const value = sizes[name];
    if (value === null) delete spec[name];
    else if (value !== undefined) spec[name] = value;
  }
  if (sizes.maxClients === undefined || (sizes.maxClients ?? undefined) === spec.limits?.maxClients) return;
  const { maxClients: _, ...limits } = spec.limits ?? {};
  if (sizes.maxClients !== null) spec.limits = { ...limits, maxClients: sizes.maxClients };
  else if (Object.keys(limits).length > 0) spec.limits = limits;
  else delete spec.limits;
}

export function setRedirect(spec: VirtualSpec, redirect: HostPort | null): void {
  if (redirect === null) delete spec.redirect;
  else if (spec.redirect === undefined || canonicalHost(spec.redirect.address) !== redirect.host) {
    spec.redirect = { address: redirect.host, port: redirect.port };
  } else if (spec.redirect.port !== redirect.port) {
    spec.redirect.port = redirect.port;
  }
}

/** A rule of a pattern alone; its name comes from the pattern. */
export function newRule(spec: VirtualSpec, pattern: string, match: number, servers: DestinationSpec[]): RuleSpec {
  const taken = (name: string) => (spec.rules ?? []).some((rule) => rule.name === name);
  return {
    name: uniqueName(pattern, taken),
    match: { path: { type: 'Pattern', value: pattern }, ...(match > 0 ? { hashGroup: match } : {}) },
    servers,
  };
}

export function setMatch(rule: RuleSpec, match: number): void {
  if ((rule.match?.hashGroup ?? 0) === match) return;
  const { hashGroup: _, ...others } = rule.match ?? {};
  rule.match = match === 0 ? others : { ...others, hashGroup: match };
}
