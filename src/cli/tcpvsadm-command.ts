/** The values of a command line, judged, as a command on the objects. */
import type { Command, ServiceOptions } from '../ktcpvs/commands.ts';
import { readHostPort, readIdent, readNumber, readPort, readServer } from '../ktcpvs/host-port.ts';
import type { Read } from '../ktcpvs/host-port.ts';
import type { GivenServer } from '../ktcpvs/server-commands.ts';
import type { Services } from '../ktcpvs/services.ts';
import {
  DEFAULT_NAMESPACE,
  MAX_CLIENTS,
  MAX_MATCH,
  MAX_PATTERN,
  MAX_PROCESSES,
  MAX_WEIGHT,
  SCHEDULERS,
} from '../ktcpvs/table.ts';
import type { HostPort, Ident } from '../ktcpvs/table.ts';
import { OPTIONS, UsageError, nameOf } from './tcpvsadm-options.ts';
import type { CommandLine, OptionName } from './tcpvsadm-options.ts';

/** What the command line asks for. Loading needs its file read first. */
export type Task =
  | { readonly kind: 'Help' }
  | {
      readonly kind: 'List';
      readonly ident: Ident | null;
      readonly numeric: boolean;
      readonly json: boolean;
      readonly rate: boolean;
    }
  | { readonly kind: 'LoadFile'; readonly file: string }
  | { readonly kind: 'Change'; readonly command: Command };

/** `home`: the namespace of names that say none. Throws UsageError. */
export function taskOf(line: CommandLine, services: Services, home = DEFAULT_NAMESPACE): Task {
  const values = new Values(line, services, home);
  switch (line.command) {
    case 'Help':
      return { kind: 'Help' };
    case 'List': {
      const { numeric, json, rate } = line.options;
      const flags = { numeric: numeric !== undefined, json: json !== undefined, rate: rate !== undefined };
      return { kind: 'List', ident: values.optionalIdent(), ...flags };
    }
    case 'Load':
      return { kind: 'LoadFile', file: line.argument };
    case 'Flush':
      return { kind: 'Change', command: { kind: 'Flush' } };
    case 'Start':
    case 'Stop':
      return { kind: 'Change', command: { kind: line.command, ident: values.optionalIdent() } };
    case 'DeleteService':
      return { kind: 'Change', command: { kind: 'DeleteService', ident: values.ident() } };
    case 'AddService':
    case 'EditService':
      return { kind: 'Change', command: { kind: line.command, ident: values.ident(), options: values.service() } };
    case 'AddServer':
    case 'EditServer':
      return { kind: 'Change', command: { kind: line.command, ...values.named(), weight: values.weight() } };
    case 'DeleteServer':
      return { kind: 'Change', command: { kind: 'DeleteServer', ...values.named() } };
    case 'AddRule': {
      const match = values.number('match', MAX_MATCH);
      const rule = { ...values.named(), pattern: values.pattern(), match, weight: values.weight() };
      return { kind: 'Change', command: { kind: 'AddRule', ...rule } };
    }
    case 'DeleteRule':
      return { kind: 'Change', command: { kind: 'DeleteRule', ...values.named(), pattern: values.pattern() } };
    default:
      return line.command satisfies never;
  }
}

class Values {
  readonly #options: CommandLine['options'];
  readonly #services: Services;
  readonly #home: string;

  constructor(line: CommandLine, services: Services, home: string) {
    this.#options = line.options;
    this.#services = services;
    this.#home = home;
  }

  ident(): Ident {
    return this.optionalIdent() ?? { namespace: '', name: '' };
  }

  optionalIdent(): Ident | null {
    return this.#read('ident', (text) => readIdent(text, this.#home)) ?? null;
  }

  named(): { ident: Ident; server: GivenServer } {
    const server = this.#read('server', (text) => readServer(text, this.#services));
    return { ident: this.ident(), server: server ?? { kind: 'Object', name: '' } };
  }

  weight(): number | undefined {
    return this.number('weight', MAX_WEIGHT);
  }

  number(option: OptionName, most: number): number | undefined {
    return this.#read(option, (text) => readNumber(text, 0, most));
  }

  pattern(): string {
    const expected = `a POSIX extended regular expression of 1 to ${MAX_PATTERN} characters, none of them control characters`;
    return (
      this.#read('pattern', (text) =>
        text.length > 0 && text.length <= MAX_PATTERN && !/\p{Cc}/u.test(text)
          ? { ok: true, value: text }
          : { ok: false, expected },
      ) ?? ''
    );
  }

  service(): ServiceOptions {
    return {
      scheduler: this.#read('scheduler', readScheduler),
      listen: this.#listen(),
      startServers: this.number('startservers', MAX_PROCESSES),
      minSpareServers: this.number('minspareservers', MAX_PROCESSES),
      maxSpareServers: this.number('maxspareservers', MAX_PROCESSES),
      maxClients: this.number('maxclients', MAX_CLIENTS),
      redirect: this.#read('redirect', (text) => this.#redirect(text)),
    };
  }

  #listen(): ServiceOptions['listen'] {
    const listen = this.#read('listen', (text) => readHostPort(text, this.#services));
    const port = this.#read('port', (text) => readPort(text, this.#services));
    if (listen === undefined && port === undefined) return undefined;
    const named = listen?.port ?? undefined;
    if (named !== undefined && port !== undefined && named !== port) {
      throw new UsageError(`${nameOf(OPTIONS.listen)} names port ${named} and ${nameOf(OPTIONS.port)} port ${port}`);
    }
    return { host: listen?.host, port: named ?? port };
  }

  #redirect(text: string): Read<HostPort | null> {
    if (text === 'none') return { ok: true, value: null };
    const read = readHostPort(text, this.#services);
    if (!read.ok) return read;
    const { host, port } = read.value;
    return port === null || host === '*'
      ? { ok: false, expected: 'HOST:PORT, or none' }
      : { ok: true, value: { host, port } };
  }

  #read<T>(option: OptionName, read: (text: string) => Read<T>): T | undefined {
    const text = this.#options[option];
    if (text === undefined) return undefined;
    const result = read(text);
    if (result.ok) return result.value;
    throw new UsageError(`${nameOf(OPTIONS[option])}: read ${JSON.stringify(text)}, expected ${result.expected}`);
  }
}

function readScheduler(text: string): Read<string> {
  const name = text.toLowerCase();
  return SCHEDULERS.includes(name)
    ? { ok: true, value: name }
    : { ok: false, expected: `one of the schedulers ${SCHEDULERS.join(', ')}` };
}
