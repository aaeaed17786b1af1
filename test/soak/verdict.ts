/** Flat or not: the judgement over the samples; pure. */
import { slopeWithin, type Point, type Slope } from '../../bench/measure/statistics.ts';
import type { Level, Sample } from './sampling.ts';

/** All per hour, with the bounds between which the true slope lies with a confidence of 95 %. */
export interface Verdict {
  /** MB: resident memory of all processes, and the heap of all threads, just after everything was collected. */
  readonly rss: Slope;
  readonly heap: Slope;
  /** MB: resident memory as it is in between, the least value of each window. */
  readonly wandering: Slope;
  readonly descriptors: Slope;
  /** Empty: flat. */
  readonly faults: readonly string[];
}

/** robustness.md, part 2, row 31. */
const MOST_MB_PER_HOUR = 1;
/** A leaked descriptor per minute would be 60. */
const MOST_DESCRIPTORS_PER_HOUR = 6;
/** Minutes in which caches, pools and compiled code fill. */
export const WARM_UP = 10;
/** Minutes: errors of two windows hang together but little, and the shortest run that is kept has enough of them for bounds. */
const WINDOW = 5;

/**
 * Memory must be shown to grow by less than a MB per hour: a run that cannot tell (too short, too noisy) is not flat. The
 * levels after a collection tell it, because in between resident memory goes up and down by some MB for half an hour at a
 * time; that and descriptors are at fault only where they grow for certain.
 */
export function judge(samples: readonly Sample[], levels: readonly Level[]): Verdict {
  const settled = levels.filter(({ minute }) => minute >= WARM_UP);
  const of = (figure: (level: Level) => number) =>
    slopeWithin(settled.map((level) => ({ x: level.minute / 60, y: figure(level) / 1e6 })));
  const later = samples.filter(({ minute }) => minute >= WARM_UP);
  const rss = of((level) => level.rss);
  const heap = of((level) => level.heap);
  const wandering = slopeWithin(windowed(later, (sample) => sample.rss / 1e6));
  const descriptors = slopeWithin(windowed(later, (sample) => sample.descriptors));
  const faults = [
    ...complaint('resident memory after a collection', rss),
    ...complaint('heap after a collection', heap),
    ...(wandering.low > MOST_MB_PER_HOUR ? [`resident memory grows by ${slopeText(wandering)} MB/h`] : []),
    ...(descriptors.low > 0 && descriptors.slope > MOST_DESCRIPTORS_PER_HOUR
      ? [`descriptors grow by ${slopeText(descriptors)}/h`]
      : []),
  ];
  return { rss, heap, wandering, descriptors, faults };
}

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
