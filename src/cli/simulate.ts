/** `tcpvs simulate`: what clients would get, before it happens. */
import type { Problem } from '../placement/problem/problem.ts';
import { seededRandom } from '../placement/random.ts';
import { SolverThread } from '../placement/thread/solver-thread.ts';
import { createChooser } from '../scheduler/create-chooser.ts';
import { drawArrivals } from '../simulation/arrivals.ts';
import { simulatedProblem } from '../simulation/of-problem.ts';
import { simulate as simulateRequests } from '../simulation/simulate.ts';
import { changedProblem } from '../simulation/what-if.ts';
import { CommandFailed, helpText, readCommandLine } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { type Output, printable } from './output.ts';
import { readProblem } from './problem-input.ts';
import { SIMULATE_HELP, type SimulateOptions, simulateOptions } from './simulate-options.ts';
import { type Simulation, simulationText } from './simulate-text.ts';

/** Requests of a run that nobody gave a length, and the most that one may have: a minute or so, and a gigabyte. */
const USUAL_REQUESTS = 1e6;
const MOST_REQUESTS = 1e7;
const USUAL_SECONDS = 300;
/** Of a run: servers are empty at its beginning. */
const WARM_UP = 0.1;

export async function simulate(args: readonly string[], output: Output): Promise<number> {
  const line = readCommandLine(SIMULATE_HELP, args);
  if (line.help) {
    output.out(helpText(SIMULATE_HELP, output.style));
    return EXIT.ok;
  }
  const options = simulateOptions(line);
  const read = await readProblem(options.file, output);
  if (read === null) return EXIT.failed;
  const now = read.current === null ? await withPlan(read, options.seed) : read;
  const then = changedProblem(now, options.changes);
  if ('fault' in then) throw new CommandFailed(printable(then.fault));
  const isChanged = Object.values(options.changes).some((changes) => changes.length > 0);
  const seconds = secondsOf([now, then], options);
  const before = simulationOf(now, seconds, options);
  const after = isChanged ? simulationOf(then, seconds, options) : null;
  output.out(
    options.json
      ? `${JSON.stringify({ seconds, timeout: options.timeout, before, after }, null, 2)}\n`
      : simulationText({ seconds, timeout: options.timeout, before, after, planned: read.current === null }, output),
  );
  return EXIT.ok;
}

/** Nothing runs: what would be started is what is asked about. */
async function withPlan(problem: Problem, seed: number): Promise<Problem> {
  const thread = new SolverThread();
  try {
    const { instances, load } = await thread.solve(problem, { seed });
    const current = instances.map(({ host, workload, count }) => ({ host, workload, instances: count }));
    return { ...problem, current, load };
  } finally {
    await thread.close();
  }
}

function secondsOf(problems: readonly Problem[], { seconds }: SimulateOptions): number {
  const rates = problems.map(({ columns }) => columns.reduce((sum, { rate }) => sum + rate, 0));
  const most = Math.max(...rates);
  if (seconds === null) return Math.max(1, Math.min(USUAL_SECONDS, Math.round(USUAL_REQUESTS / Math.max(most, 1))));
  if (seconds * most <= MOST_REQUESTS) return seconds;
  throw new CommandFailed(
    `--seconds: ${seconds} s of ${Math.round(most)} requests/s are more than ${MOST_REQUESTS.toLocaleString('en')} requests; at most ${Math.floor(MOST_REQUESTS / most)} s`,
  );
}

function simulationOf(problem: Problem, seconds: number, options: SimulateOptions): Simulation {
  const { balance, timeout, seed, accepts, stops, queue } = options;
  const { world, cells, hosts, columns, resources, rate, cost } = simulatedProblem(problem, accepts);
  const { resourceCount: R } = world;
  const outcome = simulateRequests({
    world,
    arrivals: drawArrivals({ seed, seconds, rate, cost, resourceCount: R, sizes: 'exponential' }),
    dispatching: {
      cells,
      chooser: (row, state, senses) => createChooser(row, balance, state, senses),
      hostCaps: null,
      reserve:
        typeof queue === 'number' ? rate.map(() => Math.max(0, timeout - queue)) : queue === null ? null : 'followed',
    },
    timeout,
    stops,
    warmUp: WARM_UP * seconds,
    random: seededRandom(seed),
  });
  const measured = (1 - WARM_UP) * seconds;
  return {
    refused: outcome.offered === 0 ? 0 : (outcome.refused + outcome.shed) / outcome.offered,
    columns: outcome.columns.map(({ offered, replied, p50, p99 }, j) => ({
      column: columns[j]!,
      asked: rate[j]!,
      answered: replied / measured,
      part: offered === 0 ? null : replied / offered,
      p50: orNull(p50),
      p99: orNull(p99),
    })),
    hosts: hosts.map((host, h) => ({
      host,
      inFlight: outcome.present[h]!,
      used: Object.fromEntries(resources.map((resource, r) => [resource, outcome.utilization[h * R + r]!])),
    })),
  };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
