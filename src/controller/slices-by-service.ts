import { type KubeObject } from '../kube/resource.ts';
import type { EndpointSliceFacts } from '../translate/cluster-facts.ts';
import { serviceOf, sliceFacts } from './facts/services.ts';
import { Projection } from './projection.ts';

export interface KnownSlice {
  /** Key of its Service; null: it belongs to none. */
  readonly service: string | null;
  readonly facts: EndpointSliceFacts;
}

export const knownSlice = (slice: KubeObject): KnownSlice => ({ service: serviceOf(slice), facts: sliceFacts(slice) });

/** The slices of each Service together. */
export class SlicesByService {
  readonly #slices = new Map<string, KnownSlice>();
  readonly #members = new Map<string, Set<string>>();
  readonly #services = new Projection<readonly EndpointSliceFacts[]>();

  /** By key of the Service. */
  get view(): ReadonlyMap<string, readonly EndpointSliceFacts[]> {
    return this.#services.view;
  }

  /** A slice as it is now; undefined: it is gone. */
  set(key: string, slice: KnownSlice | undefined): void {
    const before = this.#slices.get(key);
    if (slice === undefined) this.#slices.delete(key);
    else this.#slices.set(key, slice);
    const [left = null, joined = null] = [before?.service, slice?.service];
    if (left !== null && left !== joined) {
      this.#members.get(left)?.delete(key);
      this.#gather(left);
    }
    if (joined === null) return;
    let members = this.#members.get(joined);
    if (members === undefined) this.#members.set(joined, (members = new Set()));
    members.add(key);
    this.#gather(joined);
  }

  #gather(service: string): void {
    const members = this.#members.get(service) ?? new Set();
    const facts = [...members].toSorted().flatMap((key) => this.#slices.get(key)?.facts ?? []);
    if (facts.length === 0) this.#members.delete(service);
    this.#services.set(service, facts.length === 0 ? undefined : facts);
  }
}
