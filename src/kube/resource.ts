/** Kinds of objects, and where they are in the API. */
export interface Resource {
  /** '' is the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  /** Lies in a namespace; default true. */
  readonly namespaced?: boolean;
}

/** As much as any object has; everything of it is plain JSON. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [field: string]: unknown;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** `namespace/name`; the name alone for what lies in no namespace. */
export const keyOf = ({ metadata: { namespace, name } }: { readonly metadata: Metadata }): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`);

/** Where a collection is: all namespaces where `namespace` is null. */
export const collectionPath = (resource: Resource, namespace: string | null): string => {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  const where = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${resource.version}${where}/${resource.plural}`;
};

/** Where an object is, or a part of it (`status`). */
export const objectPath = (resource: Resource, namespace: string | null, name: string, part?: string): string =>
  `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}${part === undefined ? '' : `/${part}`}`;

/** What nobody here reads, and takes half of an object's memory. */
export const withoutBallast = <T extends KubeObject>(object: T): T => {
  const { managedFields: _, annotations, ...metadata } = object.metadata;
  const { [LAST_APPLIED]: applied, ...kept } = annotations ?? {};
  const slim = applied === undefined ? annotations : kept;
  return { ...object, metadata: { ...metadata, ...(slim === undefined ? {} : { annotations: slim }) } };
};

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The order of two resource versions of one type: negative, 0 or positive. They are decimal numbers of any length,
 * comparable within a type since Kubernetes 1.35 (and in fact before).
 */
export const compareVersions = (a: string, b: string): number => {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
};
