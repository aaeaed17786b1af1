/** One run of tcpvsadm: command line in, exit status out. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { ApiObject, StatusDocument } from '../admin/contract.ts';
import { applyCommand } from '../ktcpvs/commands.ts';
import type { Command, CommandResult } from '../ktcpvs/commands.ts';
import { Draft } from '../ktcpvs/draft.ts';
import { figuresOf } from '../ktcpvs/figures.ts';
import { printIdent } from '../ktcpvs/host-port.ts';
import { jsonOf } from '../ktcpvs/json.ts';
import { faultText, parseConfiguration } from '../ktcpvs/parse.ts';
import { Refused } from '../ktcpvs/refused.ts';
import type { Services } from '../ktcpvs/services.ts';
import { tableOf } from '../ktcpvs/table-of.ts';
import type { Figures } from '../ktcpvs/table-of.ts';
import type { Table } from '../ktcpvs/table.ts';
import { AdminError } from './admin-client.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { printable, styleOf } from './output.ts';
import type { TableServer } from './table-server.ts';
import { taskOf } from './tcpvsadm-command.ts';
import type { Task } from './tcpvsadm-command.ts';
import { helpText } from './tcpvsadm-help.ts';
import { bindAddress, readFileBounded, systemServices } from './tcpvsadm-input.ts';
import { listingText } from './tcpvsadm-listing.ts';
import { UsageError, readCommandLine } from './tcpvsadm-options.ts';
import type { Dialect } from './tcpvsadm-options.ts';
import { openPlace } from './tcpvsadm-place.ts';
import type { Place } from './tcpvsadm-place.ts';
import { key, settled, troubleOf, writtenOf } from './tcpvsadm-trouble.ts';
import { VERSION } from './version.ts';

/** Seconds between the two readings of --rate. */
const RATE_SECONDS = 1;
/** ms to wait for the server to have put in force what was written, and between two looks. */
const PATIENCE = 1500;
const POLL = 50;

