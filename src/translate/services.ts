/** Services: which port a reference means, and the endpoints of one port as a piece. */
import type { ServiceRef } from '../api/common.ts';
import { reservedForHosts } from '../model/address-policy.ts';
import type { ObjectKey, ServiceEndpoint, ServicePiece } from '../model/snapshot.ts';
import type { EndpointSliceFacts, ServiceFacts, ServicePortFacts } from './cluster-facts.ts';
import type { Problem } from './conditions.ts';

export interface ResolvedPort {
  /** Key of the Service piece; null: there is none. */
  readonly piece: ObjectKey | null;
  readonly problem: Problem | null;
}

/** A port of a Service as it is asked for: `namespace/name port`, the port as it is written, '' where it is not. */
export const portAsked = (service: ObjectKey, port: ServiceRef['port']): string => `${service} ${port ?? ''}`;

/** What a `portAsked` comes to; `services` has the Service. */
export const resolvePort = (asked: string, services: (key: ObjectKey) => ServiceFacts | undefined): ResolvedPort => {
  const [key = '', port = ''] = asked.split(' ');
  const service = services(key);
  const refuse = (reason: Problem['reason'], message: string): ResolvedPort => ({
    piece: null,
    problem: { reason, message: `Service ${key} ${message}` },
  });
  if (service === undefined) return refuse('ServiceNotFound', 'does not exist');
  if (service.type === 'ExternalName') {
    // It would name any host at all, past what the address policy allows.
    return refuse('ExternalNameService', 'is of type ExternalName; a RealServer with an address says the same');
  }
  const ports = service.ports.filter((each) => each.protocol === 'TCP');
  const known = ports.map(portText).join(', ');
  if (ports.length === 0) return refuse('PortNotFound', 'has no TCP port');
  if (port === '' && ports.length > 1) {
    return refuse('PortNotFound', `has several ports, and serviceRef.port does not say which: ${known}`);
  }
  const found = port === '' ? ports[0] : ports.find((each) => each.name === port || String(each.port) === port);
  if (found === undefined) return refuse('PortNotFound', `has no TCP port ${port}; it has ${known}`);
  return { piece: `${key}:${found.port}`, problem: null };
};

/** The piece of a Service's port; a Service that is gone has none. */
export const serviceContent = (
  piece: ObjectKey,
  service: ServiceFacts | undefined,
  slices: readonly EndpointSliceFacts[],
): Omit<ServicePiece, 'hash'> | undefined => {
  const number = Number(piece.slice(piece.lastIndexOf(':') + 1));
  const port = service?.ports.find((each) => each.protocol === 'TCP' && each.port === number);
  if (service === undefined || port === undefined) return undefined;
  return { kind: 'Service', key: piece, endpoints: endpointsIn(familyOf(service, slices), port) };
};

/** Key of the Service of a piece. */
export const serviceKeyOf = (piece: ObjectKey): ObjectKey => piece.slice(0, piece.lastIndexOf(':'));

const portText = ({ name, port }: ServicePortFacts): string => (name === null ? String(port) : `${name} (${port})`);

/**
 * The slices of one address family: a pod of a Service of both has an endpoint in each, and would count twice. The first
 * family, in the Service's order, that has what is ready; else the first one that has anything.
 */
const familyOf = (service: ServiceFacts, slices: readonly EndpointSliceFacts[]): readonly EndpointSliceFacts[] => {
  const order = [...new Set([...service.ipFamilies, 'IPv4' as const, 'IPv6' as const])];
  const families = order.map((family) => slices.filter((slice) => slice.addressType === family));
  const having = (ready: boolean) =>
    families.find((each) => each.some(({ endpoints }) => endpoints.some((endpoint) => endpoint.ready || !ready)));
  return having(true) ?? having(false) ?? [];
};

const endpointsIn = (slices: readonly EndpointSliceFacts[], port: ServicePortFacts): ServiceEndpoint[] => {
  const found = new Map<string, ServiceEndpoint>();
  for (const slice of slices) {
    const target = slice.ports.find((each) => each.protocol === 'TCP' && each.name === port.name)?.port ?? null;
    if (target === null) continue;
    for (const { addresses, ready, serving, terminating, nodeName } of slice.endpoints) {
      // Of several addresses the API says that they are fungible: the first one is what everybody uses.
      const [address] = addresses;
      if (address === undefined || !(ready || (serving && terminating)) || reservedForHosts(address) !== null) continue;
      const id = `${address} ${target}`;
      // While slices are rearranged, an endpoint may stand in two of them.
      if (found.get(id)?.ready === true) continue;
      found.set(id, { address, port: target, node: nodeName, ready });
    }
  }
  return [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
};
