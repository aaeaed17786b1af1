/**
 * What the translation before has made, found again by its snapshot: an object whose spec is the same (===) and whose
 * context is equal is neither translated nor hashed anew. Only speed depends on it, never the result.
 */
import type { ObjectKey, Piece, Snapshot } from '../model/snapshot.ts';
import type { Kind, ObjectStatus } from '../model/status.ts';
import type { Problem } from './conditions.ts';
import { hashContent } from './content.ts';
import type { Subject } from './subjects.ts';

export interface Result {
  readonly piece: Piece | null;
  readonly status: ObjectStatus;
}

/** A piece that is not named by its content yet. */
type Content = Piece extends infer P ? (P extends Piece ? Omit<P, 'hash'> : never) : never;

interface Entry {
  readonly subject: Subject<unknown>;
  readonly context: string;
  readonly identities: readonly unknown[];
  readonly result: Result;
}

interface Judgement {
  readonly by: unknown;
  readonly problems: readonly Problem[];
}

type Entries = ReadonlyMap<string, Entry>;

/** By snapshot, so that a memory lives as long as somebody still has its snapshot. */
const memories = new WeakMap<Snapshot, Entries>();
const judgements = new WeakMap<object, Judgement>();

export class Memory {
  readonly #former: Entries;
  readonly #pieces: ReadonlyMap<string, Piece>;
  readonly #entries = new Map<string, Entry>();

  constructor(previous: Snapshot | undefined) {
    this.#former = (previous === undefined ? undefined : memories.get(previous)) ?? new Map<string, Entry>();
    this.#pieces = new Map((previous?.pieces ?? []).map((piece) => [`${piece.kind} ${piece.key}`, piece]));
  }

  /** The former result where nothing that it depends on has changed, else what `make` makes. */
  remembered(
    subject: Subject<unknown>,
    context: string,
    identities: readonly unknown[],
    make: () => { readonly content: Content | null; readonly status: ObjectStatus },
  ): Result {
    const id = entryId(subject.kind, subject.key);
    const former = this.#former.get(id);
    const entry =
      former !== undefined && isSame(former, subject, context, identities)
        ? former
        : { subject, context, identities, result: this.#name(make()) };
    this.#entries.set(id, entry);
    return entry.result;
  }

  /** The judgement of a spec by the same judge; compiling patterns is the dearest part of a translation. */
  judged(spec: object, by: unknown, judge: () => readonly Problem[]): readonly Problem[] {
    const known = judgements.get(spec);
    if (known !== undefined && known.by === by) return known.problems;
    const problems = judge();
    judgements.set(spec, { by, problems });
    return problems;
  }

  /** Makes what was made now known to the next translation. */
  keepFor(snapshot: Snapshot): void {
    memories.set(snapshot, this.#entries);
  }

  #name({ content, status }: { readonly content: Content | null; readonly status: ObjectStatus }): Result {
    if (content === null) return { piece: null, status };
    const hash = hashContent(content);
    const former = this.#pieces.get(`${content.kind} ${content.key}`);
    return { piece: former?.hash === hash ? former : { ...content, hash }, status };
  }
}

const entryId = (kind: Kind, key: ObjectKey): string => `${kind} ${key}`;

const isSame = (former: Entry, subject: Subject<unknown>, context: string, identities: readonly unknown[]): boolean =>
  former.subject.spec === subject.spec &&
  former.subject.generation === subject.generation &&
  former.subject.fallenBack === subject.fallenBack &&
  former.context === context &&
  former.identities.length === identities.length &&
  former.identities.every((each, index) => each === identities[index]) &&
  former.subject.faults.length === subject.faults.length &&
  former.subject.faults.every((each, index) => each.message === subject.faults[index]?.message);
