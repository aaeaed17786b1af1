/** What pods use, as the metrics API has it (metrics.k8s.io, which metrics-server serves): the mean of a window, of the processor alone. */
import type { KubeObject, Resource } from '../../kube/resource.ts';
import { parseQuantity } from '../../placement/problem/quantity.ts';

export const POD_METRICS: Resource = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  plural: 'pods',
  kind: 'PodMetrics',
};

export interface PodSample {
  readonly pod: string;
  /** The window: milliseconds since 1970, by the clock of the pod's node. */
  readonly from: number;
  readonly to: number;
  /** In the mean, of all containers. */
  readonly cores: number;
}

/** Null: it is none, or says what cannot be. */
export function podSample({ metadata, timestamp, window, containers }: KubeObject): PodSample | null {
  const to = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  const seconds = typeof window === 'string' ? goDuration(window) : null;
  if (Number.isNaN(to) || seconds === null || seconds <= 0 || !Array.isArray(containers)) return null;
  let cores = 0;
  for (const { usage } of containers as readonly { readonly usage?: { readonly cpu?: unknown } }[]) {
    const amount = usage?.cpu;
    const own = typeof amount === 'string' || typeof amount === 'number' ? parseQuantity(amount) : null;
    if (own === null) return null;
    cores += own;
  }
  return { pod: metadata.name, from: to - 1000 * seconds, to, cores };
}

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

/** Seconds of a duration as Go writes it: `15.023s`, `1m0.5s`, `20µs`; null where the text is none. */
export function goDuration(written: string): number | null {
  const text = written.replaceAll('\u00b5', 'u');
  if (text.length > 64 || !/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|ns))+$/.test(text)) return null;
  return [...text.matchAll(/([\d.]+)([a-z]+)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * UNITS[unit]!,
    0,
  );
}
