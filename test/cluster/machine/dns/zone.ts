/** What a name of the cluster means: the DNS specification of Kubernetes, from Services and EndpointSlices. */
import type { KubeObject } from '../../api-client.ts';
import { type Answer, TYPE_A } from './wire.ts';

export interface World {
  service(namespace: string, name: string): KubeObject | undefined;
  slices(namespace: string, service: string): readonly KubeObject[];
}

interface Endpoint {
  readonly addresses: readonly string[];
  readonly hostname?: string;
  readonly conditions?: { readonly ready?: boolean };
}

const SUFFIX = '.svc.cluster.local';
const NO_SUCH_NAME: Answer = { code: 'no such name', addresses: [] };

/** `name` in lower case, without a dot at the end. There is no world outside of the cluster. */
export function resolve(name: string, type: number, world: World): Answer {
  if (!name.endsWith(SUFFIX)) return NO_SUCH_NAME;
  const labels = name.slice(0, -SUFFIX.length).split('.');
  const namespace = labels.pop() ?? '';
  const serviceName = labels.pop();
  const hostname = labels.pop();
  if (serviceName === undefined || labels.length > 0) return NO_SUCH_NAME;
  const service = world.service(namespace, serviceName);
  if (service === undefined) return NO_SUCH_NAME;

  const {
    type: kind,
    externalName,
    clusterIP,
  } = service.spec as {
    type?: string;
    externalName?: string;
    clusterIP?: string;
  };
  if (kind === 'ExternalName') {
    const target = externalName ?? '';
    return { ...resolve(target, type, world), code: 'ok', aliases: [target] };
  }
  const isHeadless = clusterIP === 'None';
  if (!isHeadless && hostname !== undefined) return NO_SUCH_NAME;
  const addresses = isHeadless ? readyAddresses(world.slices(namespace, serviceName), hostname) : [clusterIP ?? ''];
  if (hostname !== undefined && addresses.length === 0) return NO_SUCH_NAME;
  return { code: 'ok', addresses: type === TYPE_A ? addresses : [] };
}

function readyAddresses(slices: readonly KubeObject[], hostname: string | undefined): string[] {
  const addresses = slices
    .filter((slice) => slice['addressType'] === 'IPv4')
    .flatMap((slice) => (slice['endpoints'] ?? []) as Endpoint[])
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .filter((endpoint) => hostname === undefined || endpoint.hostname === hostname)
    .flatMap((endpoint) => endpoint.addresses);
  return [...new Set(addresses)];
}
