/** What commands about matrices have in common: the one that is named, or those of a namespace, or all. */
import { CommandFailed, type CommandLine, UsageError } from './command-line.ts';

interface OfMatrix {
  /** `namespace/name`. */
  readonly matrix: string;
}

/**
 * Those of `all` that `[NAMESPACE/MATRIX]` and `--namespace` ask for. A name without a namespace is of the one that is given, else
 * of `default`.
 *
 * @param none what is said where there is none of that name: of which one, and which there are
 * Errors: UsageError for more than one operand; CommandFailed where there is none of that name.
 */
export function matricesWanted<T extends OfMatrix>(
  line: CommandLine,
  all: readonly T[],
  none: (key: string, others: string) => string,
): readonly T[] {
  const wanted = wantedMatrix(line);
  const namespace = line.value('namespace');
  if (wanted === null) {
    return namespace === null ? all : all.filter(({ matrix }) => matrix.startsWith(`${namespace}/`));
  }
  const key = wanted.includes('/') ? wanted : `${namespace ?? 'default'}/${wanted}`;
  const found = all.filter(({ matrix }) => matrix === key);
  if (found.length === 0) throw new CommandFailed(none(key, all.map(({ matrix }) => matrix).join(', ')));
  return found;
}

/** The operand, checked before anything is asked for; null: all. */
export function wantedMatrix({ operands }: CommandLine): string | null {
  if (operands.length > 1) throw new UsageError(`read ${operands.length} matrices, expected one at most`);
  return operands[0] ?? null;
}
