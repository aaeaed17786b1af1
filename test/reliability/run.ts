/**
 * `make reliability`: every scenario with its full counts, an hour; the figures go to bench/results/VERSION/reliability.json
 * and from there to docs/reliability.md. Some by name: `make reliability ARGS='edits api-away'`; `ARGS=--page` writes the
 * page alone.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

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
  const before = earlier();
  mkdirSync(directory, { recursive: true });
  const code = await runTests(scenarios, (figures) => {
    const document: ResultsDocument = {
      version,
      date: new Date().toISOString(),
      machine: `${cpus().length} x ${cpus()[0]?.model ?? ''}, Linux ${release()}, node ${process.version}`,
      // Scenarios that were not run this time keep their figures.
      figures: [...before.filter((old) => !figures.some(({ scenario }) => scenario === old.scenario)), ...figures],
    };
    writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  });
  return code === 0;
}

function earlier(): readonly Figures[] {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as ResultsDocument).figures;
  } catch {
    return [];
  }
}

/** `measured` is called with all figures so far whenever there are new ones: a run of an hour may be ended in the middle. */
function runTests(
  scenarios: readonly string[],
  measured: (figures: readonly Figures[]) => void,
): Promise<number | null> {
  const environment = { RELIABILITY: 'full', ...(scenarios.length === 0 ? {} : { SCENARIOS: scenarios.join(',') }) };
  const test = join(import.meta.dirname, 'reliability.test.ts');
  const child = spawn(process.execPath, ['--test', '--test-timeout=7200000', test], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const figures: Figures[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    process.stdout.write(`${line}\n`);
    if (!line.startsWith('{"scenario":')) return;
    figures.push(JSON.parse(line) as Figures);
    measured(figures);
  });
  return new Promise((resolve) => {
    child.once('close', resolve);
  });
}
