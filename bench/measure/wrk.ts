/** Closed-loop load by wrk: how much can be had. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ENVIRONMENT } from './process.ts';

export interface WrkOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly threads?: number;
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: boolean;
  /** A folder for the script. */
  readonly directory: string;
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  /** Answers of 400 and above, broken or timed-out connections. */
  readonly errors: number;
}

export async function wrk(options: WrkOptions): Promise<WrkResult> {
  const script = join(options.directory, 'wrk.lua');
  writeFileSync(script, luaScript(options));
  const text = await capture('wrk', [
    `-t${options.threads ?? 1}`,
    `-c${options.connections}`,
    `-d${options.seconds}s`,
    '-s',
    script,
    `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${options.port}/`,
  ]);
  const match = /^RESULT (\d+) (\d+) (\d+)$/m.exec(text);
  if (match === null) throw new Error(`wrk said:\n${text}`);
  return { requests: Number(match[1]), seconds: Number(match[2]) / 1e6, errors: Number(match[3]) };
}

/** Requests are formatted once and cycled through: wrk shall not be what is measured. */
function luaScript({ paths, headers }: WrkOptions): string {
  const fields = Object.entries(headers).map(([name, value]) => `wrk.headers[${quote(name)}] = ${quote(value)}`);
  return `${fields.join('\n')}
local paths = { ${paths.map(quote).join(', ')} }
local formatted, n = {}, 0
function init(args)
  for i = 1, #paths do formatted[i] = wrk.format('GET', paths[i]) end
end
function request()
  n = n % #formatted + 1
  return formatted[n]
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT %d %d %d\\n', summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

export function capture(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}
