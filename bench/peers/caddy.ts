import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { start, type Running } from '../measure/process.ts';
import { WEIGHTS, type Layout } from './peer.ts';

/** Caddy. It appends X-Forwarded-For and sets X-Forwarded-Proto by itself. */
export function startCaddy(layout: Layout): Promise<Running> {
  const { directory, port, hosts, servers, tls, http2, workers } = layout;
  const scheme = tls === null ? 'http' : 'https';
  const proxy = (app: string) => [
    `  handle /${app}/* {`,
    `    reverse_proxy ${servers.map((each) => `127.0.0.1:${each}`).join(' ')} {`,
    `      lb_policy weighted_round_robin ${servers.map((_, index) => WEIGHTS[index] ?? 1).join(' ')}`,
    `      header_up Forwarded "for={client_ip};proto=${scheme}"`,
    '      transport http {',
    '        versions 1.1',
    '        compression off',
    '        keepalive_idle_conns_per_host 512',
    '      }',
    '    }',
    '  }',
  ];
  const lines = [
    '{',
    '  admin off',
    '  persist_config off',
    '  auto_https off',
    // Connections that wrk resets are not news.
    '  log {',
    '    level ERROR',
    '  }',
    '  servers {',
    `    protocols ${http2 ? (tls === null ? 'h1 h2c' : 'h1 h2') : 'h1'}`,
    '  }',
    '}',
    ...hosts.flatMap(({ name, apps }) => [
      `${scheme}://${name ?? ''}:${port} {`,
      '  bind 127.0.0.1',
      ...(tls === null ? [] : [`  tls ${tls.certificate} ${tls.key}`]),
      ...apps.flatMap(proxy),
      '}',
    ]),
  ];
  const file = join(directory, 'Caddyfile');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const args = ['run', '--config', file, '--adapter', 'caddyfile'];
  return start('caddy', args, port, join(directory, 'log'), { GOMAXPROCS: String(workers), HOME: directory });
}
