/** A linear program, or one with integers, put together column by column: the form that solvers take (compressed columns). */
export class LinearProgram {
  readonly cost: number[] = [];
  readonly lower: number[] = [];
  readonly upper: number[] = [];
  readonly integer: boolean[] = [];
  readonly rowLower: number[] = [];
  readonly rowUpper: number[] = [];
  /** Per column: row, coefficient, row, coefficient, … */
  readonly entries: number[][] = [];

  addRow(lower: number, upper: number): number {
    this.rowUpper.push(upper);
    return this.rowLower.push(lower) - 1;
  }

  /** @param entries row, coefficient, row, coefficient, …; each row once */
  addColumn(cost: number, lower: number, upper: number, entries: readonly number[], integer = false): number {
    this.entries.push([...entries]);
    this.lower.push(lower);
    this.upper.push(upper);
    this.integer.push(integer);
    return this.cost.push(cost) - 1;
  }

  /** A row over columns that are there already. @param entries column, coefficient, … ; each column once */
  link(lower: number, upper: number, entries: readonly number[]): void {
    const row = this.addRow(lower, upper);
    for (let at = 0; at < entries.length; at += 2) this.entries[entries[at]!]!.push(row, entries[at + 1]!);
  }

  /** The matrix by compressed columns, without zeros. */
  matrix(): { starts: Int32Array; indices: Int32Array; values: Float64Array } {
    const starts = new Int32Array(this.entries.length + 1);
    for (const [column, entries] of this.entries.entries()) {
      let count = 0;
      for (let at = 1; at < entries.length; at += 2) if (entries[at] !== 0) count++;
      starts[column + 1] = starts[column]! + count;
    }
    const indices = new Int32Array(starts.at(-1)!);
    const values = new Float64Array(starts.at(-1)!);
    let next = 0;
    for (const entries of this.entries) {
      for (let at = 0; at < entries.length; at += 2) {
        if (entries[at + 1] === 0) continue;
        indices[next] = entries[at]!;
        values[next++] = entries[at + 1]!;
      }
    }
    return { starts, indices, values };
  }
}

export interface ProgramOptions {
  /** Seconds from now. */
  readonly timeLimit: number;
  /** Values of all columns to start from, where the program has integers. */
  readonly start?: Float64Array;
  /** The largest relative distance between the best solution and its bound at which a solution counts as proven. */
  readonly gap?: number;
  readonly seed?: number;
  /** Nodes of the search tree, where the program has integers: a bound that does not depend on the clock. */
  readonly nodes?: number;
}

export interface ProgramSolution {
  readonly values: Float64Array;
  /** Within the gap of the optimum; else the best that was found in time. */
  readonly proven: boolean;
}

/** Maximises; null where it found no feasible solution. */
export type Optimizer = (program: LinearProgram, options: ProgramOptions) => ProgramSolution | null;
