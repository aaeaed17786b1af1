import { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

import { KubeConfig } from '@kubernetes/client-node';

import { Api, type Identity } from './api.ts';
import { http1Transport } from './transport-http1.ts';
import { Http2Transport } from './transport-http2.ts';
import type { Transport } from './transport.ts';

export interface ConnectOptions {
  /** A kubeconfig file; default: the pod's ServiceAccount, else KUBECONFIG or ~/.kube/config. */
  readonly kubeconfig?: string | null;
  /** Name of a context of the kubeconfig; default: its current one. */
  readonly context?: string;
  readonly userAgent: string;
}

export interface Connection {
  readonly api: Api;
  /** Namespace of the context or of the pod. */
  readonly namespace: string | null;
  readonly server: string;
}

/**
 * The API server as the configuration has it. Nothing is sent yet. Errors: for people, naming the file, where there is
 * no configuration or it is not readable.
 *
 * Configuration and authentication are the client library's (tokens, certificates, exec and OIDC); its requests are not
 * used, because each of them opens a TLS connection of its own (docs/adr/0010).
 */
export function connectApi({ kubeconfig = null, context, userAgent }: ConnectOptions): Connection {
  const config = new KubeConfig();
  if (kubeconfig !== null) config.loadFromFile(kubeconfig);
  else if (process.env['KUBERNETES_SERVICE_HOST'] === undefined) config.loadFromDefault();
  else config.loadFromCluster();
  if (config.getCurrentCluster()?.server === NOTHING_FOUND) {
    throw new Error('no cluster is configured: neither a kubeconfig (KUBECONFIG, ~/.kube/config) nor a ServiceAccount');
  }
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context))
      throw new Error(`no context ${JSON.stringify(context)}; there is ${names.join(', ')}`);
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`${kubeconfig ?? 'the kubeconfig'} names no current cluster`);
  const server = new URL(cluster.server);
  const credentials = new Credentials(config);
  return {
    api: new Api({ transport: transportTo(server, cluster.proxyUrl, credentials), identity: credentials, userAgent }),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? null,
    server: cluster.server,
  };
}

function transportTo(server: URL, proxy: string | undefined, credentials: Credentials): Transport {
  const tls = () => credentials.tls();
  if (server.protocol === 'http:') return http1Transport({ server });
  // The library's agent knows how to get through a proxy.
  if (proxy !== undefined) return http1Transport({ server, tls, agent: () => credentials.agent() });
  return new Http2Transport({ server, tls, fallback: http1Transport({ server, tls }) });
}

/** What the library makes up where it finds no configuration. */
const NOTHING_FOUND = 'http://localhost:8080';

/** Files (certificates, tokens) are read anew after this time; the library itself keeps a token for a minute. */
const FRESH = 30_000;

/** What the library makes of the configuration for a request, kept for a short time. */
class Credentials implements Identity {
  readonly #config: KubeConfig;
  #known: { readonly at: number; readonly options: Promise<RequestOptions> } | null = null;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    const { headers, auth } = await this.#options();
    const basic = typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
    const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
    return { ...basic, ...Object.fromEntries(given) };
  }

  async tls(): Promise<ConnectionOptions> {
    const { ca, cert, key, passphrase, rejectUnauthorized, servername } = await this.#options();
    const given = Object.entries({ ca, cert, key, passphrase, rejectUnauthorized, servername });
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  }

  async agent(): Promise<Agent> {
    const { agent } = await this.#options();
    return agent instanceof Agent ? agent : new Agent();
  }

  refused(): void {
    this.#known = null;
  }

  #options(): Promise<RequestOptions> {
    const now = performance.now();
    if (this.#known === null || now - this.#known.at > FRESH) {
      const options: RequestOptions = {};
      const loaded = this.#config.applyToHTTPSOptions(options).then(() => options);
      // What could not be had now is asked for again by the next request.
      loaded.catch(() => (this.#known = null));
      this.#known = { at: now, options: loaded };
    }
    return this.#known.options;
  }
}
