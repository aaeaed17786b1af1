/** One run of tcpvsadm: command line in, exit status out. */
import { setTimeout as sleep } from 'node:timers/promises';

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
import { AdminClient, AdminError } from './admin-client.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { printable, styleOf } from './output.ts';
import { socketPath } from './socket-path.ts';
import { taskOf } from './tcpvsadm-command.ts';
import type { Task } from './tcpvsadm-command.ts';
import { helpText } from './tcpvsadm-help.ts';
import { bindAddress, readFileBounded, systemServices } from './tcpvsadm-input.ts';
import { listingText } from './tcpvsadm-listing.ts';
import { UsageError, readCommandLine } from './tcpvsadm-options.ts';
import { trouble } from './tcpvsadm-trouble.ts';
import { VERSION } from './version.ts';

/** Seconds between the two readings of --rate. */
const RATE_SECONDS = 1;

export async function runTcpvsadm(args: readonly string[]): Promise<ExitCode> {
  try {
    const line = readCommandLine(args);
    const services = await systemServices();
    const task = taskOf(line, services);
    const client = new AdminClient(socketPath(line.socket));
    return await perform(task, client, services);
  } catch (error) {
    if (error instanceof UsageError) return complain([error.message], EXIT.usage);
    if (error instanceof AdminError || error instanceof Refused)
      return complain(error.message.split('\n'), EXIT.failed);
    throw error;
  }
}

async function perform(task: Task, client: AdminClient, services: Services): Promise<ExitCode> {
  switch (task.kind) {
    case 'Help':
      process.stdout.write(helpText(styleOf(process.stdout)));
      return EXIT.ok;
    case 'List':
      return list(task, client, services);
    case 'LoadFile':
      return load(task.file, client, services);
    case 'Change':
      return change(await withBindAddress(task.command), client);
    default:
      return task satisfies never;
  }
}

async function load(file: string, client: AdminClient, services: Services): Promise<ExitCode> {
  const name = file === '-' ? '(standard input)' : file;
  const parsed = parseConfiguration(await readFileBounded(file), services);
  if (!parsed.ok)
    return complain(
      parsed.faults.map((fault) => faultText(name, fault)),
      EXIT.failed,
    );
  const virtuals = [];
  for (const virtual of parsed.table.virtuals) {
    virtuals.push({ ...virtual, listen: { ...virtual.listen, host: await bindAddress(virtual.listen.host) } });
  }
  return change({ kind: 'Load', table: { virtuals }, file: name }, client);
}

async function change(command: Command, client: AdminClient): Promise<ExitCode> {
  const result = await client.change((objects): CommandResult => applyCommand(objects, command));
  if (result.errors.length > 0) return complain(result.errors, EXIT.failed);
  const notes = [...result.notes, ...(result.apply.length > 0 ? trouble(await statusOf(client), result.apply) : [])];
  complain(
    notes.map((note) => `note: ${note}`),
    EXIT.ok,
  );
  return EXIT.ok;
}

/** It is done; a status that cannot be read is no failure of it. */
async function statusOf(client: AdminClient) {
  try {
    return await client.status();
  } catch (error) {
    if (error instanceof AdminError) return null;
    throw error;
  }
}

async function list(task: Task & { kind: 'List' }, client: AdminClient, services: Services): Promise<ExitCode> {
  const { objects } = await client.objects();
  const draft = new Draft(objects);
  if (task.ident !== null && draft.virtual(task.ident) === undefined) {
    return complain([`no virtual server ${printIdent(task.ident)}`], EXIT.failed);
  }
  const table = tableOf(draft, task.ident, await figures(client, task.rate));
  const naming = { services, numeric: task.numeric };
  process.stdout.write(
    task.json
      ? `${JSON.stringify(jsonOf(table, VERSION), null, 2)}\n`
      : listingText(
          table,
          { ...naming, width: process.stdout.columns ?? 120, version: VERSION },
          styleOf(process.stdout),
        ),
  );
  return EXIT.ok;
}

/** A server that has no counts (yet) still has a table to list. */
async function figures(client: AdminClient, rate: boolean): Promise<Figures | undefined> {
  try {
    const first = await client.counts();
    if (!rate) return figuresOf(first);
    const start = performance.now();
    await sleep(RATE_SECONDS * 1000);
    const second = await client.counts();
    return figuresOf(second, { counts: first, seconds: (performance.now() - start) / 1000 });
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    complain([`note: no live counts: ${error.message}`], EXIT.ok);
    return undefined;
  }
}

/** Listeners bind to addresses; a name is looked up here, once. */
async function withBindAddress(command: Command): Promise<Command> {
  if (command.kind !== 'AddService' && command.kind !== 'EditService') return command;
  const { listen } = command.options;
  if (listen?.host === undefined) return command;
  return { ...command, options: { ...command.options, listen: { ...listen, host: await bindAddress(listen.host) } } };
}

function complain(messages: readonly string[], code: ExitCode): ExitCode {
  for (const message of messages) process.stderr.write(`tcpvsadm: ${printable(message)}\n`);
  return code;
}
