import type { PublishedAddress } from '../translate/cluster-facts.ts';

/** What an installation's controller is told at its start. */
export interface ControllerOptions {
  /** Of the installation: prefix of its objects' names. */
  readonly name: string;
  /** Where those are. */
  readonly namespace: string;
  readonly className: string;
  /** Whose objects are served; null: all namespaces'. */
  readonly watchNamespaces: readonly string[] | null;
  readonly listen: HostPort;
  /** null: `NAMESPACE/NAME` of the proxies' Service is not known, and no proxy ever counts as ready. */
  readonly proxyService: string | null;
  /** `namespace/name` of the ServiceAccount whose tokens are the proxies'. */
  readonly proxyServiceAccount: string;
  /** By which proxies reach this server; it stands in its certificate. */
  readonly serverName: string;
  readonly publishService: string | null;
  readonly publishAddresses: readonly PublishedAddress[];
  /** A file; null: none. */
  readonly policy: string | null;
  readonly secretNamespaces: readonly string[];
  /** Whether instances of workloads are started and stopped where matrices ask for it. */
  readonly manageWorkloads: boolean;
  /** Seconds between two questions of the metrics API what pods use; null: it is not asked. */
  readonly podMetrics: number | null;
  readonly pod: {
    /** Its name, and who it is in the election. */
    readonly name: string;
    readonly address: string | null;
  };
}

export interface HostPort {
  readonly address: string;
  readonly port: number;
}
