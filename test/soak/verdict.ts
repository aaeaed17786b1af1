/** Flat or not: the judgement over the samples; pure. */
import { slope } from '../../bench/measure/statistics.ts';
import type { Sample } from './sampling.ts';

export interface Verdict {
  /** MB per hour; of the least value of each window, so that what a collector frees now and then is no growth. */
  readonly rssSlope: number;
  /** Of what all threads hold after a full collection; null where it was not looked at twice. */
  readonly heapSlope: number | null;
  /** Per hour. */
  readonly descriptorSlope: number;
  /** Empty: flat. */
  readonly faults: readonly string[];
}

/** robustness.md, part 2, row 31. */
const MOST_MB_PER_HOUR = 1;
/** A leaked descriptor per minute would be 60. */
const MOST_DESCRIPTORS_PER_HOUR = 6;
/** Slopes over less than this say nothing. */
const LEAST_MINUTES = 45;
const WINDOWS = 12;

export interface Held {
  readonly minute: number;
  readonly bytes: number;
}

export function judge(samples: readonly Sample[], held: readonly Held[]): Verdict {
  const last = samples.at(-1)?.minute ?? 0;
  // Caches, pools and compiled code fill; then the first look at the heap frees what grows again for ten minutes.
  const settled = samples.filter((sample) => sample.minute >= last / 2);
  const perHour = (figure: (sample: Sample) => number) => 60 * slope(windowed(settled, figure));
  const rssSlope = perHour((sample) => sample.rss / 1e6);
  const heapSlope =
    held.length < 2 ? null : 60 * slope(held.map(({ minute, bytes }) => ({ x: minute, y: bytes / 1e6 })));
  const descriptorSlope = perHour((sample) => sample.descriptors);
  const faults = [
    ...(rssSlope > MOST_MB_PER_HOUR ? [`resident memory grows by ${rssSlope.toFixed(2)} MB/h`] : []),
    ...(heapSlope !== null && heapSlope > MOST_MB_PER_HOUR ? [`heap grows by ${heapSlope.toFixed(2)} MB/h`] : []),
    ...(descriptorSlope > MOST_DESCRIPTORS_PER_HOUR ? [`descriptors grow by ${descriptorSlope.toFixed(1)}/h`] : []),
  ];
  return { rssSlope, heapSlope, descriptorSlope, faults: last < LEAST_MINUTES ? [] : faults };
}

/** The least value of each of twelve windows of equal length. */
function windowed(samples: readonly Sample[], figure: (sample: Sample) => number): { x: number; y: number }[] {
  const first = samples[0]?.minute ?? 0;
  const length = ((samples.at(-1)?.minute ?? 0) - first) / WINDOWS || 1;
  const least = new Map<number, { x: number; y: number }>();
  for (const sample of samples) {
    const window = Math.min(WINDOWS - 1, Math.floor((sample.minute - first) / length));
    const y = figure(sample);
    if (y < (least.get(window)?.y ?? Number.POSITIVE_INFINITY)) least.set(window, { x: sample.minute, y });
  }
  return [...least.values()];
}
