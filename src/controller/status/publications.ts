import type { Snapshot } from '../../model/snapshot.ts';
import type { ObjectStatus } from '../../model/status.ts';

/** Proxies that serve one older than that are as good as new ones: they are about to get the newest. */
const REMEMBERED = 4096;

/** Numbers snapshots in the order in which they are published, and knows since which one an object is as it is. */
export class Publications {
  readonly #numbers = new Map<string, number>();
  #since = new Map<string, Since>();
  #last = -1;

  /** `statuses` are those of the same translation; one that did not change is the same object (===) as before. */
  published(snapshot: Snapshot, statuses: readonly ObjectStatus[]): void {
    // What went back to what it was before is a new publication all the same.
    if (this.#numbers.get(snapshot.id) !== this.#last || this.#last < 0) {
      this.#numbers.delete(snapshot.id);
      this.#numbers.set(snapshot.id, ++this.#last);
      if (this.#numbers.size > REMEMBERED) this.#numbers.delete(this.#numbers.keys().next().value ?? '');
    }
    const since = new Map<string, Since>();
    for (const status of statuses) {
      const id = idOf(status);
      const before = this.#since.get(id);
      since.set(id, before?.status === status ? before : { status, number: this.#last });
    }
    this.#since = since;
  }

  /** -1: not one of ours, or one of long ago. */
  numberOf(snapshot: string | null | undefined): number {
    return this.#numbers.get(snapshot ?? '') ?? -1;
  }

  since(object: Pick<ObjectStatus, 'kind' | 'key'>): number {
    return this.#since.get(idOf(object))?.number ?? this.#last;
  }
}

interface Since {
  readonly status: ObjectStatus;
  readonly number: number;
}

const idOf = ({ kind, key }: Pick<ObjectStatus, 'kind' | 'key'>): string => `${kind} ${key}`;
