import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

import { isLogLevel, LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import { type CommandHelp, type CommandLine, UsageError } from './command-line.ts';
import { defaultSocketPath } from './socket-path.ts';

export interface ServeOptions {
  readonly config: string;
  readonly admin: { readonly address: string; readonly port: number } | null;
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
  const level = line.value('log-level') ?? 'info';
  if (!isLogLevel(level)) throw wrong('log-level', level, `one of ${LOG_LEVELS.join(', ')}`);
  const stateDir = line.value('state-dir');
  if (stateDir === '') throw wrong('state-dir', stateDir, 'the path of a directory');
  // Its files end in .json, and would be read as manifests.
  if (stateDir !== null && resolve(stateDir) === resolve(config)) {
    throw wrong('state-dir', stateDir, 'another directory than that of --config');
  }
  const named = line.value('admin-socket') ?? environment['TCPVS_SOCKET'] ?? '';
  return {
    config,
    admin: address(line.value('admin')),
    adminSocket: socket(named === '' ? defaultSocketPath(environment) : named),
    workers: number(line, 'workers', Math.min(availableParallelism(), MAX_WORKERS), 1, MAX_WORKERS, true),
    stateDir,
    logLevel: level,
    trustedProxies: networks(line.value('trusted-proxies')),
    accessLog: number(line, 'access-log', 0, 0, 1, false),
    drainTimeout: number(line, 'drain-timeout', 30, 1, 86_400, false) * 1000,
    drainDelay: number(line, 'drain-delay', 0.2, 0, 3600, false) * 1000,
    metricSeries: number(line, 'metric-series', 500, 0, 1_000_000, true),
    className: className(line.value('class') ?? 'tcpvs'),
  };
}

function number(
  line: CommandLine,
  name: string,
  otherwise: number,
  least: number,
  most: number,
  whole: boolean,
): number {
  const text = line.value(name);
  if (text === null) return otherwise;
  const value = Number(text);
  const is = /^\d+(?:\.\d+)?$/.test(text) && value >= least && value <= most && (!whole || Number.isInteger(value));
  if (!is) throw wrong(name, text, `${whole ? 'an integer' : 'a number'} from ${least} to ${most}`);
  return value;
}

/** `127.0.0.1:9000`, `[::1]:9000`, `localhost:9000`. */
function address(text: string | null): ServeOptions['admin'] {
  if (text === null) return null;
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const numeric = host === 'localhost' ? '127.0.0.1' : host;
  if (match === null || isIP(numeric) === 0 || port > 65_535) {
    throw wrong('admin', text, 'ADDRESS:PORT with a numeric address, such as 127.0.0.1:9000 or [::1]:9000');
  }
  return { address: numeric, port };
}

/** sockaddr_un has 108 bytes, with the 0 behind the path. */
function socket(path: string): string {
  if (Buffer.byteLength(path) > 107) throw wrong('admin-socket', path, 'a path of at most 107 bytes');
  return path;
}

function networks(text: string | null): readonly string[] {
  if (text === null || text === '') return [];
  const parts = text.split(',').map((part) => part.trim());
  for (const part of parts) {
    const [ip = '', prefix, ...rest] = part.split('/');
    const bits = isIP(ip) === 6 ? 128 : 32;
    const right =
      isIP(ip) !== 0 &&
      rest.length === 0 &&
      (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
    if (!right) throw wrong('trusted-proxies', part, 'a network such as 10.0.0.0/8 or fd00::/8');
  }
  return parts;
}

function className(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw wrong('class', text, 'a name of lower-case letters, digits and -');
  return text;
}

function wrong(name: string, read: string, expected: string): UsageError {
  return new UsageError(`--${name}: read ${JSON.stringify(read.slice(0, 200))}, expected ${expected}`);
}
