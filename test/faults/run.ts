/**
 * `make faults`: every fault test with its full counts, one after another; the figures go to
 * `bench/results/VERSION/faults.json`. Takes about half an hour. Rows by number: `make faults ARGS='4 20'`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

import { writePage } from '../reliability/write-page.ts';
import { MARK } from './figures.ts';

const here = import.meta.dirname;
const root = join(here, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const rows = process.argv.slice(2).map((row) => `row-${row.padStart(2, '0')}-`);
const files = readdirSync(here)
  .filter((name) => name.endsWith('.test.ts') && (rows.length === 0 || rows.some((row) => name.startsWith(row))))
  .toSorted();

const figures: unknown[] = [];
let failed = 0;
for (const file of files) {
  const passed = await runOne(file);
  if (!passed) failed++;
}

const directory = join(root, 'bench/results', version);
const path = join(directory, 'faults.json');
mkdirSync(directory, { recursive: true });
const machine = {
  processors: cpus().length,
  processor: cpus()[0]?.model ?? '',
  kernel: release(),
  node: process.version,
};
// Rows that were not run this time keep their figures.
const kept =
  rows.length === 0 ? [] : earlier().filter((row) => !figures.some((figure) => faultOf(figure) === faultOf(row)));
const document = { version, date: new Date().toISOString(), machine, figures: [...kept, ...figures] };
writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
writePage();
console.log(`${files.length} files, ${failed} failed; figures in ${path}`);
process.exit(failed === 0 ? 0 : 1);

function earlier(): unknown[] {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { figures: unknown[] }).figures;
  } catch {
    return [];
  }
}

function faultOf(figure: unknown): unknown {
  return (figure as { fault: unknown }).fault;
}

function runOne(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--test', '--test-force-exit', join(here, file)], {
      env: { ...process.env, FAULTS: 'full' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += String(bytes);
      process.stdout.write(bytes as Buffer);
    });
    child.on('close', (code) => {
      for (const line of output.split('\n')) {
        const at = line.indexOf(MARK);
        if (at >= 0) figures.push(JSON.parse(line.slice(at)));
      }
      resolve(code === 0);
    });
  });
}
