/** One manifest file's text → objects, Secrets and faults with their lines. */
import { createHash } from 'node:crypto';

import type { ApiObject } from '../admin/contract.ts';
import { type Fault, type FieldPath, readText, toFault } from '../api/faults.ts';
import { API_VERSION, isKind, KINDS } from '../api/group.ts';
import { nearest } from '../api/known-fields.ts';
import { type AnyObject, nameOf, parseObject } from '../api/parse.ts';
import { shareParts } from '../api/share-parts.ts';
import { canonicalJson } from '../model/content.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { TlsSecret } from '../translate/cluster-state.ts';
import { parseYaml, type Position } from '../yaml/parse-yaml.ts';
import { parseSecret } from './manifests-secret.ts';

export interface ManifestObject {
  /** With defaults, for translate. */
  readonly object: AnyObject;
  /** As it was written, with its namespace. */
  readonly raw: ApiObject;
  /** Hash of what was written: the same for the same object, however it is laid out. */
  readonly digest: string;
  readonly file: string;
  readonly line: number;
}

export interface ManifestSecret {
  readonly key: ObjectKey;
  readonly secret: TlsSecret;
  readonly file: string;
  readonly line: number;
}

export interface ManifestFault extends Position {
  readonly file: string;
  /** `TcpVirtualServer shop/http`, or null where it is not known. */
  readonly object: string | null;
  /** `spec.rules[2].match`, or null where the text as a whole is to blame. */
  readonly field: string | null;
  /** `OBJECT: FIELD: read …, expected …`; the place is told by the other fields. */
  readonly message: string;
}

export interface ManifestFile {
  readonly objects: readonly ManifestObject[];
  readonly secrets: readonly ManifestSecret[];
  readonly faults: readonly ManifestFault[];
}

/** Beyond this number of faults in one file, more of them help nobody. */
const MAX_FAULTS = 100;

/** Parses the text of one file; `file` is what messages call it. Never throws. */
export const parseManifests = (file: string, text: string): ManifestFile => {
  const parsed = parseYaml(text);
  if ('fault' in parsed)
    return { objects: [], secrets: [], faults: [textFault(file, parsed.fault.message, parsed.fault)] };
  const objects: ManifestObject[] = [];
  const secrets: ManifestSecret[] = [];
  const faults: ManifestFault[] = [];
  for (const document of parsed.documents) {
    for (const { value, at } of itemsOf(document.value)) {
      const locate = (path: FieldPath): Position => document.locate([...at, ...path]);
      const result = parseOne(value);
      const { line } = locate([]);
      if (result.kind === 'Object') objects.push({ ...result.found, file, line });
      else if (result.kind === 'Secret') secrets.push({ ...result.found, file, line });
      else if (result.kind === 'Faults') {
        faults.push(...result.faults.map((fault) => located(file, fault, locate(fault.path))));
      }
    }
  }
  return { objects, secrets, faults: faults.slice(0, MAX_FAULTS) };
};

/** A fault of a text as a whole. */
const textFault = (file: string, what: string, position: Position): ManifestFault => ({
  file,
  line: position.line,
  column: position.column,
  object: null,
  field: null,
  message: what,
});

/** A fault of an object, where it stands. */
const located = (file: string, fault: Fault, position: Position): ManifestFault => ({
  file,
  line: position.line,
  column: position.column,
  object: fault.object,
  field: fault.field,
  message: fault.message,
});

type One =
  | { readonly kind: 'Object'; readonly found: Pick<ManifestObject, 'object' | 'raw' | 'digest'> }
  | { readonly kind: 'Secret'; readonly found: Pick<ManifestSecret, 'key' | 'secret'> }
  | { readonly kind: 'Faults'; readonly faults: readonly Fault[] }
  | { readonly kind: 'Skipped' };

const parseOne = (value: unknown): One => {
  const name = nameOf(value);
  if (!isRecord(value)) {
    return {
      kind: 'Faults',
      faults: [toFault(name, [], readText(value), 'an object with apiVersion, kind, metadata')],
    };
  }
  const { apiVersion, kind } = value;
  if (kind === 'Kustomization') return { kind: 'Skipped' };
  if (apiVersion === 'v1' && kind === 'Secret') return parseSecretObject(name, value);
  if (apiVersion !== API_VERSION) {
    const expected = `${JSON.stringify(API_VERSION)} (or "v1" for a Secret)`;
    return { kind: 'Faults', faults: [toFault(name, ['apiVersion'], readText(apiVersion), expected)] };
  }
  if (!isKind(kind)) {
    const near = typeof kind === 'string' ? nearest(kind, KINDS) : null;
    const expected = `one of ${KINDS.join(', ')}${near === null ? '' : `; nearest is "${near}"`}`;
    return { kind: 'Faults', faults: [toFault(name, ['kind'], readText(kind), expected)] };
  }
  const parsed = parseObject({ ...value, spec: shareParts(value['spec']) });
  if (!parsed.ok) return { kind: 'Faults', faults: parsed.faults };
  const raw = rawOf(value, parsed.object);
  const digest = createHash('sha256').update(canonicalJson(raw)).digest('hex');
  return { kind: 'Object', found: { object: parsed.object, raw, digest } };
};

/** What was written, without a status (that is ours to say), and with the namespace that it is in. */
const rawOf = (value: Readonly<Record<string, unknown>>, object: AnyObject): ApiObject => ({
  apiVersion: API_VERSION,
  kind: object.kind,
  metadata: {
    ...(value['metadata'] as Record<string, unknown>),
    name: object.metadata.name,
    namespace: object.metadata.namespace,
  },
  spec: value['spec'],
});

const parseSecretObject = (name: string, value: Readonly<Record<string, unknown>>): One => {
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  if (typeof metadata['name'] !== 'string' || metadata['name'] === '') {
    return { kind: 'Faults', faults: [toFault(name, ['metadata', 'name'], readText(metadata['name']), 'a name')] };
  }
  const secret = parseSecret(name, value);
  if ('message' in secret) return { kind: 'Faults', faults: [secret] };
  return { kind: 'Secret', found: { key: name.slice(name.indexOf(' ') + 1), secret } };
};

/** The items of a `List` (what `kubectl get -o yaml` writes), or the value itself. */
const itemsOf = (value: unknown): { value: unknown; at: FieldPath }[] =>
  isRecord(value) && value['apiVersion'] === 'v1' && value['kind'] === 'List' && Array.isArray(value['items'])
    ? value['items'].map((item: unknown, index) => ({ value: item, at: ['items', index] }))
    : [{ value, at: [] }];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
