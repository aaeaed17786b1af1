/** Results as Markdown tables that read well in a terminal too; pure. */
import type { Spells } from '../measure/slow-spells.ts';
import { median } from '../measure/statistics.ts';
import type { LatencyResult, Subject } from '../parts/latency.ts';
import type { MemoryResult } from '../parts/memory.ts';
import type { ProfileResult } from '../parts/profile.ts';
import type { SyscallResult } from '../parts/syscalls.ts';
import { cost, ratio, typical, type CaseResult } from '../parts/throughput.ts';
import type { WorkersResult } from '../parts/workers.ts';
import { PEER_NAMES } from '../peers/peer.ts';
import type { InForceResult, PropagationResult, RevocationResult, TranslateResult } from './change-results.ts';

export function caseTable({ title, rounds }: CaseResult): string {
  const rows = PEER_NAMES.flatMap((peer) => {
    const figures = typical(rounds, peer);
    if (figures === null) return [];
    const against = peer === 'tcpvs' ? null : ratio(rounds, peer);
    return [
      [
        peer,
        Math.round(1e6 / figures.cost).toLocaleString('en'),
        figures.cost.toFixed(1),
        figures.user.toFixed(1),
        figures.system.toFixed(1),
        against === null ? '' : `${against.median.toFixed(2)} (${against.least.toFixed(2)}–${against.most.toFixed(2)})`,
        Math.round(figures.rate).toLocaleString('en'),
        String(figures.errors),
      ],
    ];
  });
  const header = [
    '',
    'requests per CPU-second',
    'µs per request',
    'user',
    'system',
    'its time / ours',
    'requests/s',
    'errors',
  ];
  return `${title} (median of ${rounds.length} rounds)\n\n${table(header, rows)}`;
}

export function workersTable({ rounds }: WorkersResult): string {
  const row = (name: string, pick: 'one' | 'two') => [
    name,
    Math.round(median(rounds.map((round) => round[pick].rate))).toLocaleString('en'),
    median(rounds.map((round) => cost(round[pick]))).toFixed(1),
  ];
  const faster = median(rounds.map((round) => round.two.rate / round.one.rate));
  return `Two workers against one: ${faster.toFixed(2)} x the requests per second\n\n${table(
    ['', 'requests/s', 'µs per request'],
    [row('one worker', 'one'), row('two workers', 'two')],
  )}`;
}

const SUBJECTS: readonly Subject[] = [...PEER_NAMES, 'direct'];

export function latencyTable(results: readonly LatencyResult[]): string {
  const rows = results.flatMap(({ connections, rate, rounds }) =>
    SUBJECTS.flatMap((subject) => {
      const samples = rounds.flatMap((round) => round[subject] ?? []);
      if (samples.length === 0) return [];
      const of = (figure: 'p50' | 'p99' | 'p999' | 'usual99') =>
        Math.round(median(samples.map((one) => one[figure]))).toLocaleString('en');
      const errors = samples.reduce((sum, one) => sum + one.errors, 0);
      return [
        [
          String(connections),
          rate.toLocaleString('en'),
          subject,
          of('p50'),
          of('usual99'),
          of('p99'),
          of('p999'),
          String(errors),
        ],
      ];
    }),
  );
  const latencies = table(
    ['connections', 'requests/s', '', 'p50', 'p99 of a tenth of a second', 'p99', 'p99.9', 'errors'],
    rows,
  );
  const head = `Latency in µs at a constant rate, half of the slowest one's saturation (median of the rounds)`;
  return `${head}\n\n${latencies}\n\n${spellsText(results.flatMap(({ machine }) => machine))}`;
}

function spellsText(spells: readonly Spells[]): string {
  const share = (100 * median(spells.map((one) => one.share))).toFixed(1);
  const [longest, worst, good] = [
    Math.max(...spells.map((one) => one.longest)).toFixed(0),
    Math.max(...spells.map((one) => one.worst)).toFixed(0),
    median(spells.map((one) => one.good)).toFixed(0),
  ];
  return `The machine itself, with no server on it, between the rounds: a piece of work of ${good} µs took more than four times as long in ${share} % of the milliseconds (median), up to ${worst} µs; in a row for up to ${longest} ms.`;
}

