/** Options of everything that moves requests: `serve` and `proxy`. */
import { availableParallelism } from 'node:os';

import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import type { CommandLine, OptionSpec } from './command-line.ts';
import { classOption, levelOption, networksOption, numberOption, sizeOption } from './option-values.ts';
import { OTLP_HEADERS, otlpOption } from './otlp-option.ts';

export interface TrafficOptions {
  readonly workers: number;
  readonly logLevel: LogLevel;
  readonly trustedProxies: readonly string[];
  /** 0 … 1 */
  readonly accessLog: number;
  /** Where spans go, and with which header fields; null: nowhere. */
  readonly otlp: { readonly endpoint: URL; readonly headers: Readonly<Record<string, string>> } | null;
  /** 0 … 1; null: it is not said. */
  readonly traceSample: number | null;
  /** Milliseconds. */
  readonly drainTimeout: number;
  readonly drainDelay: number;
  readonly metricSeries: number;
  readonly className: string;
  /** Bytes that the serving process may have; null: as its control group says. */
  readonly memoryLimit: number | null;
}

/** Requests in flight at one endpoint where its real server does not say; finite, as every limit. */
export const MAX_CONNECTIONS = 1024;

/** As the proxy's shared memory is laid out (MAX_WORKERS). */
const MAX_WORKERS = 16;

/** A serving process with one worker has some 80 MB when it is idle. */
const LEAST_MEMORY = 128 * 2 ** 20;

const SHARE = { otherwise: 0, least: 0, most: 1, whole: false };

/** `drainDelay` in seconds, where the command line says nothing. */
export function trafficHelp(drainDelay: number): Record<string, OptionSpec> {
  return {
    workers: { value: 'N', help: `threads that move requests, 1…${MAX_WORKERS} (default: one per processor)` },
    'log-level': { value: 'LEVEL', help: `${LOG_LEVELS.join(', ')}\n(default: info)` },
    'trusted-proxies': { value: 'CIDR,…', help: 'whose X-Forwarded-* is believed (default: nobody’s)' },
    'access-log': { value: 'SHARE', help: 'share of requests in the log, 0…1 (default: 0)' },
    'otlp-endpoint': {
      value: 'URL',
      help: `a collector's, such as http://127.0.0.1:4318: spans of traced requests go\nto URL/v1/traces, with the fields of the variable ${OTLP_HEADERS}`,
    },
    'trace-sample': {
      value: 'SHARE',
      help: 'share of traces that begin here and are recorded, 0…1\n(default: 0.01 with --otlp-endpoint; else traceparent is passed on as it comes)',
    },
    'drain-timeout': { value: 'S', help: 'seconds that requests have to finish after SIGTERM (default: 30)' },
    'drain-delay': {
      value: 'S',
      help: `seconds in which connections are still accepted after SIGTERM,\nwhile /readyz says no (default: ${drainDelay})`,
    },
    'metric-series': { value: 'N', help: 'most series of metrics that grow with objects (default: 500)' },
    'memory-limit': {
      value: 'SIZE',
      help: 'memory of the serving process, such as 512Mi: near it, work is refused\n(default: as its control group says, where that has a limit)',
    },
    class: { value: 'NAME', help: 'objects of which spec.className (default: tcpvs)' },
  };
}

/** Errors: UsageError, which names the option, what was read and what was expected. */
export function trafficOptions(line: CommandLine, drainDelay: number): TrafficOptions {
  return {
    workers: numberOption(line, 'workers', {
      otherwise: Math.min(availableParallelism(), MAX_WORKERS),
      least: 1,
      most: MAX_WORKERS,
      whole: true,
    }),
    logLevel: levelOption(line),
    trustedProxies: networksOption(line, 'trusted-proxies'),
    accessLog: numberOption(line, 'access-log', SHARE),
    otlp: otlpOption(line),
    traceSample: line.value('trace-sample') === null ? null : numberOption(line, 'trace-sample', SHARE),
    drainTimeout: numberOption(line, 'drain-timeout', { otherwise: 30, least: 1, most: 86_400, whole: false }) * 1000,
    drainDelay: numberOption(line, 'drain-delay', { otherwise: drainDelay, least: 0, most: 3600, whole: false }) * 1000,
    metricSeries: numberOption(line, 'metric-series', { otherwise: 500, least: 0, most: 1_000_000, whole: true }),
    className: classOption(line),
    memoryLimit: sizeOption(line, 'memory-limit', LEAST_MEMORY),
  };
}
