/**
 * `make reliability`: every scenario with its full counts, three quarters of an hour; the figures go to bench/results/VERSION/reliability.json
 * and from there to docs/reliability.md. Some by name: `make reliability ARGS='edits api-away at-rest'`; `ARGS=--page` writes the
 * page alone.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { Figures, ResultsDocument } from './page.ts';
import { writePage } from './write-page.ts';

/** What the tests print of what they have measured. */
type Line = Figures | Pick<ResultsDocument, 'atRest'> | Pick<ResultsDocument, 'rights'>;

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const directory = join(root, 'bench/results', version);
const path = join(directory, 'reliability.json');
const names = process.argv.slice(2);

const passed = names.includes('--page') || (await run(names));
writePage();
process.exit(passed ? 0 : 1);

async function run(scenarios: readonly string[]): Promise<boolean> {
  let document = earlier();
  mkdirSync(directory, { recursive: true });
  const code = await runTests(scenarios, (line) => {
    const date = new Date().toISOString();
    const machine = `${cpus().length} x ${cpus()[0]?.model ?? ''}, Linux ${release()}, node ${process.version}`;
    document = { ...withLine(document, line, date), version, date, machine };
    writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  });
  return code === 0;
}

/** What was not measured this time keeps its figures. */
function withLine(document: ResultsDocument, line: Line, date: string): ResultsDocument {
  if (!('scenario' in line)) return { ...document, ...line };
  const others = document.figures.filter(({ scenario }) => scenario !== line.scenario);
  return { ...document, figures: [...others, { ...line, date }] };
}

function earlier(): ResultsDocument {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ResultsDocument;
  } catch {
    return { version, date: '', machine: '', figures: [] };
  }
}

/** `measured` is called whenever there are new figures: a run of an hour may be ended in the middle. */
function runTests(scenarios: readonly string[], measured: (line: Line) => void): Promise<number | null> {
  const environment = { RELIABILITY: 'full', ...(scenarios.length === 0 ? {} : { SCENARIOS: scenarios.join(',') }) };
  const test = join(import.meta.dirname, 'reliability.test.ts');
  const child = spawn(process.execPath, ['--test', '--test-timeout=7200000', test], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    process.stdout.write(`${line}\n`);
    if (/^\{"(scenario|atRest|rights)":/.test(line)) measured(JSON.parse(line) as Line);
  });
  return new Promise((resolve) => {
    child.once('close', resolve);
  });
}
