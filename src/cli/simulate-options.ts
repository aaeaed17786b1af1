/** The command line of `tcpvs simulate`. */
import type { Balance } from '../model/snapshot.ts';
import type { CellChange, Changes, DemandChange } from '../simulation/what-if.ts';
import { type CommandHelp, type CommandLine, UsageError } from './command-line.ts';
import { whole } from './problem-input.ts';

export const SIMULATE_HELP: CommandHelp = {
  name: 'simulate',
  summary: 'what clients would get after a change of weights, a lost host, another demand',
  text: [
    'FILE is a problem file as tcpvs optimize takes it, with what runs (current) and its weights (load); where nothing is known to\n' +
      'run, what tcpvs optimize would start. Requests are simulated one by one, the same ones before and after the change.\n' +
      'docs/simulate.md says what is modelled.',
    'Exit status: 0 there is an answer, 1 faults in the file, or it cannot be read, or a change names what is not there, 2\n' +
      'wrong command line.',
  ],
  options: {
    file: { short: 'f', value: 'FILE', help: 'the problem (needed)' },
    weights: {
      value: 'COLUMN:HOST=N,…',
      many: true,
      help: 'all weights of a column, 0…65535; hosts that are not named\nget none (may be repeated)',
    },
    caps: {
      value: 'COLUMN:HOST=N,…',
      many: true,
      help: 'most requests of a column in flight at each host; hosts\nthat are not named have no cap (may be repeated)',
    },
    'lose-host': { value: 'HOST', many: true, help: 'without this host (may be repeated)' },
    demand: {
      value: 'COLUMN=N',
      many: true,
      help: 'so many requests/s of a column; xN: so many times as many;\n*: of every column (may be repeated)',
    },
    balance: { value: 'NAME', help: 'RoundRobin (default), LeastConnections, PowerOfTwo, PeakEwma' },
    queue: {
      value: 'HOW',
      help: 'what caps leave no room for: none (default), it is refused;\ndeadline, it waits as long as it can be answered in time;\nSECONDS, it waits so long',
    },
    seconds: {
      value: 'N',
      help: 'how long requests come (default: 300, less where these\nwould be more than a million)',
    },
    timeout: { value: 'SECONDS', help: 'how long a client waits (default: 5)' },
    accepts: {
      value: 'N',
      help: 'requests that an instance works on at once; others wait to\nbe accepted (default: 256)',
    },
    stops: { help: 'servers stop working on what their client has given up\n(default: they go on)' },
    seed: { value: 'N', help: 'of the arrivals; the same seed, the same answer (default: 1)' },
    json: { help: 'print as JSON' },
  },
  examples: [
    'tcpvs simulate -f examples/20-placement/tomorrow.yaml --lose-host web5',
    'tcpvs simulate -f problem.yaml --caps shop:web1=8,web2=8 --queue deadline',
    "tcpvs simulate -f problem.yaml --demand 'images=x2' --weights shop-browse:web1=70,web2=30 --json",
  ],
};

export interface SimulateOptions {
  readonly file: string;
  readonly changes: Changes;
  readonly balance: Balance;
  /** null: by how many requests there are. */
  readonly seconds: number | null;
  readonly timeout: number;
  /** Seconds that one waits for room at most; null: nobody waits. */
  readonly queue: 'deadline' | number | null;
  readonly accepts: number;
  readonly stops: boolean;
  readonly seed: number;
  readonly json: boolean;
}

const BALANCES: readonly Balance[] = ['RoundRobin', 'LeastConnections', 'PowerOfTwo', 'PeakEwma'];

/** @throws UsageError */
export function simulateOptions(line: CommandLine): SimulateOptions {
  const file = line.value('file');
  if (file === null) throw new UsageError('--file FILE is needed');
  const named = line.value('balance') ?? 'RoundRobin';
  const balance = BALANCES.find((each) => each === named);
  if (balance === undefined) {
    throw new UsageError(`--balance: read ${quoted(named)}, expected one of ${BALANCES.join(', ')}`);
  }
  const timeout = line.value('timeout') ?? '5';
  const demand = line.values('demand').map(demandChange);
  const [weights, caps] = [cellChanges(line, 'weights', 0, 65_535), cellChanges(line, 'caps', 1, 1_000_000)];
  return {
    file,
    changes: { lostHosts: line.values('lose-host'), demand, weights, caps },
    balance,
    queue: queue(line.value('queue') ?? 'none'),
    seconds: whole('--seconds', line.value('seconds'), 1, 86_400),
    timeout: number('--timeout', timeout, timeout, 'seconds above 0', (value) => value > 0 && value <= 3600),
    accepts: whole('--accepts', line.value('accepts'), 1, 100_000) ?? 256,
    stops: line.flag('stops'),
    seed: whole('--seed', line.value('seed'), 0, 2 ** 31 - 1) ?? 1,
    json: line.flag('json'),
  };
}

function cellChanges(line: CommandLine, option: 'weights' | 'caps', least: number, most: number): CellChange[] {
  const changes = line.values(option).map((read) => cellChange(`--${option}`, read, least, most));
  const twice = changes.find((each, at) => changes.findIndex(({ column }) => column === each.column) < at);
  if (twice !== undefined) throw new UsageError(`--${option}: ${twice.column} stands twice`);
  return changes;
}

function cellChange(option: string, read: string, least: number, most: number): CellChange {
  const expected = `COLUMN:HOST=N,HOST=N,… with N of ${least} to ${most}`;
  // Names may have colons of their own: the last one before the numbers is meant.
  const at = read.lastIndexOf(':', read.indexOf('='));
  if (at <= 0) throw new UsageError(`${option}: read ${quoted(read)}, expected ${expected}`);
  const cells = new Map<string, number>();
  for (const part of read.slice(at + 1).split(',')) {
    const [host = '', text = ''] = part.split(/=(?=[^=]*$)/);
    const amount = /^[0-9]{1,7}$/.test(text) ? Number(text) : -1;
    if (host === '' || amount < least || amount > most || cells.has(host)) {
      throw new UsageError(`${option}: read ${quoted(part)} in ${quoted(read)}, expected ${expected}, each host once`);
    }
    cells.set(host, amount);
  }
  return { column: read.slice(0, at), cells };
}

function queue(read: string): SimulateOptions['queue'] {
  if (read === 'none') return null;
  if (read === 'deadline') return read;
  return number('--queue', read, read, 'none, deadline, or seconds above 0', (value) => value > 0 && value <= 3600);
}

function demandChange(read: string): DemandChange {
  const at = read.lastIndexOf('=');
  const [column, amount] = [read.slice(0, at), read.slice(at + 1)];
  if (at <= 0) throw new UsageError(`--demand: read ${quoted(read)}, expected COLUMN=RATE or COLUMN=xFACTOR`);
  const isFactor = amount.startsWith('x');
  const text = isFactor ? amount.slice(1) : amount;
  const value = number('--demand', read, text, 'COLUMN=RATE or COLUMN=xFACTOR', (each) => each >= 0 && each <= 1e9);
  return { column: column === '*' ? null : column, by: isFactor ? { factor: value } : { rate: value } };
}

function number(
  option: string,
  read: string,
  text: string,
  expected: string,
  holds: (value: number) => boolean,
): number {
  const value = /^[0-9]{1,12}(\.[0-9]{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (holds(value)) return value;
  throw new UsageError(`${option}: read ${quoted(read)}, expected ${expected}`);
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 80));
