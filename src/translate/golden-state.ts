/** The states of golden cases: objects as a person writes them, what does not parse among the invalid ones. */
import {
  type AnyObject,
  type AppWeightMatrix,
  nameOf,
  parseObject,
  type RealServer,
  type TcpVirtualServer,
} from '../api/parse.ts';
import type { ClusterState, InvalidObject, TlsSecret } from './cluster-state.ts';
import { type GoldenFacts, toFacts } from './golden-facts.ts';

export interface GoldenCase {
  readonly mode?: ClusterState['mode'];
  readonly className?: string;
  readonly objects?: readonly unknown[];
  /** Objects whose specs were good before. */
  readonly lastGood?: readonly unknown[];
  /** Secrets by key, with what they have. */
  readonly secrets?: Readonly<Record<string, Partial<TlsSecret>>>;
  readonly cluster?: GoldenFacts;
}

const noSecret: TlsSecret = { certificate: null, key: null, ca: null };

const keyOf = (object: AnyObject): string => `${object.metadata.namespace}/${object.metadata.name}`;

export const toState = (input: GoldenCase): ClusterState => {
  const { objects, invalid } = parseAll(input.objects ?? []);
  const former = parseAll(input.lastGood ?? []);
  if (former.invalid.length > 0) throw new Error(former.invalid.flatMap((each) => each.faults).join('\n'));
  const now = byKind(objects);
  const before = byKind(former.objects);
  return {
    mode: input.mode ?? 'Standalone',
    className: input.className ?? 'tcpvs',
    ...now,
    invalid,
    lastGood: {
      virtualServers: specsOf(before.virtualServers),
      realServers: specsOf(before.realServers),
      matrices: specsOf(before.matrices),
    },
    secrets: new Map(Object.entries(input.secrets ?? {}).map(([key, given]) => [key, { ...noSecret, ...given }])),
    ...(input.cluster === undefined ? {} : { cluster: toFacts(input.cluster) }),
  };
};

const parseAll = (raws: readonly unknown[]): { objects: AnyObject[]; invalid: InvalidObject[] } => {
  const objects: AnyObject[] = [];
  const invalid: InvalidObject[] = [];
  for (const raw of raws) {
    const parsed = parseObject({ apiVersion: 'tcpvs.io/v1alpha1', ...(raw as object) });
    if (parsed.ok) objects.push(parsed.object);
    else
      invalid.push(
        toInvalid(
          raw as InvalidShape,
          parsed.faults.map((fault) => fault.message),
        ),
      );
  }
  return { objects, invalid };
};

interface InvalidShape {
  readonly kind: InvalidObject['kind'];
  readonly metadata: { readonly generation?: number; readonly creationTimestamp?: string };
}

const toInvalid = (raw: InvalidShape, faults: readonly string[]): InvalidObject => ({
  kind: raw.kind,
  key: nameOf(raw).split(' ')[1] ?? '',
  generation: raw.metadata.generation ?? 1,
  creationTimestamp: raw.metadata.creationTimestamp ?? '',
  faults,
});

const byKind = (objects: readonly AnyObject[]) => {
  const virtualServers = new Map<string, TcpVirtualServer>();
  const realServers = new Map<string, RealServer>();
  const matrices = new Map<string, AppWeightMatrix>();
  for (const object of objects) {
    if (object.kind === 'TcpVirtualServer') virtualServers.set(keyOf(object), object);
    else if (object.kind === 'RealServer') realServers.set(keyOf(object), object);
    else matrices.set(keyOf(object), object);
  }
  return { virtualServers, realServers, matrices };
};

const specsOf = <Spec>(objects: ReadonlyMap<string, { readonly spec: Spec }>): Map<string, Spec> =>
  new Map([...objects].map(([key, { spec }]) => [key, spec]));
