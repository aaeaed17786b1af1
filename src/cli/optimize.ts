/** `tcpvs optimize`: the placement solver on a problem file. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

import { parseProblem } from '../placement/problem/problem-file.ts';
import type { Problem } from '../placement/problem/problem.ts';
import { SolverThread } from '../placement/thread/solver-thread.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import { CommandFailed, type CommandHelp, helpText, readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { progressLine, resultText } from './optimize-text.ts';
import { type Output, printable } from './output.ts';

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

/** null where it is faulty; the faults have been told. */
async function readProblem(file: string, { err }: Output): Promise<Problem | null> {
  const name = printable(file === '-' ? 'standard input' : file);
  const parsed = parseYaml(await readText(file, name));
  if ('fault' in parsed) {
    const { line, column, message } = parsed.fault;
    err(`${name}:${line}:${column}: ${printable(message)}\n`);
    return null;
  }
  const [document, ...more] = parsed.documents;
  if (document === undefined || more.length > 0) {
    err(`${name}: read ${more.length + (document === undefined ? 0 : 1)} documents, expected one problem\n`);
    return null;
  }
  const read = parseProblem(document.value);
  if (read.ok) return read.problem;
  for (const { path, message } of read.faults) {
    const { line, column } = document.locate(path);
    err(`${name}:${line}:${column}: ${printable(message)}\n`);
  }
  return null;
}

async function readText(file: string, name: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandFailed(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

function whole(option: string, given: string | null, least: number, most: number): number | null {
  if (given === null) return null;
  const value = /^[0-9]{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `${option}: read ${JSON.stringify(given.slice(0, 40))}, expected a whole number from ${least} to ${most}`,
  );
}
