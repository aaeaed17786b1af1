/**
 * The grammar of tcpvsadm's command line, as data: its commands, its options, and which belong together. Reads a command
 * line by it, in getopt's way: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, flags bundled (`-Ln`).
 */

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** What its value is called; none: a flag. */
  readonly value?: string;
  readonly help: string;
}

export const OPTIONS = {
  ident: { long: 'ident', short: 'i', value: 'NAME', help: 'the virtual server (NAMESPACE/NAME where not "default")' },
  scheduler: { long: 'scheduler', short: 's', value: 'SCHEDULER', help: 'wlc, http, phttp, chttp or hhttp' },
  listen: { long: 'listen', short: 'l', value: 'HOST[:PORT]', help: 'where it listens (default: any address)' },
  port: { long: 'port', short: 'P', value: 'PORT', help: 'port to listen on (default: 8080)' },
  startservers: { long: 'startservers', value: 'N', help: "KTCPVS's, kept and listed" },
  minspareservers: { long: 'minspareservers', value: 'N', help: "KTCPVS's, kept and listed" },
  maxspareservers: { long: 'maxspareservers', value: 'N', help: "KTCPVS's, kept and listed" },
  maxclients: { long: 'maxclients', value: 'N', help: 'most client connections at once' },
  redirect: { long: 'redirect', value: 'HOST:PORT', help: 'used when no server can take it; "none" takes it away' },
  server: { long: 'real-server', short: 'r', value: 'HOST[:PORT]', help: "a server (port: the virtual server's)" },
  weight: { long: 'weight', short: 'w', value: 'N', help: '0…65535; 0 quiesces (default: 1)' },
  pattern: {
    long: 'pattern',
    short: 'p',
    value: 'PATTERN',
    help: 'POSIX extended regular expression, searched in the path',
  },
  match: { long: 'match', short: 'm', value: 'N', help: '0…10: the group to hash, 0 for none' },
  numeric: { long: 'numeric', short: 'n', help: 'addresses and ports as numbers' },
  json: { long: 'json', help: 'list as JSON' },
  rate: { long: 'rate', help: 'with requests per second, measured over one second' },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;

/** Where the table is: at the admin socket of a server, or in the objects of a cluster. Allowed with every command. */
export const PLACES = {
  socket: { long: 'socket', value: 'PATH', help: "the server's admin socket" },
  kubeconfig: { long: 'kubeconfig', value: 'FILE', help: 'the objects of a cluster instead of a server' },
  context: { long: 'context', value: 'NAME', help: "the kubeconfig's context (default: its current one)" },
  namespace: { long: 'namespace', value: 'NAME', help: "the namespace (default: the context's)" },
} as const satisfies Record<string, OptionSpec>;

export type PlaceName = keyof typeof PLACES;

export interface CommandSpec extends OptionSpec {
  readonly needs: readonly OptionName[];
  readonly may: readonly OptionName[];
}

const SERVICE: readonly OptionName[] = [
  'scheduler',
  'listen',
  'port',
  'startservers',
  'minspareservers',
  'maxspareservers',
  'maxclients',
  'redirect',
];

export const COMMANDS = {
  AddService: {
    long: 'add-service',
    short: 'A',
    needs: ['ident'],
    may: SERVICE,
    help: 'add a virtual server (stopped)',
  },
  EditService: { long: 'edit-service', short: 'E', needs: ['ident'], may: SERVICE, help: 'change what is given' },
  DeleteService: { long: 'delete-service', short: 'D', needs: ['ident'], may: [], help: 'delete a virtual server' },
  Flush: { long: 'flush', short: 'F', needs: [], may: [], help: 'delete all virtual servers' },
  AddServer: { long: 'add-server', short: 'a', needs: ['ident', 'server'], may: ['weight'], help: 'add a server' },
  EditServer: {
    long: 'edit-server',
    short: 'e',
    needs: ['ident', 'server'],
    may: ['weight'],
    help: 'change its weight',
  },
  DeleteServer: {
    long: 'delete-server',
    short: 'd',
    needs: ['ident', 'server'],
    may: [],
    help: 'delete a server that no rule names',
  },
  AddRule: {
    long: 'add-rule',
    needs: ['ident', 'pattern', 'server'],
    may: ['match', 'weight'],
    help: 'add a rule, or a destination to the rule of that pattern, or set its weight',
  },
  DeleteRule: {
    long: 'del-rule',
    needs: ['ident', 'pattern', 'server'],
    may: [],
    help: 'delete a destination of a rule',
  },
  List: {
    long: 'list',
    short: 'L',
    needs: [],
    may: ['ident', 'numeric', 'json', 'rate'],
    help: 'list (also with no command)',
  },
  Load: {
    long: 'load-configfile',
    short: 'f',
    value: 'FILE',
    needs: [],
    may: [],
    help: 'replace the table ("-": standard input)',
  },
  Start: { long: 'start', needs: [], may: ['ident'], help: 'start one, or all' },
  Stop: { long: 'stop', needs: [], may: ['ident'], help: 'stop one, or all' },
  Help: { long: 'help', short: 'h', needs: [], may: [], help: 'this text' },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;

export interface CommandLine {
  readonly command: CommandName;
  /** The value of the command itself: a file's name. */
  readonly argument: string;
  /** Flags have the value ''. */
  readonly options: Readonly<Partial<Record<OptionName, string>>>;
  readonly place: Readonly<Partial<Record<PlaceName, string>>>;
}

/** As what the program was called: `-n` is KTCPVS's --numeric, and every kubectl plugin's --namespace. */
export type Dialect = 'tcpvsadm' | 'kubectl tcpvs';

/** The message of a wrong command line, in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Named =
  | { readonly kind: 'command'; readonly name: CommandName; readonly spec: OptionSpec }
  | { readonly kind: 'option'; readonly name: OptionName; readonly spec: OptionSpec }
  | { readonly kind: 'place'; readonly name: PlaceName; readonly spec: OptionSpec };

/** The words of a dialect, in the order of its help. */
export function wordsOf(dialect: Dialect): {
  readonly options: Readonly<Record<OptionName, OptionSpec>>;
  readonly places: Readonly<Partial<Record<PlaceName, OptionSpec>>>;
} {
  if (dialect === 'tcpvsadm') return { options: OPTIONS, places: PLACES };
  const { socket: _, ...cluster } = PLACES;
  const { short: __, ...numeric } = OPTIONS.numeric;
  return {
    options: { ...OPTIONS, numeric },
    places: { ...cluster, namespace: { ...PLACES.namespace, short: 'n' } },
  };
}

function namedOf(dialect: Dialect): readonly Named[] {
  const { options, places } = wordsOf(dialect);
  return [
    ...Object.entries(COMMANDS).map(([name, spec]): Named => ({ kind: 'command', name: name as CommandName, spec })),
    ...Object.entries(options).map(([name, spec]): Named => ({ kind: 'option', name: name as OptionName, spec })),
    ...Object.entries(places).map(([name, spec]): Named => ({ kind: 'place', name: name as PlaceName, spec })),
  ];
}

/** `-w, --weight` or `--match`. */
export function nameOf({ long, short }: OptionSpec): string {
  return short === undefined ? `--${long}` : `--${long} (-${short})`;
}

/** Throws UsageError. */
export function readCommandLine(args: readonly string[], dialect: Dialect = 'tcpvsadm'): CommandLine {
  let command: CommandName | null = null;
  let argument = '';
  const options = new Map<OptionName, string>();
  const place = new Map<PlaceName, string>();
  for (const { named, value } of words(args, namedOf(dialect))) {
    if (named.kind === 'command') {
      if (command !== null) {
        throw new UsageError(`one command at a time: ${nameOf(COMMANDS[command])} and ${nameOf(named.spec)}`);
      }
      command = named.name;
      argument = value;
    } else {
      const given: Map<string, string> = named.kind === 'option' ? options : place;
      if (given.has(named.name)) throw new UsageError(`${nameOf(named.spec)} is given twice`);
      given.set(named.name, value);
    }
  }
  judgePlace(place);
  const name = command ?? 'List';
  judge(name, command === null, options);
  return { command: name, argument, options: Object.fromEntries(options), place: Object.fromEntries(place) };
}

/** Names a cluster. `--namespace` alone does not: it would be one of a server's without saying so. */
export function isCluster(place: CommandLine['place'], dialect: Dialect): boolean {
  return dialect === 'kubectl tcpvs' || place.kubeconfig !== undefined || place.context !== undefined;
}

function judgePlace(place: ReadonlyMap<PlaceName, string>): void {
  const [other] = [...place.keys()].filter((name) => name === 'kubeconfig' || name === 'context');
  if (place.has('socket') && other !== undefined) {
    throw new UsageError(`${nameOf(PLACES.socket)} is a server's, ${nameOf(PLACES[other])} a cluster's: one of them`);
  }
}

function judge(name: CommandName, implied: boolean, options: ReadonlyMap<OptionName, string>): void {
  const command: CommandSpec = COMMANDS[name];
  const called = implied ? `${nameOf(command)}, which is meant where no command is given` : nameOf(command);
  for (const option of options.keys()) {
    if (command.needs.includes(option) || command.may.includes(option)) continue;
    throw new UsageError(`${nameOf(OPTIONS[option])} is not allowed with ${called}`);
  }
  for (const option of command.needs) {
    if (!options.has(option)) throw new UsageError(`${nameOf(command)} needs ${nameOf(OPTIONS[option])}`);
  }
}

function* words(args: readonly string[], all: readonly Named[]): Generator<{ named: Named; value: string }> {
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    const next = (spec: OptionSpec): string => {
      at += 1;
      const value = args[at];
      if (value === undefined) throw new UsageError(`${nameOf(spec)} needs a value: ${spec.value}`);
      return value;
    };
    if (word === '--') {
      if (at + 1 < args.length) throw leftOver(args[at + 1] ?? '');
    } else if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const long = word.slice(2, equals === -1 ? undefined : equals);
      const named = all.find(({ spec }) => spec.long === long);
      if (named === undefined) throw unknown(`--${long}`);
      if (equals !== -1 && named.spec.value === undefined) throw new UsageError(`${nameOf(named.spec)} takes no value`);
      yield {
        named,
        value: equals !== -1 ? word.slice(equals + 1) : named.spec.value === undefined ? '' : next(named.spec),
      };
    } else if (word.startsWith('-') && word.length > 1) {
      for (let letter = 1; letter < word.length; letter += 1) {
        const named = all.find(({ spec }) => spec.short === word[letter]);
        if (named === undefined) throw unknown(`-${word[letter]}`);
        if (named.spec.value === undefined) {
          yield { named, value: '' };
          continue;
        }
        const attached = word.slice(letter + 1);
        yield { named, value: attached === '' ? next(named.spec) : attached };
        break;
      }
    } else {
      throw leftOver(word);
    }
  }
}

function leftOver(word: string): UsageError {
  return new UsageError(`${JSON.stringify(word)} is left over: it belongs to no option`);
}

function unknown(option: string): UsageError {
  return new UsageError(`unknown option ${JSON.stringify(option)}; --help lists those there are`);
}
