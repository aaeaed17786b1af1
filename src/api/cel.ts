/**
 * Validation rules that a schema's types cannot say: each is a CEL text, for the CRD, beside a predicate, for the
 * parser, and both are tested with the same bad objects. The API server applies the one, standalone the other.
 */
import { z } from 'zod';

export interface Rule<T> {
  /** CEL over `self`, after defaulting. Absent lists and objects are absent: guard them with `has`. */
  readonly cel: string;
  /** What is expected; one line (the API server refuses line breaks). */
  readonly message: string;
  /** The field below `self` that is to blame, as the CRD writes it: `.rows`. */
  readonly fieldPath?: string;
  /** Whether the object is right. Lists and objects are never absent where the schema gives them a default. */
  readonly holds: (self: T) => boolean;
}

/** A rule between an object and its former self; it holds where there is no former self. */
export interface Transition<T> {
  readonly cel: string;
  readonly message: string;
  readonly fieldPath: string;
  readonly holds: (self: T, old: T) => boolean;
}

/** What a violated rule leaves in an issue, for the message. */
export interface RuleIssue {
  readonly tcpvsRule: string;
}

const segments = (fieldPath: string | undefined): string[] =>
  (fieldPath ?? '').split('.').filter((part) => part !== '');

/** The schema with rules, in its metadata for the CRD and as checks for the parser. */
export const withRules = <S extends z.ZodType>(
  schema: S,
  rules: readonly Rule<z.output<S>>[],
  transitions: readonly Transition<z.output<S>>[] = [],
): S => {
  const checked = schema.superRefine((self, context) => {
    for (const rule of rules) {
      if (holds(rule, self)) continue;
      context.addIssue({
        code: 'custom',
        path: segments(rule.fieldPath),
        message: rule.message,
        params: { tcpvsRule: rule.cel } satisfies RuleIssue,
      });
    }
  });
  return checked.meta({ 'x-kubernetes-validations': [...rules, ...transitions].map(toCrd) });
};

/** A field of the wrong type below may reach a rule (checks run on after harmless faults); that fault is told already. */
const holds = <T>(rule: Rule<T>, self: T): boolean => {
  try {
    return rule.holds(self);
  } catch {
    return true;
  }
};

const toCrd = (rule: { cel: string; message: string; fieldPath?: string }) => ({
  rule: rule.cel,
  message: rule.message,
  ...(rule.fieldPath === undefined ? {} : { fieldPath: rule.fieldPath }),
});

/** At most `max` items that `key` tells apart: `listType=map`. */
export const listMap = <S extends z.ZodType>(item: S, key: string & keyof z.output<S>, max: number) =>
  z
    .array(item)
    .max(max)
    .superRefine((items, context) => {
      const seen = new Set<unknown>();
      items.forEach((each, index) => {
        const value = (each as Record<string, unknown>)[key];
        if (value !== undefined && seen.has(value)) {
          context.addIssue({
            code: 'custom',
            path: [index, key],
            message: `each ${key} once in the list`,
            params: { tcpvsRule: `unique ${key}` } satisfies RuleIssue,
          });
        }
        seen.add(value);
      });
    })
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });

/** An ordered list that has one owner and is replaced as a whole. */
export const atomicList = <S extends z.ZodType>(item: S, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'atomic' });
