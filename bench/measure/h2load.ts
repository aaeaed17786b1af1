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
  const failed = /^requests: .* (\d+) failed, /m.exec(text);
  const codes = /^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/m.exec(text);
  if (took === null || failed === null || codes === null) throw new Error(`h2load said:\n${text}`);
  const [answered, ...others] = codes.slice(1).map(Number) as [number, ...number[]];
  const seconds = Number(took[1]) / (took[2] === 'ms' ? 1000 : 1);
  // what is on its way when the time is up counts as neither
  return { requests: answered, seconds, errors: others.reduce((sum, count) => sum + count, Number(failed[1])) };
}
