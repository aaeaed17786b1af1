import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Audit } from '../../bench/report/long-runs.ts';
import { run } from '../clients/commands.ts';
import { setStage } from './stage.ts';

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** Severities that are none: what it says of good things, and of itself. */
const FINE = new Set(['OK', 'INFO', 'WARN', 'DEBUG']);
/** Of the authority that the test made, which has no list of what it revoked, and of what the application behind answers. */
const NOT_OURS = /^(?:cert_|HSTS|HPKP|security_headers|cookie_|banner_|HTTP_|BREACH)/;

/** testssl.sh: no finding of severity LOW or worse, trust and the application's headers left out. */
export async function auditTls(): Promise<Audit> {
  await using stage = await setStage();
  const json = join(stage.directory, 'testssl.json');
  const quiet = ['--quiet', '--color', '0', '--warnings', 'batch', '--nodns', 'none', '--ip', '127.0.0.1'];
  const args = [...quiet, '--add-ca', stage.authority, '--jsonfile', json, `localhost:${stage.https}`];
  // its exit status counts what it noticed, of whatever severity
  await run('testssl', args, stage.directory).catch((error: unknown) => {
    if (!/exit status [0-9]+/.test(String(error))) throw error;
  });
  const all = JSON.parse(readFileSync(json, 'utf8')) as Finding[];
  const grave = all.filter(({ severity }) => !FINE.has(severity));
  const ours = grave.filter(({ id }) => !NOT_OURS.test(id));
  const { stdout } = await run('testssl', ['--version', '--color', '0']);
  return {
    examiner: 'testssl.sh',
    version: /testssl(?:\.sh)? +([\d.]+)/.exec(stdout)?.[1] ?? 'unknown',
    findings: ours.map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`),
    figures: { checks: all.length, 'left out': grave.length - ours.length },
  };
}
