/** Processor time per request: the first figure. Interleaved rounds, fresh processes, warm-up, `wrk` in a closed loop. */
import { PATHS, type Case } from '../cases.ts';
import { h2load } from '../measure/h2load.ts';
import { cpuTime } from '../measure/process.ts';
import { median } from '../measure/statistics.ts';
import { wrk } from '../measure/wrk.ts';
import { WITHOUT_HTTP2, type PeerName } from '../peers/peer.ts';
import { onStage, rotated, type PeerOptions, type Settings, type Stage } from './stage.ts';

export interface Sample {
  readonly requests: number;
  readonly errors: number;
  /** Requests per second of the clock: with wrk and the servers on the same cores, of little meaning. */
  readonly rate: number;
  /** Microseconds of processor time per request, of the whole process tree. */
  readonly user: number;
  readonly system: number;
}

const WARM_REQUESTS = 30_000;
const MOST_WARM_UPS = 4;

export type Round = Partial<Record<PeerName, Sample>>;

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly rounds: readonly Round[];
}

export function measureCase(each: Case, settings: Settings): Promise<CaseResult> {
  return onStage(each.body, async (stage) => {
    const peers = settings.peers.filter((peer) => each.http2 !== true || !WITHOUT_HTTP2.includes(peer));
    const rounds: Round[] = [];
    for (let round = 0; round < settings.rounds; round++) {
      const result: Round = {};
      for (const peer of rotated(peers, round)) {
        settings.progress(`${each.name}: round ${round + 1} of ${settings.rounds}, ${peer}`);
        result[peer] = await sample(stage, peer, each, settings, {
          bodyBuffer: each.bodyBuffer,
          tls: each.tls === true,
          http2: each.http2 === true,
          h2c: each.h2c ?? null,
        });
      }
      rounds.push(result);
    }
    return { name: each.name, title: each.title, rounds };
  });
}

export async function sample(
  stage: Stage,
  peer: PeerName,
  each: Case,
  settings: Settings,
  options: PeerOptions,
): Promise<Sample> {
  const running = await stage.start(peer, options);
  try {
    const generator = each.http2 === true ? h2load : wrk;
    const load = (seconds: number) =>
      generator({
        port: running.port,
        connections: each.connections,
        seconds,
        paths: PATHS,
        tls: each.tls === true,
        headers: each.headers,
        directory: stage.directory,
      });
    // Compilers warm up by what they have run, not by the clock: on a busy machine it takes longer.
    for (let warmed = 0, turn = 0; warmed < WARM_REQUESTS && turn < MOST_WARM_UPS; turn++) {
      warmed += (await load(settings.warmUp)).requests;
    }
    const before = cpuTime(running.pid);
    const result = await load(settings.seconds);
    const after = cpuTime(running.pid);
    const perRequest = (seconds: number) => (1e6 * seconds) / Math.max(1, result.requests);
    return {
      requests: result.requests,
      errors: result.errors,
      rate: result.requests / result.seconds,
      user: perRequest(after.user - before.user),
      system: perRequest(after.system - before.system),
    };
  } finally {
    await running.stop();
  }
}

export const cost = (one: Sample): number => one.user + one.system;

/** The peer's processor time divided by ours, round by round, then the median: above 1 we are cheaper. */
export function ratio(
  rounds: readonly Round[],
  peer: PeerName,
): { median: number; least: number; most: number } | null {
  const ratios = rounds.flatMap((round) => {
    const ours = round.tcpvs;
    const theirs = round[peer];
    return ours === undefined || theirs === undefined ? [] : [cost(theirs) / cost(ours)];
  });
  if (ratios.length === 0) return null;
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}

/** The median over the rounds, figure by figure. */
export function typical(rounds: readonly Round[], peer: PeerName): (Sample & { readonly cost: number }) | null {
  const samples = rounds.flatMap((round) => round[peer] ?? []);
  if (samples.length === 0) return null;
  const of = (figure: (one: Sample) => number) => median(samples.map(figure));
  return {
    requests: samples.reduce((sum, one) => sum + one.requests, 0),
    errors: samples.reduce((sum, one) => sum + one.errors, 0),
    rate: of((one) => one.rate),
    user: of((one) => one.user),
    system: of((one) => one.system),
    cost: of(cost),
  };
}
