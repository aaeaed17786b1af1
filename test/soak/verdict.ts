/** Flat or not: the judgement over the samples; pure. */
import { slopeWithin, type Point, type Slope } from '../../bench/measure/statistics.ts';
import { sumOf, threadsOf, type Held } from './heap.ts';
import { driftOf, driftText, type Drift, type LatencyWindow } from './latency.ts';
import type { Level, Sample } from './sampling.ts';

/** All per hour, with the bounds between which the true slope lies with a confidence of 95 %. */
export interface Verdict {
  /** MB: objects of all threads, just after everything was collected, once it is warm. */
  readonly objects: Slope;
  /** MB: the same of compiled code, of both together, and of resident memory of all processes, in the second half. */
  readonly code: Slope;
  readonly heap: Slope;
  readonly rss: Slope;
  /** MB: resident memory as it is in between, the least value of each window. */
  readonly wandering: Slope;
  readonly descriptors: Slope;
  readonly latency: Drift;
  /** Empty: flat. */
  readonly faults: readonly string[];
}

/** robustness.md, part 2, row 31. */
const MOST_MB_PER_HOUR = 1;
const MOST_DRIFT = 0.1;
/** Share of what is due that may be left out: a few seconds in which the machine did something else. */
const MOST_NOT_SENT = 0.01;
/** A leaked descriptor per minute would be 60. */
const MOST_DESCRIPTORS_PER_HOUR = 6;
/** Minutes in which caches and pools fill. */
export const WARM_UP = 10;
/** Minutes: errors of two windows hang together but little, and the shortest run that is kept has enough of them for bounds. */
const WINDOW = 5;

/**
 * Memory must be shown to grow by less than a MB per hour: a run that cannot tell (too short, too noisy) is not flat. The
 * levels after a collection tell it, because in between resident memory goes up and down by some MB for half an hour at a
 * time; that and descriptors are at fault only where they grow for certain.
 *
 * Objects are judged from the tenth minute on. What holds compiled code too is judged in the second half: V8 compiles what
 * runs once a second only after many minutes (2 MB in the first hour, with no object more), and that comes to an end.
 */
export function judge(
  samples: readonly Sample[],
  levels: readonly Level[],
  latencies: readonly LatencyWindow[],
): Verdict {
  const half = (levels.at(-1)?.minute ?? 0) / 2;
  const from = (minute: number, figure: (level: Level) => number) =>
    slopeWithin(
      levels
        .filter((level) => level.minute >= minute)
        .map((level) => ({ x: level.minute / 60, y: figure(level) / 1e6 })),
    );
  const objects = from(WARM_UP, (level) => held(level, 'objects'));
  const code = from(half, (level) => held(level, 'code'));
  const heap = from(half, (level) => held(level, 'objects') + held(level, 'code'));
  const rss = from(half, (level) => level.rss);
  const later = samples.filter(({ minute }) => minute >= Math.max(WARM_UP, half));
  const wandering = slopeWithin(windowed(later, (sample) => sample.rss / 1e6));
  const descriptors = slopeWithin(
    windowed(
      samples.filter(({ minute }) => minute >= WARM_UP),
      (sample) => sample.descriptors,
    ),
  );
  const latency = driftOf(latencies.filter(({ minute }) => minute >= WARM_UP));
  const faults = [
    ...complaint('objects after a collection', objects),
    ...complaint('heap after a collection, with code,', heap),
    ...complaint('resident memory after a collection', rss),
    ...(wandering.low > MOST_MB_PER_HOUR ? [`resident memory grows by ${slopeText(wandering)} MB/h`] : []),
    ...(descriptors.low > 0 && descriptors.slope > MOST_DESCRIPTORS_PER_HOUR
      ? [`descriptors grow by ${slopeText(descriptors)}/h`]
      : []),
    // NaN, too few windows, is a fault as well
    ...(latency.drift < MOST_DRIFT ? [] : [`latency: ${driftText(latency)}; expected below ${100 * MOST_DRIFT} %`]),
  ];
  return { objects, code, heap, rss, wandering, descriptors, latency, faults };
}

/** A fault where a run did not send what it says; pure. */
export function shortfall({ all, notSent }: { readonly all: number; readonly notSent: number }): string[] {
  if (notSent <= MOST_NOT_SENT * all) return [];
  return [`${notSent} of ${all} requests were not sent, too many were under way: lower the rate (RATE=N)`];
}

const held = (level: Level, part: keyof Held): number => sumOf(threadsOf(level.heap), part);

/** `0.12 (-0.3 … 0.5)`. */
export function slopeText({ slope, low, high }: Slope): string {
  return `${slope.toFixed(2)} (${low.toFixed(1)} … ${high.toFixed(1)})`;
}

function complaint(what: string, found: Slope): string[] {
  if (found.high <= MOST_MB_PER_HOUR) return [];
  if (found.low > 0) return [`${what} grows by ${slopeText(found)} MB/h`];
  return [
    `${what} is not shown to grow by less than ${MOST_MB_PER_HOUR} MB/h: ${slopeText(found)}; a longer run tells`,
  ];
}

/** The least value of each window. */
function windowed(samples: readonly Sample[], figure: (sample: Sample) => number): Point[] {
  const least = new Map<number, Point>();
  for (const sample of samples) {
    const window = Math.floor(sample.minute / WINDOW);
    const y = figure(sample);
    if (y < (least.get(window)?.y ?? Number.POSITIVE_INFINITY)) least.set(window, { x: sample.minute / 60, y });
  }
  return [...least.values()];
}
