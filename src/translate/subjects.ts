/** Objects as the walk sees them: of our class, in order of age, each with the spec that is in force. */
import type { AnyObject } from '../api/parse.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { Condition, Kind } from '../model/status.ts';
import type { ClusterState, InvalidObject } from './cluster-state.ts';
import { isFalse, isTrue, listed, type Problem } from './conditions.ts';

export interface Subject<Spec> {
  readonly kind: Kind;
  readonly key: ObjectKey;
  readonly namespace: string;
  readonly generation: number;
  readonly createdAt: string;
  /** In force: the present one, the last good one where the present one is bad, or null where there is none. */
  readonly spec: Spec | null;
  /** What is wrong with the present spec in itself. */
  readonly faults: readonly Problem[];
  /** Whether `spec` is the last good one. */
  readonly fallenBack: boolean;
}

interface Present<Spec> {
  readonly metadata: AnyObject['metadata'];
  readonly spec: Spec & { readonly className: string };
}

/** The subjects of one kind. `judge` says what is wrong with a spec in itself. */
export const subjectsOf = <Spec>(
  state: ClusterState,
  kind: Kind,
  objects: ReadonlyMap<ObjectKey, Present<Spec>>,
  lastGood: ReadonlyMap<ObjectKey, Spec>,
  judge: (spec: Spec) => readonly Problem[],
): Subject<Spec>[] => {
  const subjects: Subject<Spec>[] = [];
  const add = (
    key: ObjectKey,
    generation: number,
    createdAt: string,
    spec: Spec | null,
    faults: readonly Problem[],
  ) => {
    const former = faults.length === 0 ? undefined : lastGood.get(key);
    // What was good may be bad by today's judgement: after an upgrade, say.
    const fallenBack = former !== undefined && judge(former).length === 0;
    const inForce = faults.length === 0 ? spec : fallenBack ? former : null;
    subjects.push({ kind, key, namespace: namespaceOf(key), generation, createdAt, spec: inForce, faults, fallenBack });
  };
  for (const [key, { metadata, spec }] of objects) {
    if (spec.className !== state.className) continue;
    add(key, metadata.generation ?? 1, metadata.creationTimestamp ?? '', spec, judge(spec));
  }
  for (const object of state.invalid) {
    if (object.kind !== kind || objects.has(object.key)) continue;
    add(object.key, object.generation, object.creationTimestamp, null, invalidity(object));
  }
  return subjects.toSorted(byAge);
};

/** The last good specs after this walk: the present one where it is good, else the former one. */
export const goodSpecs = <Spec>(subjects: readonly Subject<Spec>[]): ReadonlyMap<ObjectKey, Spec> =>
  new Map(subjects.flatMap(({ key, spec }) => (spec === null ? [] : [[key, spec] as const])));

/** Accepted, as far as the spec in itself decides it. */
export const accepted = (subject: Subject<unknown>, conflicts: readonly Problem[] = []): Condition => {
  const [first] = [...subject.faults, ...conflicts];
  if (first === undefined) return isTrue('Accepted', 'Accepted', 'Accepted', subject.generation);
  const messages = [...subject.faults, ...conflicts].map((each) => each.message);
  const serving =
    subject.faults.length === 0
      ? []
      : [subject.fallenBack ? 'the last good version keeps serving' : 'no good version is known, so nothing is served'];
  return isFalse('Accepted', first.reason, listed([...messages, ...serving]), subject.generation);
};

const invalidity = (object: InvalidObject): Problem[] =>
  object.faults.length === 0
    ? [{ reason: 'Invalid', message: 'the object does not parse' }]
    : object.faults.map((message) => ({ reason: 'Invalid', message }));

const namespaceOf = (key: ObjectKey): string => key.slice(0, key.indexOf('/'));

/** Older first; of equal age, by key. Times without fractions, as Kubernetes writes them, compare as texts. */
const byAge = (a: Subject<unknown>, b: Subject<unknown>): number => {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
};
