/**
 * `make bench-simulation`: the evaluation in simulation. Runs go to bench/results/VERSION/simulation.json, the page and its
 * plots beside it. See README.md here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadOptimizer } from '../../../src/placement/program/highs.ts';
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { type Circumstances, circumstances, ourVersion, ROOT } from '../../measure/machine.ts';
import { evaluateLearning } from './evaluate-learning.ts';
import { evaluateMore, type More } from './evaluate-more.ts';
import { evaluate, type EvaluateOptions } from './evaluate.ts';
import { type Kept, type KeptEvaluation, pack, packMore, textOfRuns, unpack } from './kept-runs.ts';
import { pageOf } from './page.ts';
import { BY_SHARE, QUEUES } from './policies.ts';
import { DEVELOPMENT, SCENARIOS, SECONDS, SEEDS } from './scenarios.ts';
import type { Taken } from './taken.ts';
import { type KeptSimulation, writePage } from './write-page.ts';

const USAGE = `make bench-simulation ARGS='…': policies under load, in simulation

  --quick        six scenarios of those for development, two seeds: an impression, printed; writes nothing
  --minutes N    no seed is begun after so many minutes: what there is by then is written (default: no bound)
  --seeds N      default ${SEEDS}
  --continue     go on after the seeds that are there already
  --learning     only what learned parameters cost (10 minutes), beside the runs that are there already
  --caps         only caps by share and other queues before them (half an hour), beside the runs that are there already
  --report       only write the page and the plots of this version's runs anew
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string', default: 'Infinity' },
    seeds: { type: 'string', default: String(SEEDS) },
    continue: { type: 'boolean', default: false },
    learning: { type: 'boolean', default: false },
    caps: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const QUICK = { scenarios: 6, seeds: 2, seconds: 120, first: DEVELOPMENT };
const directory = join(ROOT, 'bench/results', ourVersion());
const file = join(directory, 'simulation.json');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) process.stdout.write(USAGE);
else if (values.report) writePage(directory, readKept());
else if (values.learning || values.caps) await partsAlone();
else await main();

async function main(): Promise<void> {
  const optimizer = await loadOptimizer();
  const on = circumstances();
  const began = performance.now();
  const before = values.continue && !values.quick ? readKept() : null;
  const loads = [...(before?.loads ?? [])];
  const whole = { scenarios: SCENARIOS, seeds: Number(values.seeds), seconds: SECONDS, first: 1, ...doneOf(before) };
  const options: EvaluateOptions = values.quick ? QUICK : whole;
  let last: KeptSimulation | null = null;
  evaluate(
    options,
    optimizer,
    (evaluation) => {
      const minutes = (performance.now() - began) / 60_000;
      loads.push(Number((loadavg()[0] ?? 0).toFixed(1)));
      const all = minutes + (before?.minutes ?? 0);
      last = { circumstances: on, loads: [...loads], minutes: Number(all.toFixed(1)), result: pack(evaluation) };
      if (!values.quick) writeFileSync(file, textOf(last));
      return minutes < Number(values.minutes);
    },
    say,
  );
  if (last === null) return;
  const { result } = last as KeptSimulation;
  if ((performance.now() - began) / 60_000 >= Number(values.minutes)) return writePage(directory, last);
  const parts = partsOf({ ...options, seeds: result.runs.length }, optimizer);
  if (values.quick) say(pageOf(unpack(result), null, { learning: parts.learning(), caps: parts.caps() }));
  else keep({ ...(last as KeptSimulation), learning: taken(on, parts.learning), caps: taken(on, parts.caps) });
}

/** Beside what is there: the same scenarios, and as many seeds. */
async function partsAlone(): Promise<void> {
  const optimizer = await loadOptimizer();
  const on = circumstances();
  const before = readKept();
  const { learning, caps } = partsOf(
    { scenarios: SCENARIOS, seeds: before.result.runs.length, seconds: SECONDS, first: 1 },
    optimizer,
  );
  keep({
    ...before,
    ...(values.learning ? { learning: taken(on, learning) } : {}),
    ...(values.caps ? { caps: taken(on, caps) } : {}),
  });
}

function partsOf(options: Omit<EvaluateOptions, 'done'>, optimizer: Optimizer) {
  return {
    learning: () => evaluateLearning(options, optimizer, say),
    caps: () => evaluateMore([...BY_SHARE, ...QUEUES], options, optimizer, say).more,
  };
}

function taken<T extends More>(on: Circumstances, measure: () => T): Taken & { readonly result: Kept<T> } {
  const began = performance.now();
  const result = packMore(measure());
  const minutes = Number(((performance.now() - began) / 60_000).toFixed(1));
  return { circumstances: on, loads: [Number(loadavg()[0]!.toFixed(1))], minutes, result };
}

function keep(all: KeptSimulation): void {
  writeFileSync(file, textOf(all));
  writePage(directory, all);
}

function readKept(): KeptSimulation {
  return JSON.parse(readFileSync(file, 'utf8')) as KeptSimulation;
}

function doneOf(before: KeptSimulation | null): Pick<EvaluateOptions, 'done'> {
  return before === null ? {} : { done: unpack(before.result) };
}

function textOf({ result, learning, caps, ...rest }: KeptSimulation): string {
  const parts = Object.entries({ learning, caps }).flatMap(([name, part]) =>
    part === undefined ? [] : [`,\n "${name}": ${withResult(part)}`],
  );
  return `${withResult({ ...rest, result }, parts.join(''))}\n`;
}

function withResult({ result, ...rest }: { readonly result: KeptEvaluation | Kept<More> }, more = ''): string {
  const head = JSON.stringify(rest, null, 1).slice(0, -2);
  return `${head},\n "result": ${textOfRuns(result).trimEnd()}${more}\n}`;
}
