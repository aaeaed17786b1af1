/** Names of the API: one place for what the CRDs, the manifests' reader and the controller must agree on. */
export const GROUP = 'tcpvs.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const CATEGORY = 'tcpvs';
export const DEFAULT_CLASS = 'tcpvs';

export const KINDS = ['TcpVirtualServer', 'RealServer', 'AppWeightMatrix'] as const;
export type KindName = (typeof KINDS)[number];

export const isKind = (kind: unknown): kind is KindName => (KINDS as readonly unknown[]).includes(kind);
