/** Services and EndpointSlices as translate sees them. */
import type { KubeObject } from '../../kube/resource.ts';
import type {
  EndpointFacts,
  EndpointSliceFacts,
  ServiceFacts,
  ServicePortFacts,
  SlicePortFacts,
} from '../../translate/cluster-facts.ts';

export function serviceFacts({ spec }: KubeObject): ServiceFacts {
  const { type, ports, clusterIP, clusterIPs, ipFamilies } = (spec ?? {}) as ServiceSpec;
  return {
    type: type ?? 'ClusterIP',
    ports: (ports ?? []).map(({ name, port, protocol }) => ({
      name: nameOf(name),
      port,
      protocol: protocol ?? 'TCP',
    })),
    clusterIps: (clusterIPs ?? [clusterIP ?? '']).filter((address) => address !== '' && address !== 'None'),
    ipFamilies: ipFamilies ?? [],
  };
}

/** What the API leaves out is its default: `ready` and `serving` true ("unknown counts as ready"), `terminating` false. */
export function sliceFacts(slice: KubeObject): EndpointSliceFacts {
  const { addressType, ports, endpoints } = slice as unknown as SliceObject;
  return {
    addressType,
    ports: (ports ?? []).map(({ name, port, protocol }) => ({
      name: nameOf(name),
      port: port ?? null,
      protocol: protocol ?? 'TCP',
    })),
    endpoints: (endpoints ?? []).map(endpointFacts),
  };
}

/** The Service that a slice belongs to; null: one that somebody keeps by hand for nobody. */
export function serviceOf({ metadata: { namespace, labels } }: KubeObject): string | null {
  const name = labels?.['kubernetes.io/service-name'];
  return name === undefined || name === '' ? null : `${namespace}/${name}`;
}

function endpointFacts({ addresses, conditions, nodeName, targetRef }: SliceEndpoint): EndpointFacts {
  return {
    addresses,
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    nodeName: nodeName ?? null,
    podUid: targetRef?.kind === 'Pod' ? (targetRef.uid ?? null) : null,
    ...(targetRef?.kind === 'Pod' && targetRef.name !== undefined ? { podName: targetRef.name } : {}),
  };
}

/** The API's '' and an absent name are the same. */
function nameOf(name: string | undefined): string | null {
  return name === undefined || name === '' ? null : name;
}

type Protocol = ServicePortFacts['protocol'];

interface ServiceSpec {
  readonly type?: ServiceFacts['type'];
  readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: Protocol }[];
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ipFamilies?: ServiceFacts['ipFamilies'];
}

interface SliceObject {
  readonly addressType: EndpointSliceFacts['addressType'];
  readonly ports?: readonly {
    readonly name?: string;
    readonly port?: number;
    readonly protocol?: SlicePortFacts['protocol'];
  }[];
  readonly endpoints?: readonly SliceEndpoint[] | null;
}

interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly nodeName?: string;
  readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
}
