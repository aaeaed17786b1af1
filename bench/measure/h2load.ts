/** Closed-loop load over HTTP/2 by h2load: several streams at once on each connection, as browsers and gRPC have them. */
import { capture, type WrkOptions, type WrkResult } from './wrk.ts';

/** Streams at once on each connection. */
const STREAMS = 8;

export async function h2load(options: Omit<WrkOptions, 'threads' | 'directory'>): Promise<WrkResult> {
  const scheme = options.tls === true ? 'https' : 'http';
  const text = await capture('h2load', [
    `--duration=${options.seconds}`,
    `--clients=${options.connections}`,
    `--max-concurrent-streams=${STREAMS}`,
    ...Object.entries(options.headers).map(([name, value]) => `--header=${name.toLowerCase()}: ${value}`),
    ...options.paths.map((path) => `${scheme}://127.0.0.1:${options.port}${path}`),
  ]);
  const took = /^finished in ([\d.]+)(m?s), /m.exec(text);
  const counts = /^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(text);
  const codes = /^status codes: (\d+) 2xx/m.exec(text);
  if (took === null || counts === null || codes === null) throw new Error(`h2load said:\n${text}`);
  const [, succeeded, failed] = counts.map(Number) as [number, number, number];
  const seconds = Number(took[1]) / (took[2] === 'ms' ? 1000 : 1);
  return { requests: Number(codes[1]), seconds, errors: failed + succeeded - Number(codes[1]) };
}
