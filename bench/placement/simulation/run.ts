/**
 * `make bench-simulation`: the evaluation in simulation. Runs go to bench/results/VERSION/simulation.json, the page and its
 * plots beside it. See README.md here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadOptimizer } from '../../../src/placement/program/highs.ts';
import { circumstances, ourVersion, ROOT } from '../../measure/machine.ts';
import { evaluate, type EvaluateOptions } from './evaluate.ts';
import { pack, textOfRuns, unpack } from './kept-runs.ts';
import { pageOf } from './page.ts';
import { DEVELOPMENT, SCENARIOS, SECONDS, SEEDS } from './scenarios.ts';
import { type KeptSimulation, writePage } from './write-page.ts';

const USAGE = `make bench-simulation ARGS='…': policies under load, in simulation

  --quick        six scenarios of those for development, two seeds: an impression, printed; writes nothing
  --minutes N    no seed is begun after so many minutes: what there is by then is written (default: no bound)
  --seeds N      default ${SEEDS}
  --continue     go on after the seeds that are there already
  --report       only write the page and the plots of this version's runs anew
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string', default: 'Infinity' },
    seeds: { type: 'string', default: String(SEEDS) },
    continue: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const directory = join(ROOT, 'bench/results', ourVersion());
const file = join(directory, 'simulation.json');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) process.stdout.write(USAGE);
else if (values.report) writePage(directory, readKept());
else await main();

async function main(): Promise<void> {
  const optimizer = await loadOptimizer();
  const on = circumstances();
  const began = performance.now();
  const before = values.continue && !values.quick ? readKept() : null;
  const loads = [...(before?.loads ?? [])];
  const whole = { scenarios: SCENARIOS, seeds: Number(values.seeds), seconds: SECONDS, first: 1, ...doneOf(before) };
  const quick = { scenarios: 6, seeds: 2, seconds: 120, first: DEVELOPMENT };
  const options: EvaluateOptions = values.quick ? quick : whole;
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
  if (values.quick) say(pageOf(unpack((last as KeptSimulation).result)));
  else writePage(directory, last);
}

function readKept(): KeptSimulation {
  return JSON.parse(readFileSync(file, 'utf8')) as KeptSimulation;
}

function doneOf(before: KeptSimulation | null): Pick<EvaluateOptions, 'done'> {
  return before === null ? {} : { done: unpack(before.result) };
}

function textOf({ result, ...rest }: KeptSimulation): string {
  const head = JSON.stringify(rest, null, 1).slice(0, -2);
  return `${head},\n "result": ${textOfRuns(result).trimEnd()}\n}\n`;
}
