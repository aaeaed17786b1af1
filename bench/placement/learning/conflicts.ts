/** How well costs and conflicts are learned from resource-seconds, where they are known. */
import { ResourceBook, type WorkloadGiven } from '../../../src/learning/resource-book.ts';
import type { Random } from '../../../src/placement/random.ts';
import { at } from './throughput.ts';

const NOW = 1e12;
/** Seconds of a window; six hours of them. */
const WINDOW = 5;
const WINDOWS = 4320;
const SERVERS = ['d/h1', 'd/h2', 'd/h3'];
const APPS = ['a', 'b', 'c', 'd'];

export interface ConflictTruth {
  /** Largest part that a neighbour adds; each pair has one of 0 … this. 0: nobody disturbs anybody. */
  readonly chi: number;
  readonly kappa: number;
  /** Standard deviation of what a request takes from window to window, as a part of it. */
  readonly noise: number;
}

export interface ConflictResult extends ConflictTruth {
  readonly scenes: number;
  readonly pairs: number;
  /** Of the pairs: what was learned where the truth is 0 … */
  readonly worstFalse: number;
  readonly above3: number;
  /** … and how far it is from the truth elsewhere (differences of parts), and how many of 0.2 and more were seen at all. */
  readonly median: number;
  readonly percentile95: number;
  readonly large: number;
  readonly seen: number;
  /** Costs alone: parts by which they are off. */
  readonly costMedian: number;
  readonly cost95: number;
}

/**
 * Four workloads, three hosts. Loads move together over the day, and each by itself within minutes, as staggered demand does:
 * where nothing moved by itself nothing could be told.
 */
export function measureConflicts(truth: ConflictTruth, scenes: number, random: Random): ConflictResult {
  const [wrong, off, costs]: [number[], number[], number[]] = [[], [], []];
  let [large, seen] = [0, 0];
  for (let scene = 0; scene < scenes; scene++) {
    const chi = APPS.map((_, a) => APPS.map((__, b) => (a === b ? 0 : truth.chi * random())));
    const cost = APPS.map(() => 0.002 * 20 ** random());
    const book = runScene(truth, chi, cost, random);
    for (const [a, app] of APPS.entries()) {
      const learned = book.costsOf(app, 'cpu', NOW)!;
      costs.push(Math.abs(learned.alone.get(app)!.value / cost[a]! - 1));
      for (const [b, neighbour] of APPS.entries()) {
        if (a === b) continue;
        const value = learned.factors.get(neighbour)?.value ?? 0;
        const real = chi[a]![b]!;
        if (real === 0) wrong.push(value);
        else off.push(Math.abs(value - real));
        if (real < 0.2) continue;
        large++;
        if (value > 0) seen++;
      }
    }
  }
  for (const list of [wrong, off, costs]) list.sort((x, y) => x - y);
  return {
    ...truth,
    scenes,
    pairs: wrong.length + off.length,
    worstFalse: at(wrong, 1),
    above3: wrong.filter((each) => each > 0.03).length,
    median: at(off, 0.5),
    percentile95: at(off, 0.95),
    large,
    seen,
    costMedian: at(costs, 0.5),
    cost95: at(costs, 0.95),
  };
}

function runScene(
  { kappa, noise }: ConflictTruth,
  chi: readonly (readonly number[])[],
  cost: readonly number[],
  random: Random,
): ResourceBook {
  const given: WorkloadGiven[] = APPS.map((app) => ({ workload: app, apps: [app], servers: SERVERS }));
  const book = new ResourceBook();
  const seconds = cost.map((each) => 2 * each);
  // As busy as it gets: about four requests of each in flight.
  const most = 4;
  const load = SERVERS.map(() => APPS.map(() => random()));
  for (let window = 0; window < WINDOWS; window++) {
    const day = 0.6 + 0.4 * Math.sin((2 * Math.PI * window) / WINDOWS);
    const uses = SERVERS.flatMap((server, host) => {
      // Wandering by itself, over about two minutes.
      for (const a of APPS.keys()) load[host]![a] = clamp(load[host]![a]! + 0.2 * (random() - 0.5));
      const inflight = APPS.map((_, a) => most * day * load[host]![a]!);
      const total = inflight.reduce((sum, each) => sum + each, 0);
      return APPS.map((app, a) => {
        const answered = Math.round((inflight[a]! / seconds[a]!) * WINDOW);
        book.add([
          {
            matrix: 'd/m',
            app,
            server,
            arrivals: answered,
            answered,
            seconds: answered * seconds[a]!,
            failures: 0,
            timeouts: 0,
            levels: null,
          },
        ]);
        const pressed = inflight.reduce(
          (sum, each, b) => sum + chi[a]![b]! * Math.min(1, each / most),
          1 + kappa * total,
        );
        const drift = 1 + noise * (random() + random() + random() - 1.5) * 2;
        return {
          server,
          workload: app,
          seconds: WINDOW,
          amounts: { cpu: 0.1 + answered * cost[a]! * pressed * drift },
        };
      });
    });
    book.addUses(given, uses, NOW + window * WINDOW * 1000);
  }
  return book;
}

const clamp = (value: number): number => Math.min(1, Math.max(0.02, value));
