/**
 * `tcpvs demo` (`make run`): five small web servers, `tcpvs serve` with a copy of examples/01-eapac-demo, load in
 * bounded bursts, and the two matrices, asked and delivered, on the terminal.
 */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CountsDocument } from '../model/counts.ts';
import { copyExample, DEMO_PORTS, type DemoFiles } from './demo-files.ts';
import { startLoad, type Load } from './demo-load.ts';
import { parseDemoOptions, SERVERS, USAGE, type DemoOptions } from './demo-options.ts';
import { listenError, startOrigins, type Origin } from './demo-origins.ts';
import { commands, fitting, matrices, summary, title, type Picture } from './demo-screen.ts';
import { ROOT, startServe, type ServeProcess } from './demo-serve.ts';
import { inexact, recount, sharesOf } from './demo-shares.ts';

const EXAMPLE = join(ROOT, 'examples/01-eapac-demo');
const HOST = '127.0.0.1';
const APPS = ['appa', 'appb', 'tpcw', 'appc', 'appd', 'appe'];
/** As the recorded demo: 2 calls per connection, 5 s for each answer. */
const CALLS = 2;
const TIMEOUT = 5_000;
const REDRAW = 500;
const PLAIN_LINE = 5_000;

/** Exit status: 0 = as it should be; 1 = not exact, errors, or it could not start; 2 = wrong options. */
export async function demo(args: readonly string[]): Promise<number> {
  let options;
  try {
    options = parseDemoOptions(args);
  } catch (error) {
    process.stderr.write(`tcpvs demo: ${(error as Error).message}\n`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const closers: (() => Promise<void> | void)[] = [];
  const interrupted = interruption();
  try {
    return await run(options, closers, interrupted.signal);
  } catch (error) {
    process.stderr.write(`tcpvs demo: ${(error as Error).message}\n`);
    return 1;
  } finally {
    for (const close of closers.toReversed()) await close();
    interrupted.release();
  }
}

interface Stage {
  readonly files: DemoFiles;
  readonly origins: readonly Origin[];
  readonly serve: ServeProcess;
  readonly load: Load;
}

async function run(options: DemoOptions, closers: (() => Promise<void> | void)[], stop: AbortSignal): Promise<number> {
  const listenPort = options.port ?? DEMO_PORTS.listen;
  const serverPort = options.serverPort ?? DEMO_PORTS.servers;
  if (options.servers === null) await probe(HOST, listenPort);
  const names = options.servers ?? SERVERS;
  const origins = await startOrigins(
    names.map((name) => ({ name, address: `127.0.0.${11 + SERVERS.indexOf(name)}`, port: serverPort })),
  );
  closers.push(async () => void (await Promise.all(origins.map((origin) => origin.close()))));
  if (options.servers !== null) return serveOnly(origins, stop);
  const files = copyExample(EXAMPLE, { listen: options.port, servers: options.serverPort });
  closers.push(() => files.remove());
  const serve = await startServe({ config: files.directory, socket: files.socket, workers: options.workers });
  closers.push(() => serve.stop());
  const load = startLoad({
    host: HOST,
    port: listenPort,
    apps: APPS,
    rate: options.rate,
    callsPerConnection: CALLS,
    connections: options.rate * options.seconds,
    timeout: TIMEOUT,
  });
  closers.push(() => load.stop());
  const stage = { files, origins, serve, load };
  if (options.once) return judge(options, stage, stop);
  const places = { directory: files.directory, socket: files.socket, listen: `${HOST}:${listenPort}`, serverPort };
  return show(options, stage, commands(places, colours()), stop);
}

/** `--servers`: until Ctrl-C. */
async function serveOnly(origins: readonly Origin[], stop: AbortSignal): Promise<number> {
  for (const origin of origins) process.stdout.write(`${origin.name} serves on ${origin.address}:${origin.port}\n`);
  process.stdout.write('Ctrl-C ends them.\n');
  await aborted(stop);
  for (const origin of origins) {
    const counts = [...origin.counts].map(([app, count]) => `${app === '' ? '/' : app} ${count}`).join(', ');
    process.stdout.write(`${origin.name} served: ${counts === '' ? 'nothing' : counts}\n`);
  }
  return 0;
}

/** Until the load has ended, tcpvs has ended, or somebody pressed Ctrl-C. */
async function show(options: DemoOptions, stage: Stage, help: readonly string[], stop: AbortSignal): Promise<number> {
  const terminal = process.stdout.isTTY;
  const startedAt = performance.now();
  const ends = new AbortController();
  const ended = AbortSignal.any([stop, ends.signal]);
  void stage.load.done.then(() => ends.abort());
  void stage.serve.exited.then((code) => ends.abort(new Error(`tcpvs serve ended (exit status ${code})`)));
  if (!terminal) process.stdout.write(`${help.join('\n')}\n`);
  while (!ended.aborted) {
    await sleep(terminal ? REDRAW : PLAIN_LINE, null, { signal: ended }).catch(() => null);
    const picture = await take(options, stage, (performance.now() - startedAt) / 1000).catch(() => null);
    if (picture === null) continue;
    if (!terminal) process.stdout.write(`${summary(picture)}\n`);
    else redraw(fitting([title(picture), '', ...matrices(picture), '', ...help], process.stdout.rows));
  }
  const { reason } = ends.signal as { reason?: unknown };
  if (reason instanceof Error && reason.name !== 'AbortError')
    throw new Error(`${reason.message}\n${stage.serve.output()}`);
  process.stdout.write(stop.aborted ? '\nended.\n' : '\nthe load is through; `make run` starts it again.\n');
  return errorsOf(stage.load) === 0 ? 0 : 1;
}

/** Lets the load run to its end and judges it by both witnesses: tcpvs' own counts, and the web servers'. */
async function judge(options: DemoOptions, stage: Stage, stop: AbortSignal): Promise<number> {
  await Promise.race([stage.load.done, stage.serve.exited, aborted(stop)]);
  if (stop.aborted) return 1;
  const picture = await take(options, stage, options.seconds);
  const byServers = recount(
    picture.shares,
    (server, app) => stage.origins.find((origin) => origin.name === server)?.counts.get(app) ?? 0,
  );
  const errors = errorsOf(stage.load);
  const faults = [
    ...stage.load.messages,
    ...(picture.shares.length === APPS.length ? [] : ['tcpvs does not count all six apps']),
    ...inexact(picture.shares, "tcpvs' count"),
    ...inexact(byServers, "the web servers' count"),
  ];
  const exact = faults.length === 0 && errors === 0;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ exact, errors, faults, shares: picture.shares, byServers }, null, 2)}\n`);
  } else {
    const verdict = exact
      ? 'every share is exact: within one request, by both counts'
      : `not exact:\n  ${faults.join('\n  ')}`;
    process.stdout.write(`${[title(picture), '', ...matrices(picture), '', verdict].join('\n')}\n`);
  }
  return exact ? 0 : 1;
}

async function take(options: DemoOptions, stage: Stage, seconds: number): Promise<Picture> {
  const counts = await stage.serve.admin<CountsDocument>('/v1/counts');
  return {
    servers: SERVERS,
    shares: sharesOf(counts, APPS),
    load: stage.load.apps,
    seconds,
    mostSeconds: options.seconds,
    width: process.stdout.columns ?? 100,
    colours: colours(),
  };
}

function errorsOf(load: Load): number {
  return [...load.apps.values()].reduce((sum, app) => sum + app.errors, 0);
}

function colours(): boolean {
  return process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
}

/** Home, each line to its end, the rest below: no flicker, and what stands above stays in the scroll-back. */
let drawn = false;
function redraw(lines: readonly string[]): void {
  const start = drawn ? '\u001B[H' : '\u001B[2J\u001B[H';
  drawn = true;
  process.stdout.write(`${start}${lines.map((line) => `${line}\u001B[K`).join('\n')}\n\u001B[J`);
}

/** The port is bound by tcpvs in a moment; a person should read who has it, not a log line of a child. */
function probe(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(listenError(error, address, port))));
    server.listen(port, address, () => server.close(() => resolve()));
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Ctrl-C or SIGTERM ends the demo in order; a second one while it ends is ignored. */
function interruption(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on('SIGINT', abort).on('SIGTERM', abort).on('SIGHUP', abort);
  return {
    signal: controller.signal,
    release: () => void process.off('SIGINT', abort).off('SIGTERM', abort).off('SIGHUP', abort),
  };
}
