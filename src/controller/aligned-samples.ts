/** Which windows of samples all proxies have, so that they can be put together; each is given once. */
import type { ReplicaState } from '../delivery/contract.ts';
import { APART, hadUpTo, type SampledWindow } from '../model/samples.ts';

type Sampling = Pick<ReplicaState, 'programmed' | 'samples' | 'behind'>;

export class AlignedSamples {
  readonly #differ: (milliseconds: number) => void;
  #told = false;
  /** The last window that was given. */
  #last = -1;

  /** @param differ told once that clocks are too far from each other, until they are not */
  constructor(differ: (milliseconds: number) => void) {
    this.#differ = differ;
  }

  /** Of each window that all have by now, one of each proxy, oldest first. Those that serve nothing yet have nothing in flight. */
  take(replicas: Iterable<Sampling>): (readonly SampledWindow[])[] {
    const [first, ...others] = [...replicas].filter(({ programmed }) => programmed !== null);
    if (first === undefined || !this.#agree([first, ...others])) return [];
    const numbers = [first, ...others].flatMap(({ samples }) => samples.at(-1)?.number ?? []);
    const had = hadUpTo(this.#last, Math.max(...numbers));
    const aligned = first.samples.flatMap((window) => {
      if (window.number <= had) return [];
      const all = [
        window,
        ...others.flatMap(({ samples }) => samples.find(({ number }) => number === window.number) ?? []),
      ];
      return all.length === others.length + 1 ? [all] : [];
    });
    this.#last = aligned.at(-1)?.[0]!.number ?? this.#last;
    return aligned;
  }

  /** Whether what they call the same instant is. */
  #agree(replicas: readonly Sampling[]): boolean {
    const behind = replicas.flatMap((each) => each.behind ?? []);
    if (behind.length < replicas.length) return false;
    const apart = Math.max(...behind) - Math.min(...behind);
    const agree = apart <= APART;
    if (!agree && !this.#told) this.#differ(apart);
    this.#told = !agree;
    return agree;
  }
}
