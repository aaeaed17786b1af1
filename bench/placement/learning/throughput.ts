/** How well throughput by concurrency is learned: at levels that were held out, and on systems that have no peak. */
import { addLevels, fitConcurrency, newLevelBook } from '../../../src/learning/concurrency.ts';
import { holdOut, observe, observeSamples, type Truth } from '../../../src/learning/fixture.ts';
import { sampledLevels } from '../../../src/learning/sampled-levels.ts';
import { throughputAt } from '../../../src/learning/throughput-curve.ts';
import { type LevelSums, LEVELS, noLevels } from '../../../src/model/levels.ts';
import type { Random } from '../../../src/placement/random.ts';

const NOW = 1e12;

export interface Throughput {
  readonly systems: number;
  /** Levels that were seen, and held out; at how many of them throughput is not said to be known. */
  readonly heldOut: number;
  readonly unknown: number;
  /** How far the fit is from the truth at the others: parts of it. */
  readonly median: number;
  readonly percentile95: number;
  readonly worst: number;
  readonly above10: number;
  /** Where there is a peak within what was seen: how many were found, and how far off. */
  readonly peaks: number;
  readonly found: number;
  readonly peakMedian: number;
  readonly peakWorst: number;
}

type Kind = (random: Random) => { readonly throughput: (n: number) => number; readonly peak: number };

/** The law that is fitted, and two that are not: processors of which all are busy from some number on, and one that thrashes. */
export const SYSTEMS: Readonly<Record<string, Kind>> = {
  'c0 + c1 n + c2 n²': (random) => {
    const [peak, c1] = [6 + 40 * random(), 0.05 * random()];
    return { peak, throughput: (n) => n / (0.01 * (1 + c1 * n + (n / peak) ** 2)) };
  },
  'so many processors': (random) => {
    const processors = 2 + Math.floor(random() * 15);
    return { peak: Infinity, throughput: (n) => Math.min(n, processors) / 0.01 };
  },
  'processors, then thrashing': (random) => {
    const processors = 2 + Math.floor(random() * 15);
    const slope = 0.01 + 0.02 * random();
    return {
      peak: processors,
      throughput: (n) => Math.min(n, processors) / 0.01 / (1 + slope * Math.max(0, n - processors)),
    };
  },
};

/** What is seen of a system. */
export type Sight = (truth: Truth, random: Random) => LevelSums;

/** By the one process that all requests go through: so many arrivals. */
export const whole: Sight = (truth, random) => observe(truth, 100_000, random);

export interface Proxies {
  readonly proxies: number;
  /** Seconds that a request takes where it is alone; those of SYSTEMS take 0.01. */
  readonly seconds: number;
  /** Milliseconds by which each of them comes late to an instant at most, by chance, and by which clocks differ. */
  readonly late: number;
  readonly clocks: number;
}

/** Through several proxies, at the instants of as many windows as 100,000 requests take to come, of 2,000 at most. */
export function sampled({ proxies, seconds, late, clocks }: Proxies): Sight {
  return ({ rate, most, throughput }, random) => {
    const slower = seconds / 0.01;
    const truth = { rate: rate / slower, most, throughput: (n: number) => throughput(n) / slower };
    const behind = Array.from({ length: proxies }, () => clocks * random());
    const samples = {
      proxies,
      windows: Math.min(2000, Math.ceil(100_000 / truth.rate)),
      late: (proxy: number) => behind[proxy]! + late * random(),
    };
    const sums = noLevels();
    for (const windows of observeSamples(truth, samples, random)) {
      for (const { levels } of sampledLevels(windows)) {
        for (let level = 0; level < LEVELS; level++) {
          sums.seconds[level]! += levels.seconds[level]! / slower;
          sums.answers[level]! += levels.answers[level]!;
        }
      }
    }
    return sums;
  };
}

export function measureThroughput(kind: Kind, systems: number, random: Random, sight: Sight = whole): Throughput {
  const off: number[] = [];
  const peaks: number[] = [];
  let [heldOut, withPeak, found] = [0, 0, 0];
  for (let system = 0; system < systems; system++) {
    const { throughput, peak } = kind(random);
    const best = Math.max(...Array.from({ length: 120 }, (_, n) => throughput(n + 1)));
    const seen = sight({ rate: best * (0.5 + 0.48 * random()), most: 120, throughput }, random);
    // Every fourth level is held out, beginning anywhere.
    const held = holdOut(seen, Math.floor(random() * 4));
    const book = newLevelBook();
    addLevels(book, seen, NOW);
    const fit = fitConcurrency(book, NOW);
    if (fit === null) continue;
    for (const n of held) {
      if (n < fit.seen.lowest || n > fit.seen.highest) continue;
      heldOut++;
      if (fit.known === null || n < fit.known.lowest || n > fit.known.highest) continue;
      off.push(Math.abs(throughputAt(fit, n) / throughput(n) - 1));
    }
    if (peak > fit.seen.highest) continue;
    withPeak++;
    if (!fit.peaked) continue;
    found++;
    peaks.push(Math.abs(fit.limit.value / peak - 1));
  }
  off.sort((a, b) => a - b);
  peaks.sort((a, b) => a - b);
  return {
    systems,
    heldOut,
    unknown: heldOut - off.length,
    median: at(off, 0.5),
    percentile95: at(off, 0.95),
    worst: at(off, 1),
    above10: off.filter((each) => each > 0.1).length,
    peaks: withPeak,
    found,
    peakMedian: at(peaks, 0.5),
    peakWorst: at(peaks, 1),
  };
}

export interface Flat {
  readonly systems: number;
  /** Limit over load, of those that a limit was learned for: the least, and the median. */
  readonly limited: number;
  readonly least: number;
  readonly median: number;
  readonly peaks: number;
}

const fewer: Sight = (truth, random) => observe(truth, 40_000, random);

/** Systems that do not become slower, at loads of 0.3 to 200 requests in flight. */
export function measureFlat(systems: number, random: Random, sight: Sight = fewer): Flat {
  const ratios: number[] = [];
  let peaks = 0;
  for (let system = 0; system < systems; system++) {
    const load = 0.3 * 667 ** random();
    const truth = { rate: load / 0.02, most: 4000, throughput: (n: number) => n / 0.02 };
    const book = newLevelBook();
    addLevels(book, sight(truth, random), NOW);
    const fit = fitConcurrency(book, NOW);
    if (fit === null) continue;
    if (fit.peaked) peaks++;
    ratios.push(fit.limit.value / (book.area / book.busy));
  }
  ratios.sort((a, b) => a - b);
  return { systems, limited: ratios.length, least: ratios[0] ?? 0, median: at(ratios, 0.5), peaks };
}

/** Of what is sorted; `part` 0 … 1. */
export function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
