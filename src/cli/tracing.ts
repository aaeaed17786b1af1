/** Tracing as `serve` and `proxy` are told to do it: what workers are given, and where spans go. */
import { hostname } from 'node:os';

import { SpanExporter } from '../otlp/exporter.ts';
import { spanFamilies } from '../otlp/metrics.ts';
import type { ServingOptions } from '../proxy/main/serving.ts';
import type { TracingSettings } from '../proxy/messages.ts';
import type { Family } from '../telemetry/exposition.ts';
import type { Log } from '../telemetry/log.ts';
import type { TrafficOptions } from './traffic-options.ts';
import { VERSION } from './version.ts';

export interface Tracing {
  /** For ProxySettings. */
  readonly settings: TracingSettings | null;
  /** For ServingOptions. */
  readonly serving: Pick<ServingOptions, 'spans'>;
  families(): readonly Family[];
  /** Sends what there is still. */
  close(): Promise<void>;
}

/** Where spans are sent and no share is said. */
const SHARE = 0.01;
/** Milliseconds at the end, within those that a process has to end. */
const CLOSING = 1000;

export function startTracing({ otlp, traceSample }: Pick<TrafficOptions, 'otlp' | 'traceSample'>, log: Log): Tracing {
  if (otlp === null) {
    const settings = traceSample === null ? null : { share: traceSample, exports: false };
    return { settings, serving: {}, families: () => [], close: () => Promise.resolve() };
  }
  const exporter = new SpanExporter({
    ...otlp,
    resource: {
      'service.name': 'tcpvs',
      'service.version': VERSION,
      'service.instance.id': `${hostname()}:${process.pid}`,
    },
    version: VERSION,
    log,
  });
  return {
    settings: { share: traceSample ?? SHARE, exports: true },
    serving: { spans: (spans, dropped) => exporter.add(spans, dropped) },
    families: () => spanFamilies(exporter),
    close: () => exporter.close(CLOSING),
  };
}
