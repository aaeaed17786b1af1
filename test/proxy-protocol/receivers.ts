/** HAProxy and nginx as servers that answer whom they take for their client. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Running, start } from '../../bench/measure/process.ts';
import { freePort } from '../../src/proxy/worker/fixture.ts';
import type { Issued } from '../../src/tls/fixture/authority.ts';

export interface Receiver extends Running {
  /** Answers any request with `SOURCE SOURCE-PORT DESTINATION DESTINATION-PORT`. */
  readonly port: number;
  /** The same through TLS. */
  readonly securePort: number;
}

export const receivers = { haproxy: startHaproxy, nginx: startNginx };

async function startHaproxy(directory: string, shown: Issued): Promise<Receiver> {
  const [port, securePort] = [await freePort(), await freePort()];
  const pem = join(directory, 'haproxy.pem');
  writeFileSync(pem, `${shown.certificate}${shown.privateKey}`);
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(
    file,
    `
defaults
  mode http
  timeout client 30s
  timeout http-keep-alive 30s
frontend plain
  bind 127.0.0.1:${port} accept-proxy
  bind 127.0.0.1:${securePort} accept-proxy ssl crt ${pem}
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
`,
  );
  const running = await start('haproxy', ['-db', '-f', file], port, join(directory, 'haproxy.log'));
  return { ...running, port, securePort };
}

async function startNginx(directory: string, shown: Issued): Promise<Receiver> {
  const [port, securePort] = [await freePort(), await freePort()];
  const [certificate, key] = [join(directory, 'nginx.crt'), join(directory, 'nginx.key')];
  writeFileSync(certificate, shown.certificate);
  writeFileSync(key, shown.privateKey);
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `
daemon off;
worker_processes 1;
pid ${join(directory, 'nginx.pid')};
error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:${port} proxy_protocol;
    listen 127.0.0.1:${securePort} ssl proxy_protocol;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    location / {
      return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port";
    }
  }
}
`,
  );
  const running = await start('nginx', ['-p', directory, '-c', file], port, join(directory, 'nginx.log'));
  return { ...running, port, securePort };
}
