/** What `/metrics` shows, made at the scrape from what the serving process has counted and the controller knows. */
import { configHash } from './config-hash.ts';
import { counter, type Family, gauge } from './exposition.ts';
import type { Histogram } from './histogram.ts';
import { type Traffic, trafficFamilies } from './metrics-traffic.ts';
import { processFamilies } from './process.ts';
import type { SeriesBudget } from './series.ts';

export interface MetricsInput {
  readonly version: string;
  readonly config: ConfigState;
  /** Objects by kind, and whether their `Ready` condition is True, False or Unknown; null: it has none, as a cluster's proxy. */
  readonly objects: readonly { readonly kind: string; readonly ready: 'True' | 'False' | 'Unknown' }[] | null;
  readonly ready: boolean;
  /** Null while the serving process has not started. */
  readonly traffic: Traffic | null;
}

export interface ConfigState {
  /** Grows by one with every snapshot that was served. */
  readonly generation: number;
  /** Id of the snapshot in force; null: there is none. */
  readonly snapshot: string | null;
  readonly lastApplySuccess: boolean;
  /** Seconds since 1970; null: never. */
  readonly lastApplyAt: number | null;
  /** Faults that stand in the configuration's files now. */
  readonly faults: number;
  readonly applyDuration: Histogram;
  readonly propagation: Histogram;
}

export function collectMetrics(input: MetricsInput, budget: SeriesBudget): Family[] {
  const { config } = input;
  const families = [
    gauge('tcpvs_build_info', 'Version of this program; always 1.', [
      { labels: { version: input.version, node: process.version }, value: 1 },
    ]),
    gauge('tcpvs_ready', '1 while /readyz says that traffic may be sent here.', input.ready ? 1 : 0),
    gauge('tcpvs_config_generation', 'Snapshots that were put in force since start.', config.generation),
    configHash(config.snapshot),
    gauge(
      'tcpvs_config_last_apply_success',
      '1 if the last change of the configuration was free of faults and is in force.',
      config.lastApplySuccess ? 1 : 0,
    ),
    gauge(
      'tcpvs_config_last_apply_success_timestamp_seconds',
      'When a change of the configuration was last put in force.',
      config.lastApplyAt === null ? [] : config.lastApplyAt,
    ),
    gauge('tcpvs_config_faults', 'Faults that stand in the configuration now.', config.faults),
    config.applyDuration.family(
      'tcpvs_config_apply_duration_seconds',
      'From handing a snapshot to the workers to the last acknowledgement.',
    ),
    config.propagation.family(
      'tcpvs_config_propagation_seconds',
      'From noticing a change of the configuration to the last acknowledgement.',
    ),
    gauge(
      'tcpvs_objects',
      'Objects by kind and by their condition Ready.',
      input.objects === null ? [] : objectSamples(input.objects),
    ),
    ...(input.traffic === null ? [] : trafficFamilies(input.traffic, budget)),
    ...processFamilies(),
  ];
  families.push(
    counter(
      'tcpvs_metric_series_dropped_total',
      'Series that the limit on series left out, summed over scrapes.',
      budget.dropped,
    ),
  );
  return families;
}

function objectSamples(objects: NonNullable<MetricsInput['objects']>) {
  const numbers = new Map<string, number>();
  for (const kind of ['TcpVirtualServer', 'RealServer', 'AppWeightMatrix']) {
    for (const status of ['ready', 'not_ready', 'unknown']) numbers.set(`${kind} ${status}`, 0);
  }
  const words = { True: 'ready', False: 'not_ready', Unknown: 'unknown' } as const;
  for (const { kind, ready } of objects) {
    const key = `${kind} ${words[ready]}`;
    numbers.set(key, (numbers.get(key) ?? 0) + 1);
  }
  return [...numbers].map(([key, value]) => {
    const [kind = '', status = ''] = key.split(' ');
    return { labels: { kind, status }, value };
  });
}
