import type { Condition, ObjectStatus } from '../model/status.ts';

/** A condition as the API shows it. */
export interface TimedCondition extends Condition {
  readonly lastTransitionTime: string;
}

export interface Flip {
  readonly object: string;
  readonly condition: Condition;
  /** Null: it is new. */
  readonly from: Condition['status'] | null;
}

/** Remembers since when conditions are as they are: the time moves only when the status flips. */
export class Transitions {
  readonly #since = new Map<string, Map<string, { status: Condition['status']; time: string }>>();

  /** Takes note of all statuses (objects that are gone are forgotten), at an RFC 3339 time; answers with the flips. */
  note(statuses: readonly ObjectStatus[], time: string): Flip[] {
    const flips: Flip[] = [];
    const gone = new Set(this.#since.keys());
    for (const { kind, key, conditions } of statuses) {
      const object = `${kind} ${key}`;
      gone.delete(object);
      const known = this.#since.get(object) ?? new Map<string, { status: Condition['status']; time: string }>();
      this.#since.set(object, known);
      for (const condition of conditions) {
        const from = known.get(condition.type)?.status ?? null;
        if (from === condition.status) continue;
        known.set(condition.type, { status: condition.status, time });
        flips.push({ object, condition, from });
      }
    }
    for (const object of gone) this.#since.delete(object);
    return flips;
  }

  timed(status: ObjectStatus): TimedCondition[] {
    const known = this.#since.get(`${status.kind} ${status.key}`);
    return status.conditions.map((condition) => ({
      ...condition,
      lastTransitionTime: known?.get(condition.type)?.time ?? '1970-01-01T00:00:00Z',
    }));
  }
}
