/**
 * `make reliability`: every scenario with its full counts, an hour; the figures go to bench/results/VERSION/reliability.json
 * and from there to docs/reliability.md. Some by name: `make reliability ARGS='edits api-away'`; `ARGS=--page` writes the
 * page alone.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

import { type Figures, page, type ResultsDocument } from './page.ts';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const directory = join(root, 'bench/results', version);
const path = join(directory, 'reliability.json');
const names = process.argv.slice(2);

const passed = names.includes('--page') || (await run(names));
writeFileSync(join(root, 'docs/reliability.md'), page(JSON.parse(readFileSync(path, 'utf8')) as ResultsDocument));
process.exit(passed ? 0 : 1);

async function run(scenarios: readonly string[]): Promise<boolean> {
  const { code, figures } = await runTests(scenarios);
  const document: ResultsDocument = {
    version,
    date: new Date().toISOString(),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? ''}, Linux ${release()}, node ${process.version}`,
    // Scenarios that were not run this time keep their figures.
    figures: [...earlier().filter((old) => !figures.some(({ scenario }) => scenario === old.scenario)), ...figures],
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  return code === 0;
}

function earlier(): readonly Figures[] {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as ResultsDocument).figures;
  } catch {
    return [];
  }
}

function runTests(scenarios: readonly string[]): Promise<{ code: number | null; figures: Figures[] }> {
  const environment = { RELIABILITY: 'full', ...(scenarios.length === 0 ? {} : { SCENARIOS: scenarios.join(',') }) };
  const test = join(import.meta.dirname, 'reliability.test.ts');
  const child = spawn(process.execPath, ['--test', '--test-timeout=7200000', test], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const lines = output.split('\n').filter((line) => line.startsWith('{"scenario":'));
      resolve({ code, figures: lines.map((line) => JSON.parse(line) as Figures) });
    });
  });
}
