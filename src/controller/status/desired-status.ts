/** What the API should say of an object, against what it says. Pure. */
import { isDeepStrictEqual } from 'node:util';

import type { Condition, ObjectStatus } from '../../model/status.ts';
import type { Flip, TimedCondition } from '../../status/transitions.ts';

export interface DesiredStatus {
  /** All of it: what is left out of a server-side apply goes away. */
  readonly status: Readonly<Record<string, unknown>>;
  /**
   * `Slow`: only counts and the texts that have them are others. 5,000 objects are not written because a proxy was
   * scaled; that goes along with the next change, or at a slow pace.
   */
  readonly worth: 'Now' | 'Slow' | 'Nothing';
  readonly flips: readonly Flip[];
}

/** As it stands in the API; read loosely, for it may have been written by another version. */
export type PresentStatus = Readonly<Record<string, unknown>>;

/** `now`: RFC 3339. */
export function desiredStatus(complete: ObjectStatus, present: PresentStatus, now: string): DesiredStatus {
  const { observedGeneration, details, kind, key } = complete;
  const before = conditionsOf(present);
  const conditions = [...complete.conditions, ...kstatusOf(complete)];
  const status = {
    ...withTimes(details, present, now),
    observedGeneration,
    conditions: timed(conditions, before, now),
  };
  const flips = conditions.flatMap((condition): Flip[] => {
    const from = before.find(({ type }) => type === condition.type)?.status ?? null;
    return from === condition.status ? [] : [{ object: `${kind} ${key}`, condition, from }];
  });
  return { status, flips, worth: worthOf(status, present) };
}

/** What kstatus (kubectl wait, Flux, kpt) looks at beside Ready; there only while they are true. */
function kstatusOf({ conditions }: ObjectStatus): Condition[] {
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready === undefined || ready.status === 'True') return [];
  const accepted = conditions.find(({ type }) => type === 'Accepted');
  if (accepted?.status === 'False') return [{ ...accepted, type: 'Stalled', status: 'True' }];
  return ready.status === 'Unknown' ? [{ ...ready, type: 'Reconciling', status: 'True' }] : [];
}

/** The time moves only when the status flips. */
function timed(
  conditions: readonly Condition[],
  before: readonly Partial<TimedCondition>[],
  now: string,
): TimedCondition[] {
  return conditions.map((condition) => {
    const known = before.find(({ type }) => type === condition.type);
    const lastTransitionTime = known?.status === condition.status ? (known.lastTransitionTime ?? now) : now;
    return { ...condition, lastTransitionTime };
  });
}

/** Listeners and rules have conditions of their own. */
function withTimes(details: ObjectStatus['details'], present: PresentStatus, now: string): Record<string, unknown> {
  const result: Record<string, unknown> = { ...details };
  for (const field of ['listeners', 'rules']) {
    const [parts, known] = [namedOf(details[field]), namedOf(present[field])];
    if (parts.length === 0) continue;
    result[field] = parts.map((part) => {
      const before = known.find(({ name }) => name === part.name);
      return { ...part, conditions: timed(part.conditions ?? [], conditionsOf(before), now) };
    });
  }
  return result;
}

interface Named {
  readonly name: string;
  readonly conditions?: readonly Condition[];
}

const namedOf = (value: unknown): readonly Named[] => (Array.isArray(value) ? (value as readonly Named[]) : []);

function conditionsOf(owner: object | undefined): readonly Partial<TimedCondition>[] {
  const { conditions } = (owner ?? {}) as { conditions?: unknown };
  return Array.isArray(conditions) ? (conditions as readonly Partial<TimedCondition>[]) : [];
}

function worthOf(status: PresentStatus, present: PresentStatus): DesiredStatus['worth'] {
  const [wanted, there] = [withoutDefaults(status), withoutDefaults(present)];
  if (isDeepStrictEqual(wanted, there)) return 'Nothing';
  return isDeepStrictEqual(essence(wanted), essence(there)) ? 'Slow' : 'Now';
}

/** The API fills in empty lists where there is nothing. */
const withoutDefaults = (status: PresentStatus): Record<string, unknown> =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => !(Array.isArray(value) && value.length === 0)));

const COUNTS: ReadonlySet<string> = new Set(['shares', 'endpoints', 'replicas', 'profiles']);

/** What is recommended is computed anew all the time; another reason is news, as far as it is not in its numbers. */
function newsOf(recommendation: unknown): unknown {
  const { reason } = recommendation as { reason?: unknown };
  return typeof reason === 'string' ? reason.replaceAll(/[0-9][0-9.:TZ-]*/g, '') : null;
}

/** A status without its counts, and without messages, which have counts in them. */
function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== 'message' && !COUNTS.has(name));
  return Object.fromEntries(
    kept.map(([name, part]) => [name, name === 'recommendation' ? newsOf(part) : essence(part)]),
  );
}
