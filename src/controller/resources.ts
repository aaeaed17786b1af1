/** What is watched beside the product's own kinds. */
import type { Resource } from '../kube/resource.ts';

export const SERVICES: Resource = { group: '', version: 'v1', plural: 'services', kind: 'Service' };
export const SLICES: Resource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
};
export const NODES: Resource = { group: '', version: 'v1', plural: 'nodes', kind: 'Node' };
export const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
export const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
/** Of Gateway API, which may not be installed. */
export const GRANTS: Resource = {
  group: 'gateway.networking.k8s.io',
  version: 'v1beta1',
  plural: 'referencegrants',
  kind: 'ReferenceGrant',
};
/** Since Kubernetes 1.33. */
export const SERVICE_CIDRS: Resource = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'servicecidrs',
  kind: 'ServiceCIDR',
};

/** Watched where instances of workloads are managed. */
export const DEPLOYMENTS: Resource = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' };
export const PODS: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod' };
export const SCALERS: Resource = {
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
};

/** As `kubectl` names it: `services`, `endpointslices.discovery.k8s.io`. */
export const typeOf = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`);
