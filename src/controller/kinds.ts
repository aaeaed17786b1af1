/** The product's own kinds as resources of the API. */
import type { Resource } from '../kube/resource.ts';
import type { Kind } from '../model/status.ts';

const own = (kind: Kind, plural: string): Resource => ({ group: 'tcpvs.io', version: 'v1alpha1', plural, kind });

export const KINDS: Readonly<Record<Kind, Resource>> = {
  TcpVirtualServer: own('TcpVirtualServer', 'tcpvirtualservers'),
  RealServer: own('RealServer', 'realservers'),
  AppWeightMatrix: own('AppWeightMatrix', 'appweightmatrices'),
};
