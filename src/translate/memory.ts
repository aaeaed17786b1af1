/**
 * What the translation before has made, found again by its snapshot: what depends on the same inputs (===) is not made
 * anew, and what is made anew but equal is the same object as before. Only speed depends on it, never the result.
 */
import { canonicalJson, hashContent } from '../model/content.ts';
import type { Piece, Snapshot } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import type { Subject } from './subjects.ts';

export interface Result {
  readonly piece: Piece | null;
  readonly status: ObjectStatus;
}

/** A piece that is not named by its content yet. */
type Content = Piece extends infer P ? (P extends Piece ? Omit<P, 'hash'> : never) : never;

interface Entry {
  readonly inputs: readonly unknown[];
  readonly value: unknown;
}

interface Judged {
  readonly by: unknown;
  readonly judgement: unknown;
}

/** By kind of value, then by object: keys are used as they are, because to build 15,000 of them costs more than the rest. */
type Entries = ReadonlyMap<string, ReadonlyMap<string, Entry>>;

/** By snapshot, so that a memory lives as long as somebody still has its snapshot. */
const memories = new WeakMap<Snapshot, Entries>();
const judgements = new WeakMap<object, Judged>();

export class Memory {
  readonly #former: Entries;
  readonly #pieces: ReadonlyMap<string, Piece>;
  readonly #entries = new Map<string, Map<string, Entry>>();

  constructor(previous: Snapshot | undefined) {
    this.#former = (previous === undefined ? undefined : memories.get(previous)) ?? new Map();
    // Pieces that were made elsewhere (in a former process, say) are known by their hashes alone.
    const strange = previous === undefined || this.#former.size > 0 ? [] : previous.pieces;
    this.#pieces = new Map(strange.map((piece) => [`${piece.kind} ${piece.key}`, piece]));
  }

  /**
   * The former value of that kind for that object where all inputs are the same, else what `make` makes, or the former value if it is
   * equal (by `same`) to that.
   */
  derived<T>(
    kind: string,
    key: string,
    inputs: readonly unknown[],
    make: () => T,
    same?: (former: T, now: T) => boolean,
  ): T {
    const former = this.#former.get(kind)?.get(key);
    let entries = this.#entries.get(kind);
    if (entries === undefined) this.#entries.set(kind, (entries = new Map<string, Entry>()));
    if (former !== undefined && areSame(former.inputs, inputs)) {
      entries.set(key, former);
      return former.value as T;
    }
    const made = make();
    const value = former !== undefined && same?.(former.value as T, made) === true ? (former.value as T) : made;
    entries.set(key, { inputs, value });
    return value;
  }

  /** Piece and status of an object, made anew where its spec or one of `context` is another. */
  result(
    subject: Subject<unknown>,
    context: readonly unknown[],
    make: () => { readonly content: Content | null; readonly status: ObjectStatus },
  ): Result {
    const { kind, key, spec, generation, fallenBack, faults } = subject;
    const inputs = [spec, generation, fallenBack, faults.length, ...faults.map((each) => each.message), ...context];
    return this.derived(kind, key, inputs, () => {
      const former = this.#former.get(kind)?.get(key)?.value as Result | undefined;
      const { content, status } = make();
      return { piece: content === null ? null : this.#name(content, former?.piece ?? null), status };
    });
  }

  /** A piece that no object has. */
  piece(content: Content, inputs: readonly unknown[]): Piece {
    return this.derived(`${content.kind} piece`, content.key, inputs, () => {
      const former = this.#former.get(`${content.kind} piece`)?.get(content.key)?.value as Piece | undefined;
      return this.#name(content, former ?? null);
    });
  }

  /** The judgement of a spec by the same judge; compiling patterns is the dearest part of a translation. */
  judged<T>(spec: object, by: unknown, judge: () => T): T {
    const known = judgements.get(spec);
    if (known !== undefined && known.by === by) return known.judgement as T;
    const judgement = judge();
    judgements.set(spec, { by, judgement });
    return judgement;
  }

  /** Makes what was made now known to the next translation. */
  keepFor(snapshot: Snapshot): void {
    memories.set(snapshot, this.#entries);
  }

  #name(content: Content, former: Piece | null): Piece {
    const hash = hashContent(content);
    const known = former ?? this.#pieces.get(`${content.kind} ${content.key}`);
    return known?.hash === hash ? known : { ...content, hash };
  }
}

/** Whether two values are written the same. */
export const sameJson = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);

const areSame = (a: readonly unknown[], b: readonly unknown[]): boolean => {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
};
