/** bench/results/VERSION/README.md: tables from the JSON files, words from notes.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { CASES } from '../cases.ts';
import type { Circumstances } from '../measure/machine.ts';
import type { LatencyResult } from '../parts/latency.ts';
import type { MemoryResult } from '../parts/memory.ts';
import type { ProfileResult } from '../parts/profile.ts';
import type { SyscallResult } from '../parts/syscalls.ts';
import { ratio, typical, type CaseResult } from '../parts/throughput.ts';
import type { WorkersResult } from '../parts/workers.ts';
import { PEER_NAMES } from '../peers/peer.ts';
import type { InForceResult, PropagationResult, RevocationResult, TranslateResult } from './change-results.ts';
import {
  auditText,
  faultsText,
  recordedDemoTable,
  soakText,
  type Audit,
  type Faults,
  type RecordedDemo,
  type Soak,
} from './long-runs.ts';
import { read, readCases, type Kept } from './results.ts';
import {
  caseTable,
  inForceTable,
  latencyTable,
  memoryTable,
  profileTable,
  propagationTable,
  revocationTable,
  syscallTable,
  table,
  translateTable,
  workersTable,
} from './tables.ts';

export function writeReadme(directory: string): void {
  const order = CASES.map((each) => each.name);
  const cases = readCases(directory).toSorted((a, b) => order.indexOf(a.result.name) - order.indexOf(b.result.name));
  const notes = join(directory, 'notes.md');
  const version = directory.split('/').at(-1) ?? '';
  const sections = [
    `# Results of tcpvs ${version}`,
    'Generated from the JSON files here by `make bench`; the method is in [bench/README.md](../../README.md). A ratio above 1 means that tcpvs needs less processor time than the other.',
    ...(cases.length > 0 ? [summary(cases)] : []),
    ...(existsSync(notes) ? [readFileSync(notes, 'utf8').trim()] : []),
    '## All figures',
    ...withoutRepeats(figures(directory, cases)),
  ];
  writeFileSync(join(directory, 'README.md'), `${sections.join('\n\n')}\n`);
}

function figures(directory: string, cases: readonly Kept<CaseResult>[]): string[] {
  return [
    ...cases.flatMap((kept) => [caseTable(kept.result), taken(kept)]),
    ...part(read<WorkersResult>(directory, 'workers'), workersTable),
    ...part(read<readonly LatencyResult[]>(directory, 'latency'), latencyTable),
    ...part(read<MemoryResult>(directory, 'memory'), memoryTable),
    ...part(read<InForceResult>(directory, 'in-force'), inForceTable),
    ...part(read<PropagationResult>(directory, 'propagation'), propagationTable),
    ...part(read<RevocationResult>(directory, 'revocation'), revocationTable),
    ...part(read<TranslateResult>(directory, 'translate'), translateTable),
    ...part(read<SyscallResult>(directory, 'syscalls'), syscallTable),
    ...part(read<RecordedDemo>(directory, 'recorded-demo'), recordedDemoTable),
    ...part(read<Soak>(directory, 'soak'), soakText),
    ...part(read<readonly Audit[]>(directory, 'audit'), auditText),
    ...faults(directory),
    ...part(read<readonly ProfileResult[]>(directory, 'profiles'), profileTable),
  ];
}

/** On what something was taken is said once, below all that was taken together. */
function withoutRepeats(sections: readonly string[]): string[] {
  return sections.filter((section, at) => section !== sections[at + 2]);
}

function summary(cases: readonly Kept<CaseResult>[]): string {
  const others = PEER_NAMES.filter((peer) => peer !== 'tcpvs');
  const rows = cases.map(({ result }) => {
    const ours = typical(result.rounds, 'tcpvs');
    const against = others.map((peer) => ratio(result.rounds, peer)?.median.toFixed(2) ?? '');
    return [result.title, ours?.cost.toFixed(1) ?? '', ...against];
  });
  return table(['processor time per request', 'tcpvs, µs', ...others.map((peer) => `x ${peer}`)], rows);
}

/** `make faults` writes its figures by itself. */
function faults(directory: string): string[] {
  const file = join(directory, 'faults.json');
  return existsSync(file) ? [faultsText(JSON.parse(readFileSync(file, 'utf8')) as Faults)] : [];
}

function part<T>(kept: Kept<T> | null, print: (result: T) => string): string[] {
  return kept === null ? [] : [print(kept.result), taken(kept)];
}

function taken({ circumstances: on }: { circumstances: Circumstances }): string {
  const versions = Object.entries(on.versions).map(([name, version]) => `${name} ${version}`);
  const load = on.load > 0.5 ? `; the machine was busy, load ${on.load}` : '';
  return `${on.date}, commit ${on.commit}; ${on.machine}; ${versions.join(', ')}${load}.`;
}
