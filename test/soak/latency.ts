/**
 * How long a plain request takes, through tcpvs and straight to a server at the same moment: what the machine and the load
 * generator do to the one they do to the other. Pure but for the recorder's counting.
 */
import { Histogram } from '../../bench/measure/histogram.ts';
import { median } from '../../bench/measure/statistics.ts';

export type Way = 'proxied' | 'direct';

/** 99th percentiles of so long, in milliseconds. */
export interface LatencyWindow {
  /** Its end, since start. */
  readonly minute: number;
  readonly proxied: number;
  readonly direct: number;
}

export class LatencyRecorder {
  #histograms = { proxied: new Histogram(), direct: new Histogram() };

  record(way: Way, milliseconds: number): void {
    this.#histograms[way].record(1000 * milliseconds);
  }

  /** What was recorded since the last call; null where that is too little for a percentile. */
  take(minute: number): LatencyWindow | null {
    const { proxied, direct } = this.#histograms;
    this.#histograms = { proxied: new Histogram(), direct: new Histogram() };
    if (Math.min(proxied.count, direct.count) < LEAST) return null;
    return { minute, proxied: proxied.percentile(0.99) / 1000, direct: direct.percentile(0.99) / 1000 };
  }
}

/** Ten of them are above the 99th percentile. */
const LEAST = 1_000;

export interface Drift {
  /** Medians over the windows of the first and of the last quarter, in milliseconds. */
  readonly proxied: readonly [number, number];
  readonly direct: readonly [number, number];
  /** By how much the proxied one has become longer beyond what the direct one has, 0.1 for 10 %; NaN where there is no quarter. */
  readonly drift: number;
}

export function driftOf(windows: readonly LatencyWindow[]): Drift {
  const quarter = Math.floor(windows.length / 4);
  const first = windows.slice(0, quarter);
  const last = windows.slice(windows.length - quarter);
  const of = (way: Way): [number, number] => [
    median(first.map((each) => each[way])),
    median(last.map((each) => each[way])),
  ];
  const proxied = of('proxied');
  const direct = of('direct');
  return { proxied, direct, drift: proxied[1] / proxied[0] / (direct[1] / direct[0]) - 1 };
}

/** `p99 3.1 → 3.0 ms (straight to a server 1.2 → 1.2), drift -4 %`. */
export function driftText({ proxied, direct, drift }: Drift): string {
  return `p99 ${quarters(proxied)} ms (straight to a server ${quarters(direct)}), drift ${(100 * drift).toFixed(0)} %`;
}

const quarters = ([first, last]: readonly [number, number]): string => `${first.toFixed(1)} → ${last.toFixed(1)}`;
