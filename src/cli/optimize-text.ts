/** An optimisation's result for a person: what is served, the matrix, a heat map of the hosts, what changes, and why. Pure. */
import type { Problem } from '../placement/problem/problem.ts';
import type { Result } from '../placement/result.ts';
import type { Progress } from '../placement/solve.ts';
import { printable, type Style } from './output.ts';

export interface Page {
  readonly style: Style;
  /** Columns of the terminal. */
  readonly width: number;
}

/** More of each than this are counted, not listed. */
const MOST_LINES = 20;
/** A matrix with more columns of hosts does not fit a screen. */
const MOST_HOSTS = 12;
const SHADES = ' ▁▂▃▄▅▆▇█';
const BAR = 24;

export function resultText(problem: Problem, result: Result, { style, width }: Page): string {
  const sections = [
    summary(problem, result, style),
    problem.hosts.length <= MOST_HOSTS && problem.columns.length <= 40 ? matrix(problem, result, style) : [],
    heatMap(problem, result, style, width),
    listed(
      'Not served, and why',
      result.shortages.map(({ column, missing, reason }) => `${column}: ${rate(missing)} requests/s; ${reason}`),
      style,
    ),
    listed(
      problem.current === null ? 'Instances' : 'Changes, in this order',
      result.changes.map(({ op, workload, host, reason }) => `${op} ${workload} on ${host}: ${reason}`),
      style,
    ),
    listed(
      'Not changed, and why',
      result.dropped.map(({ op, workload, host, reason }) => `${op} ${workload} on ${host}: ${reason}`),
      style,
    ),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** One line that is written over and over. */
export function progressLine({ step, part, satisfied }: Progress): string {
  const full = Math.round(BAR * Math.min(1, Math.max(0, part)));
  return `${step.padEnd(8)} [${'█'.repeat(full)}${' '.repeat(BAR - full)}] ${percent(satisfied)} % served`;
}

function summary(problem: Problem, result: Result, style: Style): string[] {
  const proof = result.provenOptimal ? '; proven: no placement is worth more' : '';
  const least =
    result.fairness < 1 - 1e-6
      ? `; every column with an instance at least ${percent(result.fairness)} % of its own`
      : '';
  const size = [
    count(problem.hosts.length, 'host'),
    count(problem.workloads.length, 'workload'),
    count(problem.columns.length, 'column'),
  ];
  return [
    `${style.bold(`${percent(result.satisfied)} % of the demand is served`)}${least}${proof}`,
    style.dim(`${size.join(', ')}; ${count(result.instances.length, 'instance')}; ${result.seconds.toFixed(2)} s`),
  ];
}

const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** Weights in percent, a row per column of the matrix: as the README shows them. */
function matrix(problem: Problem, result: Result, style: Style): string[] {
  const hosts = problem.hosts.map(({ name }) => name);
  const weights = new Map<string, number>();
  const totals = new Map<string, number>();
  for (const { host, column, weight } of result.load) {
    weights.set(JSON.stringify([host, column]), weight);
    totals.set(column, (totals.get(column) ?? 0) + weight);
  }
  const served = new Map(result.served.map((each) => [each.column, each.rate]));
  const rows = problem.columns.map(({ name, rate: asked }) => [
    printable(name),
    ...hosts.map((host) => {
      const weight = weights.get(JSON.stringify([host, name]));
      return weight === undefined ? '' : ((100 * weight) / totals.get(name)!).toFixed(0);
    }),
    rate(served.get(name) ?? 0),
    rate(asked),
  ]);
  return table([['weight %', ...hosts.map(printable), 'requests/s', 'of'], ...rows], style);
}

/** Per host and resource how much of it is used; one block per host where there are many. */
function heatMap(problem: Problem, result: Result, style: Style, width: number): string[] {
  const resources = [...new Set(result.utilization.map(({ resource }) => resource))];
  const used = Map.groupBy(result.utilization, ({ resource }) => resource);
  if (problem.hosts.length <= 2 * MOST_HOSTS) {
    const rows = problem.hosts.map(({ name }, at) => [
      printable(name),
      ...resources.map((resource) => {
        const part = used.get(resource)![at]!.used;
        return `${gauge(part)} ${percent(part).padStart(5)} %`;
      }),
    ]);
    return table([['planned use', ...resources.map(printable)], ...rows], style);
  }
  return resources.flatMap((resource) => {
    const parts = used.get(resource)!.map((each) => each.used);
    const sorted = parts.toSorted((a, b) => a - b);
    const at = (q: number) => percent(sorted[Math.floor(q * (sorted.length - 1))]!);
    const blocks = parts.map((part) => SHADES[Math.round(8 * Math.min(1, part))]).join('');
    const lines = blocks.match(new RegExp(`.{1,${Math.max(20, width)}}`, 'gu')) ?? [];
    return [
      style.bold(`${printable(resource)} used, a block per host`) +
        style.dim(` least ${at(0)} %, median ${at(0.5)} %, most ${at(1)} %`),
      ...lines.slice(0, MOST_LINES),
      ...(lines.length > MOST_LINES ? [style.dim(`and ${lines.length - MOST_LINES} lines more`)] : []),
    ];
  });
}

function gauge(part: number): string {
  const eighths = Math.round(8 * 8 * Math.min(1, Math.max(0, part)));
  const bar = '█'.repeat(eighths >> 3) + (eighths % 8 === 0 ? '' : ' ▏▎▍▌▋▊▉'[eighths % 8]!);
  return bar.padEnd(8, '·');
}

function listed(title: string, lines: readonly string[], style: Style): string[] {
  if (lines.length === 0) return [];
  const more = lines.length - MOST_LINES;
  return [
    `${style.bold(title)} (${lines.length.toLocaleString('en')})`,
    ...lines.slice(0, MOST_LINES).map((line) => `  ${printable(line)}`),
    ...(more > 0 ? [style.dim(`  and ${more.toLocaleString('en')} more: --json has all of them`)] : []),
  ];
}

/** The first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[], style: Style): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ');
  return rows.map((row, at) => (at === 0 ? style.bold(line(row)) : line(row)));
}

/** Never rounded up to 100. */
export function percent(part: number): string {
  const value = 100 * part;
  return value > 99.99 && value < 100 - 1e-4 ? '99.99' : value.toFixed(value >= 99.95 && value < 100 - 1e-4 ? 2 : 1);
}

export function rate(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value >= 100 ? 0 : 2 });
}
