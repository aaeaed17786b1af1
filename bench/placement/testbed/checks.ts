/** Whether the stage can be trusted, as text. Pure. */
import { type Result, unpack } from './kept-runs.ts';

/** A load beside it may change a response time by so much; else nothing is claimed of conflicts. */
const MOST_DISTURBED = 0.02;

export function checks({ isolation, witness, runs }: Result): string {
  const all = runs.map((each) => unpack(each).run);
  const { busy, idle } = isolation;
  const disturbed = busy.mean / idle.mean - 1;
  const error = Math.hypot(busy.error / busy.mean, idle.error / idle.mean);
  const claimed =
    Math.abs(disturbed) < MOST_DISTURBED
      ? 'That is below the 2 % that were set as a bound beforehand.'
      : '**That is above the 2 % that were set as a bound beforehand: nothing is claimed of conflicts, and what is said of them below is no more than what was seen.**';
  const seen = witness
    .map((one) => `${one.scenario} ${(100 * one.httperf).toFixed(1)} % answered, ours ${(100 * one.own).toFixed(1)} %`)
    .join('; ');
  const died = all.reduce((sum, run) => sum + run.died, 0);
  const late = Math.max(...all.map((run) => run.late));
  return `## Whether the stage can be trusted

- **Nodes disturb each other** by ${(100 * disturbed).toFixed(1)} % (standard error ${(100 * error).toFixed(1)}): requests one at a time take ${idle.mean.toFixed(1)} ms with nothing beside their stage, ${busy.mean.toFixed(1)} ms with all other stages at 120 %; ${idle.count} and ${busy.count} of them. ${claimed}
- **Chance**: the whole is run twice with the same requests; the difference stands below as the last component of each scenario.
- **The clients** sent no request later than ${late} ms after it was due.
- **httperf** ${witness.length === 0 ? 'is not installed here; our clients have no witness' : `in place of our clients, the whole at 100 %, one run each: ${seen}`}.
- **Instances** that ended by themselves, for want of memory: ${died} in ${all.length} runs.
- **Broken connections**: ${Math.round(all.reduce((sum, run) => sum + run.broken * run.offered, 0))} of ${all.reduce((sum, run) => sum + run.offered, 0).toLocaleString('en')} requests.`;
}
