import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { start, type Running } from '../measure/process.ts';
import { WEIGHTS, type Certificate, type Host, type Layout } from './peer.ts';

/** Envoy, with a static configuration: nothing but what the work needs. */
export function startEnvoy(layout: Layout): Promise<Running> {
  const { directory, port, workers } = layout;
  const file = join(directory, 'envoy.json');
  writeFileSync(file, JSON.stringify(bootstrap(layout), null, 2));
  const args = ['-c', file, '--concurrency', String(workers), '--disable-hot-restart', '-l', 'error'];
  return start('envoy', args, port, join(directory, 'log'));
}

function bootstrap({ port, hosts, servers, tls, http2 }: Layout) {
  const listener = {
    name: 'web',
    address: socketAddress(port),
    tcp_backlog_size: 4096,
    filter_chains: [
      {
        filters: [{ name: 'http', typed_config: manager(hosts, tls === null ? 'http' : 'https', http2) }],
        ...(tls === null ? {} : { transport_socket: downstreamTls(tls, http2) }),
      },
    ],
  };
  const clusters = hosts.flatMap(({ apps }, index) => apps.map((app) => cluster(`${app}_${index}`, servers)));
  return { static_resources: { listeners: [listener], clusters } };
}

function manager(hosts: readonly Host[], scheme: string, http2: boolean) {
  return {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'web',
    codec_type: http2 ? 'HTTP2' : 'HTTP1',
    // appends X-Forwarded-For and sets X-Forwarded-Proto
    use_remote_address: true,
    generate_request_id: false,
    stream_idle_timeout: '300s',
    route_config: {
      virtual_hosts: hosts.map(({ name, apps }, index) => ({
        name: `host${index}`,
        domains: [name ?? '*'],
        routes: apps.map((app) => ({
          match: { prefix: `/${app}/` },
          route: { cluster: `${app}_${index}`, timeout: '60s' },
        })),
      })),
      request_headers_to_add: [
        {
          header: { key: 'Forwarded', value: `for=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%;proto=${scheme}` },
          append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
        },
      ],
    },
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': type('filters.http.router.v3.Router'), suppress_envoy_headers: true },
      },
    ],
  };
}

function cluster(name: string, servers: readonly number[]) {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    lb_policy: 'ROUND_ROBIN',
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: servers.map((port, index) => ({
            endpoint: { address: socketAddress(port) },
            load_balancing_weight: WEIGHTS[index] ?? 1,
          })),
        },
      ],
    },
  };
}

/** Its TLS library chooses TLS 1.3's cipher by itself: on machines with AES in hardware the one that all the others are given. */
function downstreamTls({ certificate, key }: Certificate, http2: boolean) {
  return {
    name: 'tls',
    typed_config: {
      '@type': type('transport_sockets.tls.v3.DownstreamTlsContext'),
      common_tls_context: {
        alpn_protocols: [http2 ? 'h2' : 'http/1.1'],
        tls_certificates: [{ certificate_chain: { filename: certificate }, private_key: { filename: key } }],
      },
    },
  };
}

const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;

const socketAddress = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
