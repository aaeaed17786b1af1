import { isIP } from 'node:net';

import { type CommandHelp, type CommandLine, UsageError } from './command-line.ts';
import { addressOption, type HostPort, wrongOption } from './option-values.ts';
import { trafficHelp, type TrafficOptions, trafficOptions } from './traffic-options.ts';

export interface ProxyOptions extends TrafficOptions {
  readonly controller: { readonly host: string; readonly port: number };
  readonly bundleFile: string;
  readonly tokenFile: string;
  readonly stateDir: string | null;
  readonly admin: HostPort;
}

const BUNDLE = '/etc/tcpvs/ca/ca.crt';
const TOKEN = '/var/run/secrets/tcpvs/token';
/** Seconds; what routes traffic here learns in that time that this proxy is not ready any more. */
const DRAIN_DELAY = 5;
const PORT = 9443;

export const PROXY_HELP: CommandHelp = {
  name: 'proxy',
  summary: 'in a cluster: takes snapshots from the controller, dispatches requests by them',
  text: [
    'It talks to every replica behind the controller’s host name, and has no other way into the cluster: no API\n' +
      'credentials, no objects. The chart (charts/tcpvs) and deploy/ run it with the right flags and mounts.',
    'SIGTERM drains (twice: ends at once), SIGUSR2 restarts without losing a connection, SIGHUP looks for\n' +
      'controllers again. HOST:PORT of --admin has /healthz, /readyz and /metrics.',
  ],
  options: {
    controller: { value: 'URL', help: `https://HOST[:${PORT}], one address per replica (needed)` },
    'ca-file': { value: 'FILE', help: `authorities that sign its certificate, PEM\n(default: ${BUNDLE})` },
    'token-file': { value: 'FILE', help: `token that it knows us by, audience tcpvs\n(default: ${TOKEN})` },
    'state-dir': {
      value: 'DIR',
      help: 'keeps the last good snapshot over restarts; it holds keys, so it\nmust be in memory: a tmpfs (default: none)',
    },
    admin: { value: 'HOST:PORT', help: 'health, readiness and metrics (default: [::]:9000)' },
    ...trafficHelp(DRAIN_DELAY),
  },
  examples: [
    'tcpvs proxy --controller https://tcpvs-controller.tcpvs.svc:9443 --state-dir /var/lib/tcpvs/state',
    'tcpvs proxy --controller https://127.0.0.1:9443 --ca-file ca.crt --token-file token --workers 2',
  ],
};

/** Errors: UsageError, which names the option, what was read and what was expected. */
export function proxyOptions(line: CommandLine): ProxyOptions {
  const controller = line.value('controller') ?? '';
  if (controller === '') throw new UsageError('--controller URL is needed: https://HOST:PORT');
  return {
    ...trafficOptions(line, DRAIN_DELAY),
    controller: hostPort(controller),
    bundleFile: path(line, 'ca-file') ?? BUNDLE,
    tokenFile: path(line, 'token-file') ?? TOKEN,
    stateDir: path(line, 'state-dir'),
    admin: addressOption(line, 'admin') ?? { address: '::', port: 9000 },
  };
}

function hostPort(text: string): ProxyOptions['controller'] {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && url.protocol === 'https:' && url.href === `https://${url.host}/`;
  if (!plain) throw wrongOption('controller', text, 'https://HOST:PORT and nothing behind it');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  // `https://host` and `https://host:443` are the same to a URL.
  const port = url.port === '' && !/:443\/?$/.test(text) ? PORT : Number(url.port === '' ? 443 : url.port);
  if (isIP(host) === 0 && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(host)) {
    throw wrongOption('controller', text, 'a DNS name or an address as HOST');
  }
  return { host, port };
}

function path(line: CommandLine, name: string): string | null {
  const text = line.value(name);
  if (text === '') throw wrongOption(name, text, 'a path');
  return text;
}
