/**
 * `make bench`: tcpvs side by side with nginx, HAProxy, Envoy, Caddy and http-proxy, and the results kept in bench/results/VERSION.
 * See bench/README.md for the method.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { CASES } from './cases.ts';
import { circumstances, ourVersion, ROOT } from './measure/machine.ts';
import { measureLatency } from './parts/latency.ts';
import { measureMemory } from './parts/memory.ts';
import { measureProfiles } from './parts/profile.ts';
import type { Settings } from './parts/stage.ts';
import { measureSyscalls } from './parts/syscalls.ts';
import { measureCase } from './parts/throughput.ts';
import { measureWorkers } from './parts/workers.ts';
import { PEER_NAMES } from './peers/peer.ts';
import { writeReadme } from './report/readme.ts';
import { keep, type Results } from './report/results.ts';
import { caseTable, latencyTable, memoryTable, profileTable, syscallTable, workersTable } from './report/tables.ts';

const PARTS = ['cases', 'workers', 'latency', 'memory', 'syscalls', 'profile'] as const;
type Part = (typeof PARTS)[number];

const USAGE = `make bench ARGS='…': tcpvs side by side with nginx, HAProxy, Envoy, Caddy and http-proxy

  --quick              fewer and shorter rounds: an impression, not a result; writes nothing
  --part NAME          only ${PARTS.join(', ')} (may be repeated)
  --case NAME          only ${CASES.map((each) => each.name).join(', ')} (may be repeated)
  --peers A,B          only these of ${PEER_NAMES.join(',')}
  --rounds N           interleaved rounds (default 5, with --quick 2)
  --seconds N          of each measured load (default 4, with --quick 1)
  --json               the result as JSON on standard output
  --no-write           leave bench/results as it is
  --report             only write the README of this version's results anew
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    part: { type: 'string', multiple: true, default: [] },
    case: { type: 'string', multiple: true, default: [] },
    peers: { type: 'string', default: PEER_NAMES.join(',') },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    json: { type: 'boolean', default: false },
    'no-write': { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else if (values.report) writeReadme(join(ROOT, 'bench/results', ourVersion()));
else await main();

async function main(): Promise<void> {
  const parts = chosen('--part', values.part, PARTS);
  const cases = chosen(
    '--case',
    values.case,
    CASES.map((each) => each.name),
  );
  const wanted = chosen('--peers', values.peers.split(','), PEER_NAMES);
  const installed = spawnSync(join(ROOT, 'bench/peers.sh'), { stdio: ['ignore', 2, 2] });
  if (installed.status !== 0) process.exit(1);

  const results: Results = { circumstances: circumstances(), cases: [] };
  const peers = wanted.filter((peer) => results.circumstances.versions[peer] !== 'absent');
  const say = (text: string) => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
  const settings: Settings = {
    peers,
    rounds: whole('--rounds', values.rounds) ?? (values.quick ? 2 : 5),
    warmUp: values.quick ? 1 : 2,
    seconds: whole('--seconds', values.seconds) ?? (values.quick ? 1 : 4),
    progress: (line) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${line}`);
    },
  };
  const direct = { ...settings, peers: peers.filter((peer) => !peer.startsWith('http-proxy')) };
  say(heading(results));

  const part = async (name: Part, act: () => Promise<string>) => {
    if (!parts.includes(name) || (values.case.length > 0 && name !== 'cases' && !values.part.includes(name))) return;
    const table = await act();
    settings.progress('');
    say(`\n${table}`);
  };
  for (const each of CASES.filter(({ name }) => cases.includes(name))) {
    await part('cases', async () => {
      const result = await measureCase(each, settings);
      results.cases.push(result);
      return caseTable(result);
    });
  }
  if (peers.includes('tcpvs'))
    await part('workers', async () => workersTable((results.workers = await measureWorkers(settings))));
  await part('latency', async () => latencyTable((results.latency = await measureLatency(direct))));
  await part('memory', async () => memoryTable((results.memory = await measureMemory(settings))));
  await part('syscalls', async () => syscallTable((results.syscalls = await measureSyscalls(direct))));

  const profiled = cases.filter((name) => values.case.length > 0 || name === 'small' || name === 'connect');
  if (peers.includes('tcpvs'))
    await part('profile', async () => profileTable((results.profiles = await measureProfiles(profiled, settings))));

  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  if (values.quick || values['no-write'] || !peers.includes('tcpvs')) return;
  const directory = keep(results);
  writeReadme(directory);
  say(`\nwritten to ${directory.slice(ROOT.length + 1)}`);
}

function heading({ circumstances: on }: Results): string {
  const versions = Object.entries(on.versions).map(([name, version]) => `${name} ${version}`);
  const busy = on.load > 0.5 ? `\nthe machine is busy (load ${on.load}): figures are blurred` : '';
  return `tcpvs ${on.version} (${on.commit}), ${on.date}\n${on.machine}\n${versions.join(', ')}${busy}`;
}

function chosen<T extends string>(option: string, wanted: readonly string[], all: readonly T[]): readonly T[] {
  const unknown = wanted.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`bench: ${option}: read '${unknown}', expected one of ${all.join(', ')}\n`);
    process.exit(2);
  }
  return wanted.length === 0 ? all : all.filter((name) => wanted.includes(name));
}

function whole(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9][0-9]{0,2}$/.test(text)) {
    process.stderr.write(`bench: ${option}: read '${text}', expected a whole number from 1 to 999\n`);
    process.exit(2);
  }
  return Number(text);
}
