/**
 * Two results side by side, and what got worse: `node bench/compare.ts bench/results/0.1.0 bench/results/0.2.0`.
 * Machines differ, so ratios to nginx are compared and not microseconds. Exit status 1: something is worse.
 */
import { parseArgs } from 'node:util';

import type { MemoryResult } from './parts/memory.ts';
import { ratio } from './parts/throughput.ts';
import { read, readCases } from './report/results.ts';
import { table } from './report/tables.ts';

/** Rounds scatter by ± 10 %, medians of five by some 4 %. */
const WORSE = 0.95;
/** Of bytes, which scatter less. */
const LARGER = 1.1;

const { positionals } = parseArgs({ allowPositionals: true });
const [before, after] = positionals;
if (before === undefined || after === undefined || positionals.length > 2) {
  process.stderr.write('usage: node bench/compare.ts FOLDER-BEFORE FOLDER-AFTER\n');
  process.exit(2);
}

const rows = [...cases(before, after), ...memory(before, after)];
process.stdout.write(`${table(['', 'before', 'after', 'after / before', ''], rows)}\n`);
process.exitCode = rows.some((row) => row[4] === 'WORSE') ? 1 : 0;

function cases(from: string, to: string): string[][] {
  const later = new Map(readCases(to).map(({ result }) => [result.name, result]));
  return readCases(from).flatMap(({ result }) => {
    const old = ratio(result.rounds, 'nginx')?.median;
    const now = ratio(later.get(result.name)?.rounds ?? [], 'nginx')?.median;
    if (old === undefined || now === undefined) return [];
    return [
      [
        `${result.title}, x nginx`,
        old.toFixed(2),
        now.toFixed(2),
        (now / old).toFixed(2),
        now / old < WORSE ? 'WORSE' : '',
      ],
    ];
  });
}

function memory(from: string, to: string): string[][] {
  const old = read<MemoryResult>(from, 'memory')?.result.peers.tcpvs;
  const now = read<MemoryResult>(to, 'memory')?.result.peers.tcpvs;
  if (old === undefined || now === undefined) return [];
  return (['empty', 'withRules', 'perIdleConnection'] as const).map((figure) => {
    const grown = now[figure] / old[figure];
    return [
      `memory, ${figure}`,
      Math.round(old[figure]).toString(),
      Math.round(now[figure]).toString(),
      grown.toFixed(2),
      grown > LARGER ? 'WORSE' : '',
    ];
  });
}
