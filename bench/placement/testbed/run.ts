/**
 * `make bench-testbed`: policies under load on real processes. Runs go to bench/results/VERSION/testbed.json, the page and its plots
 * beside it. See README.md here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ourVersion, ROOT } from '../../measure/machine.ts';
import { runInside, whyNoTestbed } from './isolated.ts';
import type { Kept } from './page.ts';
import { SEEDS } from './scenarios.ts';
import { writePage } from './write-page.ts';

const USAGE = `make bench-testbed ARGS='…': policies under load on real processes; as root, on a machine with nothing else to do

  --quick        one seed of short runs: an impression in ten minutes, printed; writes nothing
  --seeds N      default ${SEEDS}
  --minutes N    no seed is begun after so many minutes; the page says of how many seeds it is (default 40)
  --lanes N      stages side by side, each of which takes about a quarter of a core (default 6)
  --report       only write the page and the plots of this version's runs anew
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seeds: { type: 'string', default: String(SEEDS) },
    minutes: { type: 'string', default: '40' },
    lanes: { type: 'string', default: '6' },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const LEAST_LANES = 2;
const directory = join(ROOT, 'bench/results', ourVersion());

if (values.help) process.stdout.write(USAGE);
else if (values.report) writePage(directory, JSON.parse(readFileSync(join(directory, 'testbed.json'), 'utf8')) as Kept);
else process.exitCode = await main();

async function main(): Promise<number> {
  const few = `--lanes: read ${values.lanes}, expected at least ${LEAST_LANES}: policies are compared side by side`;
  const why = Number(values.lanes) >= LEAST_LANES ? whyNoTestbed() : few;
  if (why !== null) {
    process.stderr.write(`${why}\n`);
    return 1;
  }
  const { quick, seeds, minutes, lanes } = values;
  const counts = { seeds: quick ? 1 : Number(seeds), minutes: Number(minutes), lanes: Number(lanes) };
  const settings = JSON.stringify({ quick, ...counts, directory });
  return await runInside(join(import.meta.dirname, 'inside.ts'), [settings]);
}
