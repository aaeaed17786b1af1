/**
 * A secret that is renewed from time to time, with overlap on both sides: the next one is known to everybody before the
 * first uses it, the previous one is still understood. Pure; times in milliseconds since 1970.
 */
export interface RotatingKeys {
  /** Signs (or encrypts). */
  readonly current: string;
  readonly since: number;
  /** Will sign. */
  readonly next: { readonly key: string; readonly since: number } | null;
  /** Was used before. */
  readonly previous: string | null;
}

export interface Rotation {
  /** Fields of the Secret begin with it. */
  readonly name: string;
  readonly make: () => string;
  /** What a key looks like. */
  readonly pattern: RegExp;
  /** How long a key is used. */
  readonly period: number;
  /** How long everybody knows the next one before it is used. */
  readonly overlap: number;
}

export const newRotatingKeys = ({ make }: Rotation, now: number): RotatingKeys => ({
  current: make(),
  since: now,
  next: null,
  previous: null,
});

/** As far as is due by now; the same object where nothing is. */
export function advanceKeys(keys: RotatingKeys, { make, period, overlap }: Rotation, now: number): RotatingKeys {
  const { current, since, next } = keys;
  if (next === null) return now - since >= period - overlap ? { ...keys, next: { key: make(), since: now } } : keys;
  if (now - since < period || now - next.since < overlap) return keys;
  return { current: next.key, since: now, next: null, previous: current };
}

/** The first signs, all are understood. */
export const keysInOrder = ({ current, next, previous }: RotatingKeys): string[] => [
  current,
  ...(previous === null ? [] : [previous]),
  ...(next === null ? [] : [next.key]),
];

/** Fields of a Secret, as texts. */
export function keysToData(
  { current, since, next, previous }: RotatingKeys,
  { name }: Rotation,
): Record<string, string> {
  return {
    [`${name}.current`]: current,
    [`${name}.since`]: new Date(since).toISOString(),
    ...(next === null
      ? {}
      : { [`${name}.next`]: next.key, [`${name}.next-since`]: new Date(next.since).toISOString() }),
    ...(previous === null ? {} : { [`${name}.previous`]: previous }),
  };
}

/** null: there are none yet. Errors: a message for people that names the field; never with what stands in it. */
export function keysFromData(data: Readonly<Record<string, string>>, rotation: Rotation): RotatingKeys | null {
  const { name, pattern } = rotation;
  const key = (field: string) => {
    const value = data[`${name}.${field}`] ?? null;
    if (value !== null && !pattern.test(value)) throw new Error(`${name}.${field} is not a key: remove it`);
    return value;
  };
  const time = (field: string) => {
    const value = Date.parse(data[`${name}.${field}`] ?? '');
    if (Number.isNaN(value)) throw new Error(`${name}.${field} is not a time such as 2026-01-01T00:00:00Z`);
    return value;
  };
  const current = key('current');
  if (current === null) return null;
  const next = key('next');
  return {
    current,
    since: time('since'),
    next: next === null ? null : { key: next, since: time('next-since') },
    previous: key('previous'),
  };
}