export function memoryTable({ rules, connections, peers }: MemoryResult): string {
  const rows = PEER_NAMES.flatMap((peer) => {
    const figures = peers[peer];
    if (figures === undefined) return [];
    const { empty, withRules, perIdleConnection } = figures;
    return [[peer, megabytes(empty), megabytes(withRules), (perIdleConnection / 1e3).toFixed(2)]];
  });
  return `Memory (proportional set size of all processes; tcpvs: the bundle, with a Node for itself)\n\n${table(
    [
      '',
      '10 rules, MB',
      `${rules.toLocaleString('en')} rules and apps, MB`,
      `per idle connection (of ${connections.toLocaleString('en')}), KB`,
    ],
    rows,
  )}`;
}

export function inForceTable({ rules, starts, later, layouts }: InForceResult): string {
  const rows = layouts.map(({ layout, ...figures }) => [
    layout,
    ...[figures.first, figures.later].flatMap(({ median: middle, max }) => [middle.toFixed(1), max.toFixed(1)]),
  ]);
  const what = `${rules.toLocaleString('en')} rules, ${starts} starts, ${later} more changes after each; \`node bench/in-force.ts --write\``;
  const head = ['the matrix is in', 'first change, median', 'max', 'later, median', 'max'];
  return `From the write of a manifest to the first answer by it, ms (${what})\n\n${table(head, rows)}`;
}

export function propagationTable({ proxies, replicas, sizes }: PropagationResult): string {
  const rows = sizes.flatMap(({ rules, pieces, changes, all }) =>
    [...changes, { change: 'all', ...all }].map(({ change, count, p50, p99, max }) => [
      `${rules.toLocaleString('en')} rules, ${pieces.toLocaleString('en')} pieces: ${change}`,
      String(count),
      ...[p50, p99, max].map((value) => value.toFixed(1)),
    ]),
  );
  const what = `${replicas} controllers, ${proxies} proxies; \`node bench/propagation.ts --write\``;
  const head = `From a controller's receipt of a change to the acknowledgement of the last proxy, ms (${what})`;
  return `${head}\n\n${table(['', 'changes', 'p50', 'p99', 'max'], rows)}`;
}

export function revocationTable({ rounds, revocations }: RevocationResult): string {
  const rows = revocations.map(({ what, median: middle, max }) => [what, middle.toFixed(1), max.toFixed(1)]);
  const how = `${rounds} times each; \`node bench/revocation.ts --write\``;
  const head = `From the request to delete something to the snapshot without it at a proxy, ms (${how})`;
  return `${head}\n\n${table(['', 'median', 'max'], rows)}`;
}

export function translateTable({ services, first, changes }: TranslateResult): string {
  const rows = changes.map(({ change, median: middle, p95 }) => [change, middle.toFixed(2), p95.toFixed(2)]);
  const what = `${services.toLocaleString('en')} Services and virtual servers, at first ${Math.round(first)} ms`;
  const head = `Translation where one thing has changed, ms (${what}; \`node bench/translate.ts --write\`)`;
  return `${head}\n\n${table(['', 'median', 'p95'], rows)}`;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export function syscallTable(result: SyscallResult): string {
  const rows = PEER_NAMES.flatMap((peer) => {
    const figures = result[peer];
    return figures === undefined ? [] : [[peer, figures.perRequest.toFixed(2), figures.calls.join(', ')]];
  });
  return `System calls per request, 100 B answers\n\n${table(['', 'calls', 'of these'], rows)}`;
}

export function profileTable(results: readonly ProfileResult[]): string {
  return results
    .map(({ case: name, functions }) => {
      const rows = functions.map((each) => [(100 * each.share).toFixed(1), each.name]);
      return `Where tcpvs' time goes, case ${name}, in % ((program): native code and the kernel)\n\n${table(['%', 'function'], rows)}`;
    })
    .join('\n\n');
}

/** The first column to the left, numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const numeric = header.map((_, column) => rows.every((row) => /^[\d.,–() -]*$/.test(row[column] ?? '')));
  const widths = header.map((name, column) => Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => (numeric[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, at) => (numeric[at] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}
