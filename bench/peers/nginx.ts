import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { start, type Running } from '../measure/process.ts';
import { CIPHERSUITE, WEIGHTS, type Layout } from './peer.ts';

export function startNginx(layout: Layout): Promise<Running> {
  const http = layout.hosts.flatMap(({ name, apps }, index) => [
    ...apps.map((app) => upstream(`${app}_${index}`, layout)),
    'server {',
    `listen 127.0.0.1:${layout.port}${index === 0 ? ' default_server backlog=4096' : ''}${layout.tls === null ? '' : ' ssl'}${layout.http2 ? ' http2' : ''};`,
    `server_name ${name ?? '_'};`,
    ...apps.map((app) => `location /${app}/ { proxy_pass http://${app}_${index}; }`),
    '}',
  ]);
  const buffers =
    layout.bodyBuffer === null
      ? []
      : [`proxy_buffers 4 ${layout.bodyBuffer};`, `proxy_busy_buffers_size ${2 * layout.bodyBuffer};`];
  return startNginxWith(layout.directory, layout.port, layout.workers, [
    'proxy_http_version 1.1;',
    'proxy_set_header Connection "";',
    'proxy_set_header Host $http_host;',
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    'proxy_set_header X-Forwarded-Proto $scheme;',
    'proxy_set_header Forwarded "for=$remote_addr;proto=$scheme";',
    // Bodies beyond the buffers would go to a disk.
    'proxy_max_temp_file_size 0;',
    ...buffers,
    ...tls(layout),
    ...http,
  ]);
}

/** Sessions by ticket alone, as the others have them. */
function tls({ tls: files }: Layout): string[] {
  if (files === null) return [];
  return [
    `ssl_certificate ${files.certificate};`,
    `ssl_certificate_key ${files.key};`,
    'ssl_protocols TLSv1.2 TLSv1.3;',
    `ssl_conf_command Ciphersuites ${CIPHERSUITE};`,
    'ssl_session_tickets on;',
  ];
}

function upstream(name: string, { servers, hosts }: Layout): string {
  // Room for idle connections is taken in advance, per upstream: with thousands of them it must be modest.
  const idle = hosts.length > 1 ? 8 : 512;
  const lines = servers.map((port, index) => `server 127.0.0.1:${port} weight=${WEIGHTS[index] ?? 1};`);
  return `upstream ${name} { ${lines.join(' ')} keepalive ${idle}; keepalive_requests 1000000000; }`;
}

/** An nginx with a folder of its own; used for the peer and for the servers behind all peers. */
export function startNginxWith(
  directory: string,
  port: number,
  workers: number,
  http: readonly string[],
): Promise<Running> {
  mkdirSync(directory, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  );
  const configuration = [
    'daemon off;',
    `worker_processes ${workers};`,
    // Its workers must read the temporary folder, which is its owner's alone.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    `pid ${directory}/nginx.pid;`,
    'error_log stderr error;',
    'events { worker_connections 9000; }',
    'http {',
    ...temporary,
    'access_log off;',
    'server_tokens off;',
    'tcp_nodelay on;',
    'server_names_hash_max_size 4096;',
    'keepalive_timeout 300;',
    'keepalive_requests 1000000000;',
    ...http,
    '}',
  ];
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, `${configuration.join('\n')}\n`);
  return start('nginx', ['-c', file, '-p', directory, '-e', 'stderr'], port, join(directory, 'log'));
}
