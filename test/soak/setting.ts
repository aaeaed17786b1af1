/**
 * tcpvs with the demo's matrix before five servers with bad habits, two of them by HTTP/2, on a plain port and one of TLS;
 * and somebody who keeps changing the weights.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { tree } from '../../bench/measure/process.ts';
import { copyExample } from '../../src/cli/demo-files.ts';
import { freePort } from '../../src/cli/demo-ports.ts';
import { ROOT, startServe, type ServeProcess } from '../../src/cli/demo-serve.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { HeapLooks, type HeldHeap } from './heap.ts';
import { startOrigins, type Origins } from './origins.ts';

export interface Setting {
  readonly port: number;
  readonly tls: TlsPort;
  readonly serve: ServeProcess;
  /** Pid of the process that serves: the supervisor's child. */
  readonly serving: number;
  readonly matrixFile: string;
  readonly origins: Origins;
  /** What is held in the serving process, after a full collection. */
  heldHeap(): Promise<HeldHeap>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TlsPort {
  readonly port: number;
  /** PEM of the authority, and the name that its certificate has. */
  readonly ca: string;
  readonly name: string;
}

/** Rows of the matrix; the apps of APPS_OF_HTTP1 (mixture.ts) are those without one of them. */
const HTTP2_SERVERS = [3, 5];
const NAME = 'soak.example';

export async function startSetting(workers: number): Promise<Setting> {
  const serverPort = await freePort();
  const port = await freePort();
  const tlsPort = await freePort();
  const origins = await startOrigins(
    [1, 2, 3, 4, 5].map((server) => ({
      address: `127.0.0.${10 + server}`,
      port: serverPort,
      isHttp2: HTTP2_SERVERS.includes(server),
    })),
  );
  const files = copyExample(join(ROOT, 'examples/01-eapac-demo'), { listen: port, servers: serverPort });
  const closeRest = async () => {
    files.remove();
    await origins.close();
  };
  try {
    speakHttp2(join(files.directory, 'real-servers.yaml'));
    const ca = addTls(files.directory, port, tlsPort);
    const inspector = await freePort();
    const serve = await startServe({
      config: files.directory,
      socket: files.socket,
      workers,
      // a line for each change of two hours would be all that is kept of its output
      args: ['--log-level', 'warn'],
      environment: { NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspector}` },
    });
    const serving = tree(serve.pid)[1] ?? serve.pid;
    const heap = await HeapLooks.open(serving, inspector);
    return {
      port,
      tls: { port: tlsPort, ca, name: NAME },
      serve,
      serving,
      matrixFile: join(files.directory, 'matrix.yaml'),
      origins,
      heldHeap: () => heap.held(),
      [Symbol.asyncDispose]: async () => {
        heap.close();
        await serve.stop();
        await closeRest();
      },
    };
  } catch (error) {
    await closeRest();
    throw error;
  }
}

function speakHttp2(file: string): void {
  edit(file, (text) => {
    let done = 0;
    const changed = text.replaceAll(/name: web(\d)\nspec:\n/g, (all, server: string) => {
      if (!HTTP2_SERVERS.includes(Number(server))) return all;
      done++;
      return `${all}  protocol: H2C\n`;
    });
    if (done !== HTTP2_SERVERS.length) throw new Error(`${file}: real servers look other than expected`);
    return changed;
  });
}

/** A second listener beside the plain one. Returns its authority. */
function addTls(directory: string, port: number, tlsPort: number): string {
  const authority = makeAuthority();
  const { certificate, privateKey } = authority.issue({ names: [NAME] });
  writeFileSync(join(directory, 'soak.crt'), certificate);
  writeFileSync(join(directory, 'soak.key'), privateKey, { mode: 0o600 });
  const listener = [
    '    - name: tls',
    '      address: 127.0.0.1',
    `      port: ${tlsPort}`,
    '      protocol: HTTPS',
    '      tls: { certificateFiles: [{ certificate: soak.crt, key: soak.key }] }',
  ].join('\n');
  const file = join(directory, 'virtual-server.yaml');
  edit(file, (text) => {
    const plain = `      port: ${port}\n      protocol: HTTP\n`;
    if (!text.includes(plain)) throw new Error(`${file}: the listener looks other than expected`);
    return text.replace(plain, `${plain}${listener}\n`);
  });
  return authority.certificate;
}

/** Changes the two weights of appc in the manifest: another pair each time, never 0. */
export function changeWeights(matrixFile: string, turn: number): void {
  let cell = 0;
  edit(matrixFile, (text) =>
    text.replaceAll(/app: appc, weight: \d+/g, () => {
      const weight = 1 + ((turn * 7 + 50 * cell++) % 99);
      return `app: appc, weight: ${weight}`;
    }),
  );
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}
