/** An example of this repository at work on ports of its own: real web servers, `tcpvs serve`, `tcpvsadm`. */
import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { copyExample } from '../../src/cli/demo-files.ts';
import { SERVERS } from '../../src/cli/demo-options.ts';
import { startOrigins, type Origin } from '../../src/cli/demo-origins.ts';
import { freePort } from '../../src/cli/demo-ports.ts';
import { ROOT, startServe, type ServeProcess } from '../../src/cli/demo-serve.ts';
import type { CountsDocument, RowCounts } from '../../src/model/counts.ts';

export interface Stage {
  readonly origins: readonly Origin[];
  /** Of tcpvs, on 127.0.0.1. */
  readonly port: number;
  /** Of the web servers, on 127.0.0.11 to 15. */
  readonly serverPort: number;
  /** The copied manifests. */
  readonly directory: string;
  readonly serve: ServeProcess;
  counts(): Promise<CountsDocument>;
  /** The row of an app, once it satisfies `is`; rejects after a minute. */
  row(app: string, is?: (row: RowCounts) => boolean): Promise<RowCounts>;
  adm(...args: string[]): Promise<{ status: number; output: string }>;
  get(path: string, options?: GetOptions): Promise<Answer>;
  /** Ends everything. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface GetOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** X-Served-By. */
  readonly server: string;
}

export interface StageOptions {
  readonly workers?: number;
  /** Of the five web servers. */
  readonly servers?: readonly string[];
  /** A file of the example to serve, where it is not the whole folder. */
  readonly file?: string;
  /** More arguments of `tcpvs serve`. */
  readonly args?: readonly string[];
}

export async function startExample(example: string, options: StageOptions = {}): Promise<Stage> {
  const origins = await startOriginsAnywhere(options.servers ?? SERVERS);
  const port = await freePort();
  const serverPort = origins[0]?.port ?? 0;
  const files = copyExample(join(ROOT, 'examples', example), { listen: port, servers: serverPort });
  const closeRest = async () => {
    files.remove();
    await Promise.all(origins.map((origin) => origin.close()));
  };
  try {
    const config = options.file === undefined ? files.directory : join(files.directory, options.file);
    const serve = await startServe({
      config,
      socket: files.socket,
      workers: options.workers ?? 2,
      args: options.args ?? [],
    });
    const counts = () => serve.admin<CountsDocument>('/v1/counts');
    return {
      origins,
      port,
      serverPort,
      directory: files.directory,
      serve,
      counts,
      row: (app, is = () => true) => rowOf(counts, app, is),
      adm: (...args) => tcpvsadm(serve.socket, args),
      get: (path, how) => get(port, path, how),
      [Symbol.asyncDispose]: async () => {
        await serve.stop();
        await closeRest();
      },
    };
  } catch (error) {
    await closeRest();
    throw error;
  }
}

async function rowOf(
  counts: () => Promise<CountsDocument>,
  app: string,
  is: (row: RowCounts) => boolean,
): Promise<RowCounts> {
  const until = performance.now() + 60_000;
  for (;;) {
    const row = (await counts()).rows.find((each) => each.cells.some((cell) => cell.app === app));
    if (row !== undefined && is(row)) return row;
    if (performance.now() > until) throw new Error(`the row of ${app} did not become so: ${JSON.stringify(row)}`);
    await sleep(10);
  }
}

function tcpvsadm(socket: string, args: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    execFile(join(ROOT, 'bin/tcpvsadm'), ['--socket', socket, ...args], { timeout: 10_000 }, (error, out, err) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? -1), output: `${out}${err}` }),
    );
  });
}

export function get(port: number, path: string, options: GetOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {} } = options;
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, timeout: 5_000 }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (text: string) => (body += text));
      response.on('error', reject);
      response.on('end', () => {
        const server = response.headers['x-served-by'];
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body,
          server: typeof server === 'string' ? server : '',
        });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path}`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** One free port on all addresses of the servers. */
async function startOriginsAnywhere(names: readonly string[]): Promise<Origin[]> {
  const at = (port: number) =>
    startOrigins(names.map((name) => ({ name, address: `127.0.0.${11 + SERVERS.indexOf(name)}`, port })));
  for (let tries = 0; tries < 5; tries++) {
    const origins = await at(await freePort()).catch(() => null);
    if (origins !== null) return origins;
  }
  return at(await freePort());
}
