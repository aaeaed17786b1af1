/** What is examined: `tcpvs serve` from manifests, HTTP and HTTPS, in front of a server with short and long answers. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../../src/cli/demo-ports.ts';
import { startServe } from '../../src/cli/demo-serve.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';

export interface Stage extends AsyncDisposable {
  readonly directory: string;
  readonly http: number;
  readonly https: number;
  /** PEM of who signed the certificate, which is for `localhost`. */
  readonly authority: string;
}

const listener = (name: string, port: number, more: object) => ({ name, address: '127.0.0.1', port, ...more });
const LONG = 'x'.repeat(1_000_000);

/** `server`: its port, where the one behind is not to be the one with short and long answers. */
export async function setStage(server?: number): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-audit-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const web = http.createServer((request, response) => void response.end(request.url === '/long' ? LONG : 'short'));
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');

  const ca = makeAuthority();
  const own = ca.issue({ names: ['localhost'] });
  const certificate = { certificate: file('tls.crt', own.certificate), key: file('tls.key', own.privateKey) };
  const [plain, secure] = [await freePort(), await freePort()];
  const objects = [
    ['RealServer', 'web', { address: '127.0.0.1', port: server ?? (web.address() as AddressInfo).port }],
    [
      'TcpVirtualServer',
      'all',
      {
        listeners: [
          listener('http', plain, { protocol: 'HTTP' }),
          listener('https', secure, { protocol: 'HTTPS', tls: { certificateFiles: [certificate] } }),
        ],
        servers: [{ server: 'web', weight: 1 }],
      },
    ],
  ] as const;
  const manifests = objects.map(([kind, name, spec]) =>
    // JSON is YAML
    JSON.stringify({ apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { name }, spec }),
  );
  const config = file('all.yaml', manifests.join('\n---\n'));
  const serve = await startServe({ config, socket: join(directory, 'admin.sock'), workers: 2 });
  return {
    directory,
    http: plain,
    https: secure,
    authority: file('ca.crt', ca.certificate),
    async [Symbol.asyncDispose]() {
      await serve.stop(5_000);
      web.closeAllConnections();
      web.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
