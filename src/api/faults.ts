/** What is wrong with an object, told so that a person can mend it: where, what was read, what was expected. */
import type { z } from 'zod';

import { fieldsAt, nearest } from './known-fields.ts';

export type FieldPath = readonly (string | number)[];

export interface Fault {
  /** `TcpVirtualServer shop/http`. */
  readonly object: string;
  readonly path: FieldPath;
  /** The path as text: `spec.listeners[0].port`. */
  readonly field: string;
  /** What stands there, shortened; `nothing` where the field is absent. */
  readonly read: string;
  readonly expected: string;
  /** All of it in one line. */
  readonly message: string;
}

/** A fault from its parts. */
export const toFault = (object: string, path: FieldPath, read: string, expected: string): Fault => {
  const field = fieldText(path);
  return { object, path, field, read, expected, message: `${object}: ${field}: read ${read}, expected ${expected}` };
};

/** `spec.rules[2].match`; the object itself is `(object)`. */
export const fieldText = (path: FieldPath): string => {
  const text = path.map((each) => (typeof each === 'number' ? `[${each}]` : `.${shorten(each)}`)).join('');
  return text === '' ? '(object)' : text.replace(/^\./, '');
};

/** Text shown to people is bounded: a value may be a megabyte. */
const MAX_READ = 80;

/** A value as a message shows it. */
export const readText = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    return keys.length === 0 ? 'an empty object' : `an object with ${shorten(keys.slice(0, 5).join(', '))}`;
  }
  return shorten(typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? typeof value));
};

const shorten = (text: string): string => (text.length <= MAX_READ ? text : `${text.slice(0, MAX_READ)}…`);

const valueAt = (value: unknown, path: FieldPath): unknown => {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
};

/** Faults of one issue of zod's; an issue of unknown keys makes one per key. */
export const issueToFaults = (
  object: string,
  schema: z.ZodType,
  raw: unknown,
  issue: z.core.$ZodIssue,
  prefix: FieldPath,
): Fault[] => {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const expected =
        near === null ? `one of the known fields: ${known.join(', ')}` : `a known field; nearest is "${near}"`;
      return toFault(object, [...prefix, ...path, key], 'an unknown field', expected);
    });
  }
  const value = valueAt(raw, path);
  return [toFault(object, [...prefix, ...path], readText(value), expectedBy(issue) + unquoted(issue, value))];
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** `weight: "87"` looks right to a person. */
const unquoted = (issue: z.core.$ZodIssue, value: unknown): string =>
  issue.code === 'invalid_type' && issue.expected === 'number' && typeof value === 'string' && /^[0-9]+$/.test(value)
    ? ' without quotes'
    : '';

const expectedBy = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      // Where the schema has a message of its own it says more than the type does.
      return issue.message.startsWith('Invalid input') ? (TYPES[issue.expected] ?? issue.expected) : issue.message;
    case 'too_big':
      return bound(issue.origin, 'at most', issue.maximum);
    case 'too_small':
      return bound(issue.origin, 'at least', issue.minimum);
    case 'invalid_value':
      return `one of ${issue.values.map((each) => JSON.stringify(each)).join(', ')}`;
    case 'invalid_union':
    case 'invalid_format':
    case 'custom':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
      return issue.message;
    default:
      return 'something else';
  }
};

const bound = (origin: string, word: string, limit: number | bigint): string => {
  switch (origin) {
    case 'string':
      return `${word} ${limit} characters`;
    case 'array':
      return `${word} ${limit} items`;
    default:
      return `an integer of ${word} ${limit}`;
  }
};
