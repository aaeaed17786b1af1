import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** A finite run that judges the shares and ends. */
  readonly once: boolean;
  readonly json: boolean;
  /** New connections per second and app. */
  readonly rate: number;
  readonly seconds: number;
  readonly workers: number;
  readonly port: number | null;
  readonly serverPort: number | null;
  /** Only these web servers, no tcpvs and no load; null = the whole demo. */
  readonly servers: readonly string[] | null;
}

export const SERVERS = ['web1', 'web2', 'web3', 'web4', 'web5'];

export const USAGE = `tcpvs demo: five web servers, six apps, and the weight matrix at work, on loopback

  tcpvs demo [--once] [--json] [--rate N] [--seconds N] [--workers N] [--port N] [--server-port N]
  tcpvs demo --servers [web1,web2,…] [--server-port N]

  --once           a finite run (default 5 s); exit 0 only if every share is exact and no request failed
  --json           the result as JSON (with --once)
  --rate N         new connections per second and app, 2 calls on each (1 to 1000; default 25)
  --seconds N      how long the load lasts (1 to 3600; default 600, with --once 5)
  --workers N      worker threads of tcpvs (1 to 16; default 2)
  --port N         port of tcpvs (default 8000), on 127.0.0.1
  --server-port N  port of the web servers (default 8080), on 127.0.0.11 to 127.0.0.15
  --servers        only the web servers (all five, or those named), without tcpvs and load: for the examples
`;

/** Errors: one line that names the option, what was read and what was expected. */
export function parseDemoOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parsed({
    args: args.flatMap((arg, index) =>
      arg === '--servers' && !isList(args[index + 1]) ? [arg, SERVERS.join()] : [arg],
    ),
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      rate: { type: 'string' },
      seconds: { type: 'string' },
      workers: { type: 'string' },
      port: { type: 'string' },
      'server-port': { type: 'string' },
      servers: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { once, json } = values;
  if (json && !once) throw new Error('--json needs --once');
  return {
    once,
    json,
    rate: whole('--rate', values.rate, 1, 1_000) ?? 25,
    seconds: whole('--seconds', values.seconds, 1, 3_600) ?? (once ? 5 : 600),
    workers: whole('--workers', values.workers, 1, 16) ?? 2,
    port: whole('--port', values.port, 1, 65_535),
    serverPort: whole('--server-port', values['server-port'], 1, 65_535),
    servers: values.servers === undefined ? null : names(values.servers),
  };
}

/** Node's own messages, cut to what the person wrote, with where to look. */
const parsed: typeof parseArgs = (config) => {
  try {
    return parseArgs(config);
  } catch (error) {
    const [first = ''] = (error as Error).message.split('. ');
    throw new Error(`${first} (see tcpvs demo --help)`, { cause: error });
  }
};

function isList(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith('-');
}

function names(list: string): string[] {
  const unknown = list.split(',').find((name) => !SERVERS.includes(name));
  if (unknown !== undefined) throw new Error(`--servers: read '${unknown}', expected some of ${SERVERS.join(',')}`);
  return [...new Set(list.split(','))];
}

function whole(option: string, text: string | undefined, least: number, most: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${option}: read '${text}', expected a whole number from ${least} to ${most}`);
}
