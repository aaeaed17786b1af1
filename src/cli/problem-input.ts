/** What `tcpvs optimize` and `tcpvs simulate` read alike. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

import { parseProblem } from '../placement/problem/problem-file.ts';
import type { Problem } from '../placement/problem/problem.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import { CommandFailed, UsageError } from './command-line.ts';
import { type Output, printable } from './output.ts';

/** A problem file, - for standard input; null where it is faulty: the faults have been told. */
export async function readProblem(file: string, { err }: Output): Promise<Problem | null> {
  const name = printable(file === '-' ? 'standard input' : file);
  const parsed = parseYaml(await readText(file, name));
  if ('fault' in parsed) {
    const { line, column, message } = parsed.fault;
    err(`${name}:${line}:${column}: ${printable(message)}\n`);
    return null;
  }
  const [document, ...more] = parsed.documents;
  if (document === undefined || more.length > 0) {
    err(`${name}: read ${more.length + (document === undefined ? 0 : 1)} documents, expected one problem\n`);
    return null;
  }
  const read = parseProblem(document.value);
  if (read.ok) return read.problem;
  for (const { path, message } of read.faults) {
    const { line, column } = document.locate(path);
    err(`${name}:${line}:${column}: ${printable(message)}\n`);
  }
  return null;
}

async function readText(file: string, name: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandFailed(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/** Of an option; null: it was not given. @throws UsageError */
export function whole(option: string, given: string | null, least: number, most: number): number | null {
  if (given === null) return null;
  const value = /^[0-9]{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `${option}: read ${JSON.stringify(given.slice(0, 40))}, expected a whole number from ${least} to ${most}`,
  );
}
