/** Added latency at a constant rate of half of what the slowest of the peers can do, with few and with many connections. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';

import { CASES, PATHS } from '../cases.ts';
import type { OpenLoopOptions, OpenLoopResult } from '../measure/open-loop.ts';
import { ENVIRONMENT, tree } from '../measure/process.ts';
import type { Spells } from '../measure/slow-spells.ts';
import { capture, wrk } from '../measure/wrk.ts';
import type { PeerName } from '../peers/peer.ts';
import { onStage, rotated, type Settings, type Stage } from './stage.ts';

/** `direct`: without a proxy between, the floor of the method. */
export type Subject = PeerName | 'direct';

export interface LatencyResult {
  readonly connections: number;
  /** Requests per second, the same for all. */
  readonly rate: number;
  /** The machine with nothing on it but the generator's core kept busy, once for each round. */
  readonly machine: readonly Spells[];
  readonly rounds: readonly Partial<Record<Subject, OpenLoopResult>>[];
}

const CONNECTIONS = [1, 64, 512];
const GENERATOR = join(import.meta.dirname, '../measure/open-loop.ts');
const SPELLS = join(import.meta.dirname, '../measure/slow-spells.ts');
/** The generator itself spends some 20 µs on a request. */
const MOST_RATE = 15_000;
/** Fewer say nothing about 99.9 %; only a machine that is busy with other things cannot do twice that. */
const LEAST_RATE = 500;

export function measureLatency(settings: Settings): Promise<LatencyResult[]> {
  const [each] = CASES;
  if (each === undefined) throw new Error('no case');
  return onStage(each.body, async (stage) => {
    const results: LatencyResult[] = [];
    for (const connections of CONNECTIONS) {
      const rate = await halfOfSaturation(stage, settings, connections);
      const machine: Spells[] = [];
      const rounds: Partial<Record<Subject, OpenLoopResult>>[] = [];
      for (let round = 0; round < settings.rounds; round++) {
        settings.progress(`latency: ${connections} connections, ${rate}/s, round ${round + 1} of ${settings.rounds}`);
        const result: Partial<Record<Subject, OpenLoopResult>> = {};
        for (const subject of rotated<Subject>([...settings.peers, 'direct'], round)) {
          result[subject] = await latencyOf(stage, subject, { connections, rate, settings });
        }
        rounds.push(result);
        machine.push(await spellsOfMachine(settings));
      }
      results.push({ connections, rate, machine, rounds });
    }
    return results;
  });
}

async function halfOfSaturation(stage: Stage, settings: Settings, connections: number): Promise<number> {
  const rates: number[] = [];
  for (const peer of settings.peers) {
    settings.progress(`latency: saturation with ${connections} connections, ${peer}`);
    const running = await stage.start(peer);
    try {
      pin(running.pid, PROXY_CORE);
      const load = { port: running.port, connections, paths: PATHS, headers: {}, directory: stage.directory };
      await wrk({ ...load, seconds: settings.warmUp });
      // Longer than the slowest answer: wrk counts what was answered in time.
      const { requests, seconds } = await wrk({ ...load, seconds: 3 });
      rates.push(requests / seconds);
    } finally {
      await running.stop();
    }
  }
  return Math.max(LEAST_RATE, Math.round(Math.min(MOST_RATE, ...rates.map((rate) => rate / 2))));
}

async function spellsOfMachine({ warmUp, seconds }: Settings): Promise<Spells> {
  const together = warmUp + seconds;
  const spin = `for (const until = Date.now() + ${1e3 * together}; Date.now() < until; );`;
  const spinning = capture('taskset', ['-c', String(GENERATOR_CORE), process.execPath, '--eval', spin]);
  const text = await capture('taskset', ['-c', String(PROXY_CORE), process.execPath, SPELLS, String(together)]);
  await spinning;
  return JSON.parse(text) as Spells;
}

async function latencyOf(
  stage: Stage,
  subject: Subject,
  { connections, rate, settings }: { connections: number; rate: number; settings: Settings },
): Promise<OpenLoopResult> {
  const running = subject === 'direct' ? null : await stage.start(subject);
  try {
    if (running !== null) pin(running.pid, PROXY_CORE);
    const port = running?.port ?? stage.servers[0] ?? 0;
    const { warmUp, seconds } = settings;
    const options: OpenLoopOptions = { port, connections, rate, warmUp, seconds, paths: PATHS };
    const command = [process.execPath, GENERATOR, JSON.stringify(options)];
    const text = await capture('taskset', ['-c', String(GENERATOR_CORE), ...command]);
    return JSON.parse(text) as OpenLoopResult;
  } finally {
    await running?.stop();
  }
}

/** The generator polls: it has the last core to itself, and the proxy must not be put there. */
const GENERATOR_CORE = cpus().length - 1;
const PROXY_CORE = 0;

function pin(pid: number, core: number): void {
  if (cpus().length < 2) return;
  for (const each of tree(pid))
    spawnSync('taskset', ['-a', '-c', '-p', String(core), String(each)], { env: ENVIRONMENT });
}
