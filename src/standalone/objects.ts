/** What the rooms of the standalone source say to each other about objects and where they stand. */
import { createHash } from 'node:crypto';

import type { ApiObject } from '../admin/contract.ts';
import type { TlsSecret } from '../translate/cluster-state.ts';

/** What is wrong in a file, for people. Lines and columns count from 1; null where there is no such place. */
export interface Fault {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

export interface FileObject {
  readonly object: ApiObject;
  /** Line of the file where the object begins. */
  readonly line: number;
}

export interface ParsedFile {
  readonly objects: readonly FileObject[];
  /** By `namespace/name`. Never logged, never shown, never kept: they are read from their files alone. */
  readonly secrets?: readonly (readonly [string, TlsSecret])[];
  /** Not empty: the file is faulty, and what it said before stays. */
  readonly faults: readonly Fault[];
}

/** `file` is the name to use in messages. Never throws for what stands in the text. */
export type ParseFile = (text: string, file: string) => ParsedFile;

/** `Kind namespace/name`: what is one object. */
export type ObjectId = string;

export function objectId(kind: string, namespace: string, name: string): ObjectId {
  return `${kind} ${namespace}/${name}`;
}

export function idOf(object: ApiObject): ObjectId {
  return objectId(object.kind, object.metadata.namespace, object.metadata.name);
}

export function faultText(fault: Fault): string {
  const place = [fault.file, fault.line, fault.column].filter((part) => part !== null).join(':');
  return `${place}: ${fault.message}`;
}

/** The same for equal content, whatever the order of keys in the file. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 32);
}

const hashes = new WeakMap<object, string>();

/** As contentHash, computed once per object: what comes from files is kept and never changed in place. */
export function hashOf(value: object): string {
  let hash = hashes.get(value);
  if (hash === undefined) hashes.set(value, (hash = contentHash(value)));
  return hash;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`);
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

const SERVER_SET = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
]);

/** Without status and what a server sets: a manifest that was exported from a cluster counts as if written by hand. */
export function withoutServerFields(object: ApiObject): ApiObject {
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([field]) => !SERVER_SET.has(field)));
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: metadata as ApiObject['metadata'],
    spec: object.spec,
  };
}
