import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import { type CommandHelp, type CommandLine, UsageError } from './command-line.ts';
import {
  addressOption,
  classOption,
  type HostPort,
  levelOption,
  networksOption,
  numberOption,
  wrongOption,
} from './option-values.ts';
import { defaultSocketPath } from './socket-path.ts';

export interface ServeOptions {
  readonly config: string;
  readonly admin: HostPort | null;
  readonly adminSocket: string;
  readonly workers: number;
  readonly stateDir: string | null;
  readonly logLevel: LogLevel;
  readonly trustedProxies: readonly string[];
  /** 0 … 1 */
  readonly accessLog: number;
  /** Milliseconds. */
  readonly drainTimeout: number;
  readonly drainDelay: number;
  readonly metricSeries: number;
  readonly className: string;
}

/** As the proxy's shared memory is laid out (MAX_WORKERS). */
const MAX_WORKERS = 16;

export const SERVE_HELP: CommandHelp = {
  name: 'serve',
  summary: 'controller and proxy in one: dispatches requests as manifests say, and follows their changes',
  text: [
    'PATH is a directory of manifests (*.yaml, *.yml, *.json; not below it), one such file, or a KTCPVS\n' +
      'configuration file. It is watched: a change is in force within 100 ms and closes no connection; a faulty\n' +
      'file changes nothing and is reported. SIGHUP reads everything again, SIGTERM drains (twice: ends at once),\n' +
      'SIGUSR2 restarts without losing a connection.',
    'HOST:PORT of --admin has /healthz, /readyz and /metrics. The admin socket has everything; tcpvsadm uses it.',
  ],
  options: {
    config: { value: 'PATH', help: 'what to serve (needed)' },
    admin: { value: 'HOST:PORT', help: 'health, readiness and metrics over TCP (default: none)' },
    'admin-socket': {
      value: 'PATH',
      help: 'Unix socket of the admin API, mode 0600\n(default: TCPVS_SOCKET, else as tcpvsadm)',
    },
    workers: { value: 'N', help: `threads that move requests, 1…${MAX_WORKERS} (default: one per processor)` },
    'state-dir': {
      value: 'DIR',
      help: 'keeps what tcpvsadm changed, the keys of cookies, and the\nlast good configuration over restarts (default: none)',
    },
    'log-level': { value: 'LEVEL', help: `${LOG_LEVELS.join(', ')}\n(default: info)` },
    'trusted-proxies': { value: 'CIDR,…', help: 'whose X-Forwarded-* is believed (default: nobody’s)' },
    'access-log': { value: 'SHARE', help: 'share of requests in the log, 0…1 (default: 0)' },
    'drain-timeout': { value: 'S', help: 'seconds that requests have to finish after SIGTERM (default: 30)' },
    'drain-delay': {
      value: 'S',
      help: 'seconds in which connections are still accepted after SIGTERM,\nwhile /readyz says no (default: 0.2)',
    },
    'metric-series': { value: 'N', help: 'most series of metrics that grow with objects (default: 500)' },
    class: { value: 'NAME', help: 'objects of which spec.className (default: tcpvs)' },
  },
  examples: [
    'tcpvs serve --config /etc/tcpvs --state-dir /var/lib/tcpvs --admin 127.0.0.1:9000',
    'tcpvs serve --config table.conf --workers 2 --log-level debug',
    'tcpvs serve --config . --trusted-proxies 10.0.0.0/8,fd00::/8 --access-log 0.01',
  ],
};

/** Errors: UsageError, which names the option, what was read and what was expected. */
export function serveOptions(line: CommandLine, environment: NodeJS.ProcessEnv = process.env): ServeOptions {
  const config = line.value('config');
  if (config === null || config === '') throw new UsageError('--config PATH is needed');
  const stateDir = line.value('state-dir');
  if (stateDir === '') throw wrongOption('state-dir', stateDir, 'the path of a directory');
  // Its files end in .json, and would be read as manifests.
  if (stateDir !== null && resolve(stateDir) === resolve(config)) {
    throw wrongOption('state-dir', stateDir, 'another directory than that of --config');
  }
  const named = line.value('admin-socket') ?? environment['TCPVS_SOCKET'] ?? '';
  return {
    config,
    admin: addressOption(line, 'admin'),
    adminSocket: socket(named === '' ? defaultSocketPath(environment) : named),
    workers: numberOption(line, 'workers', {
      otherwise: Math.min(availableParallelism(), MAX_WORKERS),
      least: 1,
      most: MAX_WORKERS,
      whole: true,
    }),
    stateDir,
    logLevel: levelOption(line),
    trustedProxies: networksOption(line, 'trusted-proxies'),
    accessLog: numberOption(line, 'access-log', { otherwise: 0, least: 0, most: 1, whole: false }),
    drainTimeout: numberOption(line, 'drain-timeout', { otherwise: 30, least: 1, most: 86_400, whole: false }) * 1000,
    drainDelay: numberOption(line, 'drain-delay', { otherwise: 0.2, least: 0, most: 3600, whole: false }) * 1000,
    metricSeries: numberOption(line, 'metric-series', { otherwise: 500, least: 0, most: 1_000_000, whole: true }),
    className: classOption(line),
  };
}

/** sockaddr_un has 108 bytes, with the 0 behind the path. */
function socket(path: string): string {
  if (Buffer.byteLength(path) > 107) throw wrongOption('admin-socket', path, 'a path of at most 107 bytes');
  return path;
}
