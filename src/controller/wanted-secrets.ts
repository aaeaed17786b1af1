import { type AnyObject } from '../api/parse.ts';
import type { ReferenceGrantFacts } from '../translate/cluster-facts.ts';
import { wantedSecrets } from '../translate/secrets.ts';

/** Which Secrets objects refer to and may. */
export class WantedSecrets {
  /** Only of objects that refer to some. */
  readonly #byObject = new Map<string, readonly string[]>();
  #keys: ReadonlySet<string> | null = new Set();

  /** The same set while nothing has changed. */
  get keys(): ReadonlySet<string> {
    return (this.#keys ??= new Set([...this.#byObject.values()].flat()));
  }

  /** `id`: of the object, whatever its kind; undefined: it is gone, or is of no concern. */
  set(id: string, object: AnyObject | undefined, grants: readonly ReferenceGrantFacts[]): void {
    const wanted = object === undefined || object.kind === 'AppWeightMatrix' ? [] : wantedSecrets(object, grants);
    const before = this.#byObject.get(id) ?? [];
    if (wanted.join() === before.join()) return;
    if (wanted.length === 0) this.#byObject.delete(id);
    else this.#byObject.set(id, wanted);
    this.#keys = null;
  }
}