/** What a run reads from and writes to. */
export interface Surroundings {
  readonly stdin: AsyncIterable<Buffer>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What only a run that reaches the server has. */
interface Run {
  readonly around: Surroundings;
  readonly dialect: Dialect;
  readonly place: Place;
  readonly services: Services;
}

/** `dialect` is also the name that messages begin with. */
export async function runTcpvsadm(
  args: readonly string[],
  around: Surroundings,
  dialect: Dialect = 'tcpvsadm',
): Promise<ExitCode> {
  try {
    const line = readCommandLine(args, dialect);
    const services = await systemServices();
    // Help needs no kubeconfig.
    const place = line.command === 'Help' ? null : await openPlace(line, dialect, around.environment);
    const task = taskOf(line, services, place?.home);
    if (task.kind === 'Help' || place === null) {
      around.stdout.write(helpText(styleOf(around.stdout, around.environment), dialect));
      return EXIT.ok;
    }
    try {
      return await perform(task, { around, dialect, place, services });
    } finally {
      place.close();
    }
  } catch (error) {
    if (error instanceof UsageError) return complain({ around, dialect }, [error.message], EXIT.usage);
    if (error instanceof AdminError || error instanceof Refused)
      return complain({ around, dialect }, error.message.split('\n'), EXIT.failed);
    throw error;
  }
}

async function perform(task: Exclude<Task, { kind: 'Help' }>, run: Run): Promise<ExitCode> {
  switch (task.kind) {
    case 'List':
      return list(task, run);
    case 'LoadFile':
      return load(task.file, run);
    case 'Change':
      return change(await withBindAddress(task.command, run), run);
    default:
      return task satisfies never;
  }
}

async function load(file: string, run: Run): Promise<ExitCode> {
  const name = file === '-' ? '(standard input)' : file;
  const text = await readFileBounded(file, run.around.stdin);
  const parsed = parseConfiguration(text, run.services, run.place.home);
  if (!parsed.ok)
    return complain(
      run,
      parsed.faults.map((fault) => faultText(name, fault)),
      EXIT.failed,
    );
  const virtuals = [];
  for (const virtual of parsed.table.virtuals) {
    virtuals.push({ ...virtual, listen: { ...virtual.listen, host: await listenHost(virtual.listen.host, run) } });
  }
  return change({ kind: 'Load', table: { virtuals }, file: name }, run);
}

async function change(command: Command, run: Run): Promise<ExitCode> {
  const { server } = run.place;
  const result = await server.change((objects): CommandResult => applyCommand(objects, command));
  if (result.errors.length > 0) return complain(run, result.errors, EXIT.failed);
  const troubles = await troublesAfter(server, result.apply);
  const notes = [...result.notes, ...troubles];
  complain(
    run,
    notes.map((note) => `note: ${note}`),
    EXIT.ok,
  );
  return EXIT.ok;
}

/** What does not work of what was written, as soon as the server knows. */
async function troublesAfter(server: TableServer, written: readonly ApiObject[]): Promise<string[]> {
  const start = performance.now();
  while (written.length > 0) {
    const document = await statusOf(server);
    if (document === null) break;
    const objects = writtenOf(document, written);
    if (objects.every(settled) || performance.now() - start > PATIENCE) {
      return objects.flatMap((object) => troubleOf(object).map((text) => `${key(object)}: ${text}`));
    }
    await sleep(POLL);
  }
  return [];
}

/** It is done; a status that cannot be read is no failure of it. */
async function statusOf(server: TableServer): Promise<StatusDocument | null> {
  try {
    return await server.status();
  } catch (error) {
    if (error instanceof AdminError) return null;
    throw error;
  }
}

async function list(task: Task & { kind: 'List' }, run: Run): Promise<ExitCode> {
  const { services, around } = run;
  const { server } = run.place;
  const { stdout, environment } = around;
  const { objects } = await server.objects();
  const draft = new Draft(objects);
  if (task.ident !== null && draft.virtual(task.ident) === undefined) {
    return complain(run, [`no virtual server ${printIdent(task.ident)}`], EXIT.failed);
  }
  const table = withTroubles(tableOf(draft, task.ident, await figures(run, task.rate)), await statusOf(server));
  const naming = { services, numeric: task.numeric };
  stdout.write(
    task.json
      ? `${JSON.stringify(jsonOf(table, VERSION), null, 2)}\n`
      : listingText(table, { ...naming, width: stdout.columns ?? 120, version: VERSION }, styleOf(stdout, environment)),
  );
  return EXIT.ok;
}

/** What is not as asked stands in the listing as remarks. */
function withTroubles({ virtuals }: Table, document: StatusDocument | null): Table {
  const troubles = new Map(
    (document?.objects ?? [])
      .filter(({ kind }) => kind === 'TcpVirtualServer')
      .map((object) => [`${object.metadata.namespace}/${object.metadata.name}`, troubleOf(object).map(printable)]),
  );
  return {
    virtuals: virtuals.map((virtual) => {
      const found = troubles.get(`${virtual.ident.namespace}/${virtual.ident.name}`) ?? [];
      return { ...virtual, remarks: [...(virtual.remarks ?? []), ...found] };
    }),
  };
}

/** A server that has no counts (yet) still has a table to list. */
async function figures(run: Run, rate: boolean): Promise<Figures | undefined> {
  try {
    const { server } = run.place;
    const first = await server.counts();
    if (!rate) return figuresOf(first);
    const start = performance.now();
    await sleep(RATE_SECONDS * 1000);
    const second = await server.counts();
    return figuresOf(second, { counts: first, seconds: (performance.now() - start) / 1000 });
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    complain(run, [`note: no live counts: ${error.message}`], EXIT.ok);
    return undefined;
  }
}

/** Listeners bind to addresses; a name is looked up here, once. */
async function withBindAddress(command: Command, run: Run): Promise<Command> {
  if (command.kind !== 'AddService' && command.kind !== 'EditService') return command;
  const { listen } = command.options;
  if (listen?.host === undefined) return command;
  return {
    ...command,
    options: { ...command.options, listen: { ...listen, host: await listenHost(listen.host, run) } },
  };
}

/** In a cluster the proxies listen on all addresses of their pods, and a Service says which lead there. */
async function listenHost(host: string, { place }: Run): Promise<string> {
  if (place.kind === 'Server') return bindAddress(host);
  if (ANY.has(host)) return '*';
  throw new Refused(`listen: read ${host}, expected a port alone (-P PORT): in a cluster the Service has the address`);
}

const ANY: ReadonlySet<string> = new Set(['*', '0.0.0.0', '::']);

function complain(
  { around, dialect }: Pick<Run, 'around' | 'dialect'>,
  messages: readonly string[],
  code: ExitCode,
): ExitCode {
  for (const message of messages) around.stderr.write(`${dialect}: ${printable(message)}\n`);
  return code;
}
