import { resolve } from 'node:path';

import { type CommandHelp, type CommandLine, UsageError } from './command-line.ts';
import { addressOption, type HostPort, wrongOption } from './option-values.ts';
import { defaultSocketPath } from './socket-path.ts';
import { trafficHelp, type TrafficOptions, trafficOptions } from './traffic-options.ts';

export interface ServeOptions extends TrafficOptions {
  readonly config: string;
  readonly admin: HostPort | null;
  readonly adminSocket: string;
  readonly stateDir: string | null;
  /** Where the control groups of the workloads' instances are. */
  readonly cgroups: string | null;
}

/** Seconds. */
const DRAIN_DELAY = 0.2;

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
    'state-dir': {
      value: 'DIR',
      help: 'keeps what tcpvsadm changed, the keys of cookies, and the\nlast good configuration over restarts (default: none)',
    },
    cgroups: {
      value: 'DIR',
      help: 'DIR/SERVER/WORKLOAD are control groups: what the requests of an app\ncost is learned from them (default: none; docs/profiles.md)',
    },
    ...trafficHelp(DRAIN_DELAY),
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
  const cgroups = line.value('cgroups');
  if (cgroups === '') throw wrongOption('cgroups', cgroups, 'the path of a directory');
  // Its files end in .json, and would be read as manifests.
  if (stateDir !== null && resolve(stateDir) === resolve(config)) {
    throw wrongOption('state-dir', stateDir, 'another directory than that of --config');
  }
  const named = line.value('admin-socket') ?? environment['TCPVS_SOCKET'] ?? '';
  return {
    ...trafficOptions(line, DRAIN_DELAY),
    config,
    admin: addressOption(line, 'admin'),
    adminSocket: socket(named === '' ? defaultSocketPath(environment) : named),
    stateDir,
    cgroups,
  };
}

/** sockaddr_un has 108 bytes, with the 0 behind the path. */
function socket(path: string): string {
  if (Buffer.byteLength(path) > 107) throw wrongOption('admin-socket', path, 'a path of at most 107 bytes');
  return path;
}
