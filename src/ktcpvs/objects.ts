/**
 * The objects as this room reads and writes them: the fields it knows by name, all others carried along untouched. What
 * comes from the admin API or the cluster was validated there; what is left out stands for the API's default.
 */
import type { ApiObject } from '../admin/contract.ts';
import type { Kind } from '../model/status.ts';

export interface Typed<K extends Kind, S> {
  readonly apiVersion: string;
  readonly kind: K;
  metadata: { name: string; namespace: string; labels?: Record<string, string>; [field: string]: unknown };
  spec: S;
}

export type VirtualObject = Typed<'TcpVirtualServer', VirtualSpec>;
export type RealObject = Typed<'RealServer', RealSpec>;
export type MatrixObject = Typed<'AppWeightMatrix', MatrixSpec>;
export type AnyObject = VirtualObject | RealObject | MatrixObject;

export interface VirtualSpec {
  suspend?: boolean;
  listeners: { name: string; address?: string; port: number; protocol?: string; [field: string]: unknown }[];
  scheduler?: string;
  servers?: DestinationSpec[];
  rules?: RuleSpec[];
  matrixRefs?: { name: string }[];
  redirect?: { address: string; port: number };
  startServers?: number;
  minSpareServers?: number;
  maxSpareServers?: number;
  limits?: { maxClients?: number; [field: string]: unknown };
  queue?: { requests?: number; timeout?: string };
  [field: string]: unknown;
}

export interface DestinationSpec {
  server: string;
  weight?: number;
  [field: string]: unknown;
}

export interface RuleSpec {
  name: string;
  match?: { path?: { type: string; value: string }; hashGroup?: number; [field: string]: unknown };
  app?: string;
  servers?: DestinationSpec[];
  filters?: { type?: string; [field: string]: unknown }[];
  [field: string]: unknown;
}

export interface RealSpec {
  address?: string;
  port?: number;
  ports?: unknown[];
  weight?: number;
  [field: string]: unknown;
}

export interface MatrixSpec {
  mode?: string;
  apps: { name: string; [field: string]: unknown }[];
  rows?: RowSpec[];
  [field: string]: unknown;
}

export interface RowSpec {
  server: string;
  weights?: { app: string; weight: number; [field: string]: unknown }[];
  [field: string]: unknown;
}

export const API_VERSION = 'tcpvs.io/v1alpha1';
/** Marks what was made here and for nobody else, so that it may be removed with its last use. */
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGER = 'tcpvsadm';

export function isManaged(object: AnyObject): boolean {
  return object.metadata.labels?.[MANAGED_BY] === MANAGER;
}

export function newMetadata(namespace: string, name: string): AnyObject['metadata'] {
  return { name, namespace, labels: { [MANAGED_BY]: MANAGER } };
}

export function isOurs(object: ApiObject): boolean {
  return ['TcpVirtualServer', 'RealServer', 'AppWeightMatrix'].includes(object.kind);
}

/** Weight of a destination: its own, else its real server's, else 1. */
export function effectiveWeight(destination: DestinationSpec, server: RealObject | undefined): number {
  return destination.weight ?? server?.spec.weight ?? 1;
}

/**
 * A rule whose match the configuration file can say: a Pattern and nothing else. Filters, timeouts and retries do not
 * count: they stay with the rule whatever its destinations.
 */
export function patternOf(rule: RuleSpec): { pattern: string; match: number } | null {
  const { path, hashGroup, ...others } = rule.match ?? {};
  const restricted = Object.values(others).some((value) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined,
  );
  if (path?.type !== 'Pattern' || restricted) return null;
  // A control character cannot stand in the file.
  if (/\p{Cc}/u.test(path.value)) return null;
  return { pattern: path.value, match: hashGroup ?? 0 };
}
