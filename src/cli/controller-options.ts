import { isIP } from 'node:net';
import { hostname } from 'node:os';

import { publishedAddress } from '../controller/facts/addresses.ts';
import type { ControllerOptions } from '../controller/options.ts';
import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import { type CommandHelp, type CommandLine, UsageError } from './command-line.ts';
import {
  addressOption,
  classOption,
  type HostPort,
  labelOf,
  levelOption,
  listOption,
  numberOption,
  wrongOption,
} from './option-values.ts';

export interface ControllerCommandOptions {
  readonly controller: ControllerOptions;
  readonly admin: HostPort;
  readonly kubeconfig: string | null;
  readonly logLevel: LogLevel;
}

export const CONTROLLER_HELP: CommandHelp = {
  name: 'controller',
  summary: 'in a cluster: watches its objects, serves snapshots to the proxies, writes statuses',
  text: [
    'Several of them may run: all serve snapshots, the one that leads writes statuses. SIGTERM hands leadership over.\n' +
      'The chart (charts/tcpvs) and deploy/ run it with the right flags and rights.',
    'HOST:PORT of --admin has /healthz, /readyz, /metrics, /v1/counts and /v1/profiles. POD_NAME, POD_NAMESPACE and POD_IP of the\n' +
      'environment say where it runs.',
  ],
  options: {
    name: { value: 'NAME', help: 'installation, prefix of the names of its objects (default: tcpvs)' },
    namespace: { value: 'NAMESPACE', help: "where those are (default: POD_NAMESPACE, else the context's)" },
    class: { value: 'NAME', help: 'objects of which spec.className (default: tcpvs)' },
    'watch-namespaces': { value: 'A,B', help: 'whose objects are served (default: all)' },
    listen: { value: 'HOST:PORT', help: 'snapshots, for the proxies (default: [::]:9443)' },
    admin: { value: 'HOST:PORT', help: 'health and metrics (default: [::]:8080)' },
    'server-name': {
      value: 'HOST',
      help: 'by which proxies reach it, as in their --controller\n(default: NAME-controller.NAMESPACE.svc)',
    },
    'proxy-service': { value: 'NS/NAME', help: 'Service of the proxies (default: NAMESPACE/NAME-proxy)' },
    'proxy-service-account': {
      value: 'NS/NAME',
      help: 'whose tokens are taken for those of proxies\n(default: NAMESPACE/NAME-proxy)',
    },
    'publish-service': { value: 'NS/NAME', help: 'whose addresses stand in statuses (default: none)' },
    'publish-address': { value: 'A,B', help: 'which addresses stand in statuses instead' },
    policy: { value: 'FILE', help: 'YAML with hostPolicy and addressPolicy, watched (default: none)' },
    'secret-namespaces': {
      value: 'A,B',
      help: 'where all Secrets may be listed; elsewhere each is watched by\nits name (default: none)',
    },
    'manage-workloads': {
      help: 'start, stop and place instances of Deployments for matrices whose\nplacement.actuate is Manage (needs rights on Deployments and pods)',
    },
    'pod-metrics': {
      value: 'SECONDS',
      help: 'learn what requests cost from what pods use by the metrics API, asked\nevery so many seconds (metrics-server has a new figure every 15; default:\nnot asked; needs a right to list pods.metrics.k8s.io)',
    },
    kubeconfig: { value: 'FILE', help: "the cluster (default: the pod's ServiceAccount, else KUBECONFIG)" },
    'log-level': { value: 'LEVEL', help: `${LOG_LEVELS.join(', ')}\n(default: info)` },
  },
  examples: [
    'tcpvs controller --name edge --class edge --policy /etc/tcpvs/policy/policy.yaml',
    'tcpvs controller --kubeconfig ~/.kube/config --namespace tcpvs --listen 127.0.0.1:9443 --admin 127.0.0.1:8080',
  ],
};

/**
 * `namespace`: of the pod or of the kubeconfig's context, where the command line says nothing. Errors: UsageError, which
 * names the option, what was read and what was expected.
 */
export function controllerOptions(
  line: CommandLine,
  environment: NodeJS.ProcessEnv,
  contextNamespace: string | null,
): ControllerCommandOptions {
  const name = labelOf('name', line.value('name') ?? 'tcpvs');
  const given = line.value('namespace') ?? environment['POD_NAMESPACE'] ?? contextNamespace ?? '';
  if (given === '') throw new UsageError('--namespace is needed: neither POD_NAMESPACE nor the kubeconfig says one');
  const namespace = labelOf('namespace', given);
  const proxies = `${namespace}/${name}-proxy`;
  const namespaces = listOption(line, 'watch-namespaces').map((each) => labelOf('watch-namespaces', each));
  const address = environment['POD_IP'] ?? '';
  return {
    controller: {
      name,
      namespace,
      className: classOption(line),
      watchNamespaces: namespaces.length === 0 ? null : namespaces,
      listen: addressOption(line, 'listen') ?? { address: '::', port: 9443 },
      proxyService: keyOption(line, 'proxy-service') ?? proxies,
      proxyServiceAccount: keyOption(line, 'proxy-service-account') ?? proxies,
      serverName: line.value('server-name') ?? `${name}-controller.${namespace}.svc`,
      publishService: keyOption(line, 'publish-service'),
      publishAddresses: listOption(line, 'publish-address').map(publishedAddress),
      policy: line.value('policy'),
      secretNamespaces: listOption(line, 'secret-namespaces').map((each) => labelOf('secret-namespaces', each)),
      manageWorkloads: line.flag('manage-workloads'),
      podMetrics:
        line.value('pod-metrics') === null
          ? null
          : numberOption(line, 'pod-metrics', { otherwise: 15, least: 1, most: 60, whole: true }),
      pod: { name: environment['POD_NAME'] ?? hostname(), address: isIP(address) === 0 ? null : address },
    },
    admin: addressOption(line, 'admin') ?? { address: '::', port: 8080 },
    kubeconfig: line.value('kubeconfig'),
    logLevel: levelOption(line),
  };
}

function keyOption(line: CommandLine, name: string): string | null {
  const text = line.value(name);
  if (text === null || text === '') return null;
  if (!/^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/.test(text)) {
    throw wrongOption(name, text, 'NAMESPACE/NAME');
  }
  return text;
}
