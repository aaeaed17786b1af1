/**
 * The commands of tcpvsadm as functions of the objects: what is to be applied and deleted so that the command is done, or
 * why it cannot be. What comes from the command line was judged there by form (numbers in range, schedulers that exist).
 */
import type { ApiObject, ObjectsWrite } from '../admin/contract.ts';
import { Draft } from './draft.ts';
import { printIdent } from './host-port.ts';
import { loadTable } from './load.ts';
import type { VirtualObject } from './objects.ts';
import { Refused } from './refused.ts';
import { addRule, addServer, deleteRule, deleteServer, editServer } from './server-commands.ts';
import type { RuleChange, ServerChange, ServerName } from './server-commands.ts';
import { freshVirtual, setListen, setRedirect, setScheduler, setSizes, setStarted } from './spec-edits.ts';
import type { Sizes } from './spec-edits.ts';
import { DEFAULT_PORT } from './table.ts';
import type { HostPort, Ident, Table } from './table.ts';

/** What -A and -E may say; undefined: not said. */
export interface ServiceOptions extends Sizes {
  readonly scheduler?: string | undefined;
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
  /** null takes it away. */
  readonly redirect?: HostPort | null | undefined;
}

export type Command =
  | { readonly kind: 'AddService' | 'EditService'; readonly ident: Ident; readonly options: ServiceOptions }
  | { readonly kind: 'DeleteService'; readonly ident: Ident }
  | { readonly kind: 'Flush' }
  | ({ readonly kind: 'AddServer' | 'EditServer' } & ServerChange)
  | ({ readonly kind: 'DeleteServer' } & ServerName)
  | ({ readonly kind: 'AddRule' } & RuleChange)
  | ({ readonly kind: 'DeleteRule'; readonly pattern: string } & ServerName)
  /** A null ident: all of them. */
  | { readonly kind: 'Start' | 'Stop'; readonly ident: Ident | null }
  | {
      readonly kind: 'Load';
      readonly table: Table;
      /** For faults found against the objects. */ readonly file: string;
    };

export interface CommandResult extends Pick<ObjectsWrite, 'apply' | 'delete'> {
  /** Why nothing is done; `apply` and `delete` are empty then. */
  readonly errors: readonly string[];
  /** What the operator should know though it was done. */
  readonly notes: readonly string[];
}

export function applyCommand(objects: readonly ApiObject[], command: Command): CommandResult {
  const draft = new Draft(objects);
  const notes: string[] = [];
  try {
    run(draft, command, notes);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { apply: [], delete: [], errors: error.message.split('\n'), notes: [] };
  }
  if (['DeleteService', 'Flush', 'DeleteServer', 'DeleteRule', 'Load'].includes(command.kind)) draft.removeUnused();
  return { ...draft.changes(), errors: [], notes };
}

function run(draft: Draft, command: Command, notes: string[]): void {
  switch (command.kind) {
    case 'AddService':
      return addService(draft, command.ident, command.options);
    case 'EditService':
      return editService(theVirtual(draft, command.ident), command.options);
    case 'DeleteService':
      return draft.remove(theVirtual(draft, command.ident));
    case 'Flush':
      for (const virtual of draft.virtuals()) draft.remove(virtual);
      return;
    case 'AddServer':
      return addServer(draft, theVirtual(draft, command.ident), command);
    case 'EditServer':
      return editServer(draft, theVirtual(draft, command.ident), command, notes);
    case 'DeleteServer':
      return deleteServer(draft, theVirtual(draft, command.ident), command);
    case 'AddRule':
      return addRule(draft, theVirtual(draft, command.ident), command);
    case 'DeleteRule':
      return deleteRule(draft, theVirtual(draft, command.ident), command);
    case 'Start':
    case 'Stop': {
      const virtuals = command.ident === null ? draft.virtuals() : [theVirtual(draft, command.ident)];
      for (const { spec } of virtuals) setStarted(spec, command.kind === 'Start');
      return;
    }
    case 'Load':
      return loadTable(draft, command.table, { file: command.file, startNew: false });
  }
}

function theVirtual(draft: Draft, ident: Ident): VirtualObject {
  const virtual = draft.virtual(ident);
  if (virtual !== undefined) return virtual;
  const names = draft.virtuals().map(({ metadata }) => printIdent(metadata));
  const others = names.length === 0 ? 'there is none' : `there ${names.length === 1 ? 'is' : 'are'} ${some(names)}`;
  throw new Refused(`no virtual server ${printIdent(ident)}; ${others}`);
}

/** The first few of a list. */
export function some(names: readonly string[]): string {
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`;
}

function addService(draft: Draft, ident: Ident, options: ServiceOptions): void {
  if (draft.virtual(ident) !== undefined) {
    throw new Refused(`virtual server ${printIdent(ident)} exists already; -E changes it`);
  }
  const virtual = freshVirtual(ident);
  editService(virtual, options);
  draft.put(virtual);
}

function editService(virtual: VirtualObject, options: ServiceOptions): void {
  const { spec } = virtual;
  if (options.listen !== undefined) {
    const now = spec.listeners[0];
    setListen(spec, {
      host: options.listen.host ?? now?.address ?? '*',
      port: options.listen.port ?? now?.port ?? DEFAULT_PORT,
    });
  }
  if (options.scheduler !== undefined) setScheduler(virtual, options.scheduler);
  setSizes(spec, options);
  if (options.redirect !== undefined) setRedirect(spec, options.redirect);
}
