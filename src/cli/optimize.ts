/** `tcpvs optimize`: the placement solver on a problem file. */
import { SolverThread } from '../placement/thread/solver-thread.ts';
import { type CommandHelp, helpText, readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { progressLine, resultText } from './optimize-text.ts';
import type { Output } from './output.ts';
import { readProblem, whole } from './problem-input.ts';

const HELP: CommandHelp = {
  name: 'optimize',
  summary: 'which workload runs where, with which weights, for a problem file of demands and capacities',
  text: [
    'FILE (YAML or JSON, - for standard input) names hosts, workloads and columns; docs/optimize.md has all fields. The\n' +
      'answer: instances, loads, weights, caps, and starts and stops in an order in which every state on the way holds.',
    'Exit status: 0 there is an answer (whether or not all is served: it says so), 1 faults in the file, or it cannot be\n' +
      'read, 2 wrong command line.',
  ],
  options: {
    file: { short: 'f', value: 'FILE', help: 'the problem (needed)' },
    json: { help: 'print as JSON' },
    seed: { value: 'N', help: 'of the search; the same seed, the same answer (default: 1)' },
    budget: {
      value: 'MS',
      help: 'milliseconds: the best answer until then (default: a number of rounds by\nsize, so that the answer does not depend on the machine)',
    },
  },
  examples: [
    'tcpvs optimize -f examples/20-placement/problem.yaml',
    'tcpvs optimize -f problem.json --budget 2000 --json',
  ],
};

/** Times above it are no budget but a mistake. */
const MOST_BUDGET = 3_600_000;

export async function optimize(args: readonly string[], output: Output): Promise<number> {
  const line = readCommandLine(HELP, args);
  if (line.help) {
    output.out(helpText(HELP, output.style));
    return EXIT.ok;
  }
  const file = line.value('file');
  if (file === null) throw new UsageError('--file FILE is needed');
  const seed = whole('--seed', line.value('seed'), 0, 2 ** 31 - 1) ?? 1;
  const budget = whole('--budget', line.value('budget'), 1, MOST_BUDGET);
  const problem = await readProblem(file, output);
  if (problem === null) return EXIT.failed;

  const thread = new SolverThread();
  // Progress is for somebody who waits: on the terminal that errors go to, never in a file.
  const watched = process.stderr.isTTY && !line.flag('json');
  try {
    const result = await thread.solve(problem, {
      seed,
      budget,
      ...(watched ? { onProgress: (progress) => output.err(`\r\u001B[K${progressLine(progress)}`) } : {}),
    });
    if (watched) output.err('\r\u001B[K');
    const width = process.stdout.columns ?? 100;
    output.out(
      line.flag('json') ? `${JSON.stringify(result, null, 2)}\n` : resultText(problem, result, { ...output, width }),
    );
    return EXIT.ok;
  } finally {
    await thread.close();
  }
}
