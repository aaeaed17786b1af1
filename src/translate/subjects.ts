/** Objects as translation sees them: of our class, each with the spec that is in force. */
import type { AnyObject } from '../api/parse.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { Condition, Kind } from '../model/status.ts';
import type { InvalidObject } from './cluster-state.ts';
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

export interface Present<Spec> {
  readonly metadata: AnyObject['metadata'];
  readonly spec: Spec & { readonly className: string };
}

/**
 * The subject of a key: of the object, or else of what does not parse; null where there is neither, or it is another's.
 *
 * @param judge what is wrong with a spec in itself
 */
export const subjectOf = <Spec>(
  given: {
    readonly kind: Kind;
    readonly key: ObjectKey;
    readonly className: string;
    readonly object: Present<Spec> | undefined;
    readonly invalid: InvalidObject | undefined;
    readonly lastGood: Spec | undefined;
  },
  judge: (spec: Spec) => readonly Problem[],
): Subject<Spec> | null => {
  const { kind, key, object, invalid } = given;
  const make = (generation: number, createdAt: string, spec: Spec | null, faults: readonly Problem[]) => {
    const former = faults.length === 0 ? undefined : given.lastGood;
    // What was good may be bad by today's judgement: after an upgrade, say.
    const fallenBack = former !== undefined && judge(former).length === 0;
    const inForce = faults.length === 0 ? spec : fallenBack ? former : null;
    return { kind, key, namespace: namespaceOf(key), generation, createdAt, spec: inForce, faults, fallenBack };
  };
  if (object !== undefined) {
    const { metadata, spec } = object;
    if (spec.className !== given.className) return null;
    return make(metadata.generation ?? 1, metadata.creationTimestamp ?? '', spec, judge(spec));
  }
  if (invalid === undefined) return null;
  return make(invalid.generation, invalid.creationTimestamp, null, invalidity(invalid));
};

/** Whether all that follows from the two is the same. */
export const sameSubject = (a: Subject<unknown>, b: Subject<unknown>): boolean =>
  a.spec === b.spec &&
  a.generation === b.generation &&
  a.createdAt === b.createdAt &&
  a.fallenBack === b.fallenBack &&
  a.faults.length === b.faults.length &&
  a.faults.every((fault, index) => fault.message === b.faults[index]!.message);

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

export interface Aged {
  readonly key: ObjectKey;
  readonly createdAt: string;
}

/** Older first; of equal age, by key. Times without fractions, as Kubernetes writes them, compare as texts. */
export const byAge = (a: Aged, b: Aged): number => {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
};
