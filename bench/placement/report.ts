/** Results as they are kept, a file per part, and the page that is made of them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Circumstances } from '../measure/machine.ts';
import { median } from '../measure/statistics.ts';
import type { CycleRow } from './compare.ts';
import type { Feasibility } from './feasibility.ts';
import type { LargeRow } from './large.ts';
import type { Optimum } from './optima.ts';
import { PATTERNS } from './patterns.ts';
import { POLICIES } from './policies.ts';
import type { SpeedRow } from './speed.ts';

export const PARTS = ['speed', 'optima', 'cycles', 'feasibility', 'large'] as const;
export type Part = (typeof PARTS)[number];

export interface Kept<T> {
  readonly circumstances: Circumstances;
  readonly result: T;
}

export function keepPart(directory: string, part: Part, kept: Kept<unknown>): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `placement-${part}.json`), `${JSON.stringify(kept, null, 1)}\n`);
}

/** placement.md of all parts that have been measured. */
export function writePage(directory: string): void {
  const read = <T>(part: Part, section: (kept: Kept<T>) => string): string => {
    try {
      return section(JSON.parse(readFileSync(join(directory, `placement-${part}.json`), 'utf8')) as Kept<T>);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  };
  const sections = [
    HEAD,
    read<SpeedRow[]>('speed', speedSection),
    read<Record<'single' | 'vector', Optimum[]>>('optima', optimaSection),
    read<CycleRow[]>('cycles', cyclesSection),
    read<LargeRow[]>('large', largeSection),
    read<Feasibility & { seconds: number }>('feasibility', feasibilitySection),
    notes(directory),
  ];
  writeFileSync(join(directory, 'placement.md'), `${sections.filter((each) => each !== '').join('\n\n')}\n`);
}

/** What is written by hand: goals that are not reached, and why. */
function notes(directory: string): string {
  const file = join(directory, 'placement-notes.md');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

const HEAD = `# Placement: results

Generated from the JSON files here by \`make bench-placement\`; the method is in
[bench/placement](../../placement/README.md). Load factors are cpu/memory; "satisfied" is worth served / worth asked for.`;

function speedSection({ circumstances, result }: Kept<SpeedRow[]>): string {
  const rows = result.map((row) => [
    row.name,
    row.step,
    `${row.hosts.toLocaleString('en')} x ${row.columns.toLocaleString('en')}`,
    `${row.median.toFixed(0)} (${row.least.toFixed(0)}–${row.most.toFixed(0)})`,
    row.roundTrip.toFixed(0),
    row.satisfied.toFixed(5),
    row.leastSatisfied.toFixed(5),
    row.changes.toFixed(0),
    String(row.runs),
  ]);
  const head = [
    'case',
    'step',
    'hosts x columns',
    'ms, median (range)',
    'with sending',
    'satisfied',
    'least',
    'changes',
    'runs',
  ];
  return `## Speed\n\nOne warm worker thread; demands move by up to a fifth each. Goals: 1,000 x 1,000 at .90/.40 from nothing ≤ 150 ms, moved ≤ 100 ms, satisfied ≥ .9999; 7,000 x 7,000 from nothing ≤ 2 s.\n\n${table(head, rows)}\n\n${when(circumstances)}`;
}

function optimaSection({ circumstances, result }: Kept<Record<'single' | 'vector', Optimum[]>>): string {
  const rows = Object.entries(result).map(([kind, all]) => {
    const proven = all.filter((each) => each.optimum !== null);
    const gaps = proven.map(({ satisfied, optimum }) => 100 * (optimum! - satisfied)).toSorted((a, b) => a - b);
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
    return [
      kind === 'single' ? 'one resource' : 'four resources, classes, conflicts',
      String(gaps.length),
      mean.toFixed(3),
      gaps[Math.ceil(0.95 * gaps.length) - 1]!.toFixed(2),
      gaps.at(-1)!.toFixed(2),
      median(all.map(({ milliseconds }) => milliseconds)).toFixed(0),
      String(all.length - proven.length),
      String(all.reduce((sum, { faults }) => sum + faults, 0)),
    ];
  });
  const head = [
    'problems',
    'proven',
    'mean gap, pp',
    '95th percentile',
    'worst',
    'ms, median',
    'not proven in 10 s',
    'faults',
  ];
  return `## Against proven optima\n\nThe search alone, without the integer program, on random problems of 3–8 hosts and up to 25 apps. Goals: mean ≤ 0.2 percentage points, 95th percentile ≤ 1, worst ≤ 4.\n\n${table(head, rows)}\n\n${when(circumstances)}`;
}

function cyclesSection({ circumstances, result }: Kept<CycleRow[]>): string {
  const tables = [
    [0.9, 0.4],
    [0.95, 0.9],
  ].map(([alpha, beta]) => {
    const rows = PATTERNS.map((pattern) => [
      pattern,
      ...POLICIES.map((policy) => {
        const of = result.filter(
          (row) => row.alpha === alpha && row.beta === beta && row.pattern === pattern && row.policy === policy,
        );
        const mean = (figure: (row: CycleRow) => number) => of.reduce((sum, row) => sum + figure(row), 0) / of.length;
        return `${(100 * mean((row) => row.satisfied)).toFixed(2)} / ${mean((row) => row.changes).toFixed(1)}`;
      }),
    ]);
    const times = POLICIES.map((policy) => {
      const of = result.filter((row) => row.alpha === alpha && row.beta === beta && row.policy === policy);
      return median(of.map(({ milliseconds }) => milliseconds)).toFixed(0);
    });
    return `Load factors ${alpha}/${beta}: satisfied in percent / changes per cycle, means over all cycles and seeds\n\n${table(['pattern', ...POLICIES], [...rows, ['ms, median', ...times]])}`;
  });
  return `## Beside other ways to place

A hundred hosts, one resource and memory, ten counted cycles, six seeds at .90/.40 and two at .95/.90, the same demands for all; each goes on from its own
placement. Changes are those that were decided on: instances that went with their host are not counted. \`tcpvs\` is with the default price of a change (tau 0.01); "planned" leaves out what has no way on which every
state holds, which none of the others ask for. Tang-like had as long as the slowest of ours; at .95/.90 it stops by itself
long before, and the search goes on. Fairness is off everywhere: the others know none.

${tables.join('\n\n')}

${when(circumstances)}`;
}

function largeSection({ circumstances, result }: Kept<LargeRow[]>): string {
  const rows = result.map((row) => [
    `${row.hosts} x ${row.columns}`,
    row.satisfied.toFixed(4),
    row.seconds.toFixed(1),
    row.bestKnown.toFixed(4),
    row.bestSeconds.toFixed(0),
    (row.satisfied / row.bestKnown).toFixed(4),
  ]);
  const head = ['hosts x columns', 'satisfied', 's', 'best known', 's', 'ratio'];
  return `## Four resources, conflicts, classes\n\nGoal: ≥ .99 of the best known from a ten-minute run within 15 s.\n\n${table(head, rows)}\n\n${when(circumstances)}`;
}

function feasibilitySection({ circumstances, result }: Kept<Feasibility & { seconds: number }>): string {
  return `## Whether answers hold

${result.problems.toLocaleString('en')} random problems of every kind, each solved from nothing and again after demands and hosts had
changed; ${result.steps.toLocaleString('en')} states on the way. An independent checker found **${result.faults.length} faults**.
${result.dropped.toLocaleString('en')} changes were dropped, because no way to them was found. (${result.seconds} s)

${when(circumstances)}`;
}

function when(on: Circumstances): string {
  const versions = Object.entries(on.versions).map(([name, version]) => `${name} ${version}`);
  const busy = on.load > 0.5 ? `; the machine was busy, load ${on.load}` : '';
  return `${on.date}, commit ${on.commit}; ${on.machine}; ${versions.join(', ')}${busy}.`;
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
