/** Two workers against one. */
import { CASES } from '../cases.ts';
import { onStage, type Settings } from './stage.ts';
import { sample, type Sample } from './throughput.ts';

export interface WorkersResult {
  readonly rounds: readonly { readonly one: Sample; readonly two: Sample }[];
}

export function measureWorkers(settings: Settings): Promise<WorkersResult> {
  const [each] = CASES;
  if (each === undefined) throw new Error('no case');
  return onStage(each.body, async (stage) => {
    const rounds: { one: Sample; two: Sample }[] = [];
    for (let round = 0; round < settings.rounds; round++) {
      settings.progress(`workers: round ${round + 1} of ${settings.rounds}`);
      const one = await sample(stage, 'tcpvs', each, settings, { workers: 1 });
      const two = await sample(stage, 'tcpvs', each, settings, { workers: 2 });
      rounds.push({ one, two });
    }
    return { rounds };
  });
}
