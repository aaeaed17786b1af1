/**
 * HiGHS (Huangfu and Hall 2018), compiled to WebAssembly: the only place that knows it. It is loaded when it is first
 * asked for, since most problems never need it; its memory is given back after each program.
 */
import type { Optimizer } from './linear-program.ts';

/** @throws where the module or its WebAssembly cannot be loaded; solving goes on without it */
export async function loadOptimizer(): Promise<Optimizer> {
  const loaded = await import('highs');
  // The types put the loader one level deeper than the module does.
  const load = loaded.default as unknown as typeof loaded.default.default;
  const highs = await load({ print: ignore, printErr: ignore });
  const { modelStatus, objectiveSense, variableType } = highs.constants;

  return (program, { timeLimit, start, gap = 1e-4, seed = 0, nodes }) => {
    if (timeLimit <= 0) return null;
    const columns = program.cost.length;
    const rows = program.rowLower.length;
    const integers = program.integer.some(Boolean);
    const model = highs.createModel({
      numCols: columns,
      numRows: rows,
      sense: objectiveSense.maximize,
      colCost: Float64Array.from(program.cost),
      colLower: Float64Array.from(program.lower),
      colUpper: Float64Array.from(program.upper),
      rowLower: Float64Array.from(program.rowLower),
      rowUpper: Float64Array.from(program.rowUpper),
      matrix: {
        format: 'csc',
        numRows: rows,
        numCols: columns,
        ...program.matrix(),
      },
      ...(integers
        ? { integrality: program.integer.map((each) => (each ? variableType.integer : variableType.continuous)) }
        : {}),
    });
    try {
      model.options.set({
        output_flag: false,
        time_limit: timeLimit,
        random_seed: seed,
        mip_rel_gap: gap,
        ...(nodes === undefined ? {} : { mip_max_nodes: nodes }),
      });
      if (start !== undefined) model.setSolution({ colValue: start });
      model.run();
      const status = model.getModelStatus();
      if (status !== modelStatus.optimal && !(integers && PARTIAL.includes(status))) return null;
      const values = model.getSolution().colValue;
      return values === undefined || values.length !== columns
        ? null
        : { values: Float64Array.from(values), proven: status === modelStatus.optimal };
    } catch {
      // It has no answer: whoever asked has a way without it.
      return null;
    } finally {
      model.dispose();
    }
  };
}

/** Time, solution and iteration limits: what has been found until then may be used. */
const PARTIAL: readonly number[] = [13, 14, 16];

function ignore(): void {}
