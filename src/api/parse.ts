/** Plain data → an object of one of the three kinds, defaults applied, or what is wrong with it. */
import { z } from 'zod';

import type { AppWeightMatrixSpec, AppWeightMatrixStatus } from './app-weight-matrix.ts';
import { type Fault, issueToFaults, readText, toFault } from './faults.ts';
import { API_VERSION, isKind, type KindName, KINDS } from './group.ts';
import { kindInfos, type ObjectMeta, objectMeta } from './kinds.ts';
import type { RealServerSpec, RealServerStatus } from './real-server.ts';
import type { TcpVirtualServerSpec, TcpVirtualServerStatus } from './tcp-virtual-server.ts';

interface Shape<K extends KindName, Spec, Status> {
  readonly apiVersion: string;
  readonly kind: K;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  /** Absent too where it could not be read: a status of another version must not take an object out of service. */
  readonly status?: Status;
}

export type TcpVirtualServer = Shape<'TcpVirtualServer', TcpVirtualServerSpec, TcpVirtualServerStatus>;
export type RealServer = Shape<'RealServer', RealServerSpec, RealServerStatus>;
export type AppWeightMatrix = Shape<'AppWeightMatrix', AppWeightMatrixSpec, AppWeightMatrixStatus>;
export type AnyObject = TcpVirtualServer | RealServer | AppWeightMatrix;

export type Parsed =
  | { readonly ok: true; readonly object: AnyObject }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A hostile object could have a fault in every field; beyond this number more of them help nobody. */
const MAX_FAULTS = 20;

/** `TcpVirtualServer shop/http`, from whatever was given. */
export const nameOf = (raw: unknown): string => {
  const record = asRecord(raw);
  const meta = asRecord(record['metadata']);
  const kind = word(record['kind']) ?? 'object';
  const name = word(meta['name']) ?? '(no name)';
  return `${kind} ${word(meta['namespace']) ?? 'default'}/${name}`;
};

/** Parses plain data (of YAML or JSON); an absent namespace is `default`. Never throws. */
export const parseObject = (raw: unknown): Parsed => {
  const name = nameOf(raw);
  const refuse = (path: string[], value: unknown, expected: string): Parsed => ({
    ok: false,
    faults: [toFault(name, path, readText(value), expected)],
  });
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return refuse([], raw, 'an object');
  const record = asRecord(raw);
  const { apiVersion, kind } = record;
  if (apiVersion !== API_VERSION) return refuse(['apiVersion'], apiVersion, JSON.stringify(API_VERSION));
  if (!isKind(kind)) return refuse(['kind'], kind, `one of ${KINDS.join(', ')}`);

  const info = kindInfos[kind];
  const faults: Fault[] = Object.keys(record)
    .filter((key) => !TOP.includes(key))
    .map((key) => toFault(name, [key], 'an unknown field', `only ${TOP.join(', ')}`));
  const metadata = parsePart(name, objectMeta, withoutNulls(record['metadata']), 'metadata', faults);
  const spec = parsePart(name, info.spec, record['spec'], 'spec', faults);
  if (faults.length > 0) return { ok: false, faults: faults.slice(0, MAX_FAULTS) };
  const status = record['status'] === undefined ? undefined : info.status.safeParse(record['status']);
  const object = { apiVersion, kind, metadata, spec, ...(status?.success === true ? { status: status.data } : {}) };
  return { ok: true, object: object as AnyObject };
};

const TOP = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

const parsePart = (object: string, schema: z.ZodType, raw: unknown, part: string, faults: Fault[]): unknown => {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues.slice(0, MAX_FAULTS)) {
    faults.push(...issueToFaults(object, schema, raw, issue, [part]));
  }
  return undefined;
};

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const word = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= 253 ? value : null;

/** kubectl's dry runs write `creationTimestamp: null`. */
const withoutNulls = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
    : value;
