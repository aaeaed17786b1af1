import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Audit } from '../../bench/report/long-runs.ts';
import { run } from '../clients/commands.ts';
import { setStage } from './stage.ts';

const MODES = {
  'slow headers': ['-H', '-i', '5'],
  'slow bodies': ['-B', '-i', '5', '-s', '8192'],
  'range headers': ['-R', '-a', '10', '-b', '3000'],
  'slow reading': ['-X', '-w', '10', '-y', '20', '-n', '5', '-z', '32', '-k', '3'],
};
const CONNECTIONS = 2000;
const SECONDS = 60;
/** Within which its own probe must be answered, in seconds. */
const PATIENCE = 3;

/** slowhttptest in its four modes: its probe is answered in every second of the attack. */
export async function auditPatience(): Promise<Audit> {
  await using stage = await setStage();
  const findings: string[] = [];
  const figures: Record<string, number> = { connections: CONNECTIONS };
  for (const [mode, own] of Object.entries(MODES)) {
    const output = join(stage.directory, mode.replace(' ', '-'));
    const attack = ['-c', CONNECTIONS, '-r', 400, '-l', SECONDS, '-p', PATIENCE].map(String);
    await run('slowhttptest', [...own, ...attack, '-g', '-o', output, '-u', `http://127.0.0.1:${stage.http}/long`]);
    const seconds = readFileSync(`${output}.csv`, 'utf8').trim().split('\n').slice(1);
    // columns: seconds, closed, pending, connected, service available (0: not)
    const bad = seconds.filter((line) => line.split(',')[4] === '0');
    if (seconds.length === 0) findings.push(`${mode}: it did not run`);
    if (bad.length > 0) findings.push(`${mode}: not available in ${bad.length} of ${seconds.length} s`);
    figures[`${mode}, s`] = seconds.length;
  }
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Version}', 'slowhttptest']).catch(() => ({ stdout: '' }));
  return { examiner: 'slowhttptest', version: stdout || 'unknown', findings, figures };
}
