/** What `run.ts` starts in namespaces of its own: the stages, the evaluation on them, and its results as files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadOptimizer } from '../../../src/placement/program/highs.ts';
import { circumstances } from '../../measure/machine.ts';
import { bundled } from '../../measure/shipped.ts';
import { ControlGroups } from './control-groups.ts';
import { evaluate } from './evaluation.ts';
import { instanceProgram } from './instance-process.ts';
import { insideOf } from './isolated.ts';
import { textOf } from './kept-runs.ts';
import { openNetwork } from './network.ts';
import { type Kept, pageOf } from './page.ts';
import { QUICK, SCENARIOS, TIMES } from './scenarios.ts';
import { Stage } from './stage.ts';
import { writePage } from './write-page.ts';

interface Settings {
  /** Short runs, and nothing is written. */
  readonly quick: boolean;
  readonly seeds: number;
  readonly minutes: number;
  readonly lanes: number;
  /** Where results go. */
  readonly directory: string;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as Settings;
const { owner, directory } = insideOf(process.argv[3]);
const on = circumstances();
const began = performance.now();
const minutes = (): number => Number(((performance.now() - began) / 60_000).toFixed(1));
const say = (line: string): void => void process.stdout.write(`${minutes().toFixed(1)} min  ${line}\n`);

openNetwork();
const groups = new ControlGroups(owner);
const program = instanceProgram(directory);
const tcpvs = [process.execPath, bundled(directory)] as const;
const nodes = SCENARIOS[0]!.nodes.map(({ name }) => name);
const stages = Array.from(
  { length: settings.lanes },
  (_, at) => new Stage({ name: `lane${at + 1}`, nodes, groups, directory, program, tcpvs }),
);
say(`${stages.length} stages of ${nodes.length} nodes are there`);
await evaluate(stages, await loadOptimizer(), {
  times: settings.quick ? QUICK : TIMES,
  seeds: settings.seeds,
  goOn: () => minutes() < settings.minutes,
  keep: (result) => {
    const kept: Kept = { circumstances: on, minutes: minutes(), result };
    if (settings.quick) {
      process.stdout.write(pageOf(kept));
    } else {
      writeFileSync(join(settings.directory, 'testbed.json'), textOf(kept));
      writePage(settings.directory, kept);
    }
  },
  say,
});
