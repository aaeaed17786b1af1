import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { start, type Running } from '../measure/process.ts';
import { CIPHERSUITE, WEIGHTS, type Certificate, type Layout } from './peer.ts';

export function startHaproxy(layout: Layout): Promise<Running> {
  const { directory } = layout;
  const apps = layout.hosts.flatMap(({ name, apps: own }, index) =>
    own.map((app) => ({ name, app, id: `${app}_${index}` })),
  );
  // A map is HAProxy's own index: `path_beg` rules would be tried one by one.
  const byHost = layout.hosts.some(({ name }) => name !== null);
  writeFileSync(
    join(directory, 'prefixes.map'),
    apps.map(({ name, app, id }) => `${byHost ? (name ?? '') : ''}/${app}/ ${id}\n`).join(''),
  );
  const scheme = layout.tls === null ? 'http' : 'https';
  const configuration = [
    'global',
    `  nbthread ${layout.workers}`,
    '  maxconn 9000',
    ...(layout.bodyBuffer === null ? [] : [`  tune.bufsize ${layout.bodyBuffer}`]),
    'defaults',
    '  mode http',
    '  timeout client 300s',
    '  timeout server 60s',
    '  timeout connect 1s',
    '  timeout http-keep-alive 300s',
    '  http-reuse always',
    '  option forwardfor',
    '  balance roundrobin',
    'frontend web',
    `  bind 127.0.0.1:${layout.port} backlog 4096${protocol(layout)}`,
    `  http-request set-header X-Forwarded-Proto ${scheme}`,
    `  http-request set-header Forwarded for=%[src];proto=${scheme}`,
    `  use_backend %[${byHost ? 'base' : 'path'},map_beg(${directory}/prefixes.map)]`,
    ...apps.flatMap(({ id }) => [
      `backend ${id}`,
      ...layout.servers.map((port, index) => `  server s${index} 127.0.0.1:${port} weight ${WEIGHTS[index] ?? 1}`),
    ]),
  ];
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, `${configuration.join('\n')}\n`);
  return start('haproxy', ['-db', '-q', '-f', file], layout.port, join(directory, 'log'));
}

const protocol = ({ tls: files, http2 }: Layout): string => {
  if (files !== null) return tls(files, http2 ? 'h2' : 'http/1.1');
  return http2 ? ' proto h2' : '';
};

const tls = ({ both }: Certificate, alpn: string): string =>
  ` ssl crt ${both} alpn ${alpn} ssl-min-ver TLSv1.2 ciphersuites ${CIPHERSUITE}`;
