/** Commands on the servers and rules of one virtual server. */
import { cellsOf, columnOf, removeCell, setCell } from './columns.ts';
import type { Draft } from './draft.ts';
import { printIdent, printServer } from './host-port.ts';
import { effectiveWeight, patternOf } from './objects.ts';
import type { RealObject, RuleSpec, VirtualObject } from './objects.ts';
import { judgePattern } from './patterns.ts';
import { Refused } from './refused.ts';
import { ServerBook } from './servers.ts';
import { BUILT_IN_SERVICES } from './services.ts';
import { newRule, setMatch } from './spec-edits.ts';
import { destinationsOf } from './table-of.ts';
import type { Ident, ServerRef } from './table.ts';

/** A server as the command line names it: a port that is left out is the virtual server's. */
export type GivenServer =
  | { readonly kind: 'Address'; readonly host: string; readonly port: number | null }
  | { readonly kind: 'Object'; readonly name: string };

export interface ServerName {
  readonly ident: Ident;
  readonly server: GivenServer;
}

export interface ServerChange extends ServerName {
  readonly weight?: number | undefined;
}

export interface RuleChange extends ServerChange {
  readonly pattern: string;
  readonly match?: number | undefined;
}

export function addServer(draft: Draft, virtual: VirtualObject, { server, weight = 1 }: ServerChange): void {
  const book = new ServerBook(draft, virtual.metadata.namespace);
  const ref = resolve(virtual, server);
  const found = ref.kind === 'Object' ? book.find(ref) : book.findOrCreate(ref);
  if (found === undefined) throw new Refused(`no real server ${show(ref)} in namespace ${virtual.metadata.namespace}`);
  const servers = (virtual.spec.servers ??= []);
  if (servers.some((each) => each.server === found.metadata.name)) {
    throw new Refused(
      `server ${show(ref)} of virtual server ${printIdent(virtual.metadata)} exists already; -e changes it`,
    );
  }
  servers.push({ server: found.metadata.name, weight });
}

/**
 * The weight of a server, and with it of the rules that have the same weight for it: a rule without a weight of its own
 * took the server's when it was added. Cells of a matrix are nobody's but the matrix'.
 */
export function editServer(draft: Draft, virtual: VirtualObject, change: ServerChange, notes: string[]): void {
  const found = theServer(draft, virtual, change.server);
  const { weight } = change;
  if (weight === undefined) return;
  const name = found.metadata.name;
  const own = virtual.spec.servers?.find((each) => each.server === name);
  if (own === undefined) {
    (virtual.spec.servers ??= []).push({ server: name, weight });
  } else {
    const before = effectiveWeight(own, found);
    own.weight = weight;
    for (const rule of virtual.spec.rules ?? []) {
      const destination = rule.servers?.find((each) => each.server === name);
      if (destination !== undefined && effectiveWeight(destination, found) === before) destination.weight = weight;
    }
  }
  if (weight === 0) notes.push(...stillServing(draft, virtual, name, change.server));
}

/** Weight 0 should quiesce the server, but a rule with a weight of its own for it goes on. */
function stillServing(draft: Draft, virtual: VirtualObject, name: string, server: GivenServer): string[] {
  return (virtual.spec.rules ?? []).flatMap((rule) => {
    const weight = destinationsOf(draft, virtual, rule).find((each) => each.server === name)?.weight ?? 0;
    if (weight === 0) return [];
    const of = rule.app === undefined ? '' : ` (app ${rule.app})`;
    return [`rule ${rule.name}${of} has weight ${weight} of its own for ${show(resolve(virtual, server))} and goes on`];
  });
}

export function deleteServer(draft: Draft, virtual: VirtualObject, { server }: ServerName): void {
  const found = theServer(draft, virtual, server);
  const name = found.metadata.name;
  const busy = (virtual.spec.rules ?? []).filter((rule) =>
    destinationsOf(draft, virtual, rule).some((each) => each.server === name),
  );
  if (busy.length > 0) {
    const rules = busy.slice(0, 8).map((rule) => rule.match?.path?.value ?? rule.name);
    throw new Refused(
      `server ${show(resolve(virtual, server))} of virtual server ${printIdent(virtual.metadata)} is busy: ` +
        `${rules.length === 1 ? 'rule' : 'rules'} ${rules.join(', ')} ${rules.length === 1 ? 'names' : 'name'} it`,
    );
  }
  virtual.spec.servers = (virtual.spec.servers ?? []).filter((each) => each.server !== name);
}

/** A second rule of the same pattern is a further destination of the first; of an app, a cell of its matrix. */
export function addRule(draft: Draft, virtual: VirtualObject, change: RuleChange): void {
  const found = theServer(draft, virtual, change.server);
  const { spec, metadata } = virtual;
  const name = found.metadata.name;
  const rules = (spec.rules ??= []);
  const rule = rules.find((each) => patternOf(each)?.pattern === change.pattern);
  const fault =
    rule === undefined || change.match !== undefined ? judgePattern(change.pattern, change.match ?? 0) : null;
  if (fault !== null)
    throw new Refused(`pattern ${JSON.stringify(change.pattern)}: read ${fault.read}, expected ${fault.expected}`);
  if (rule !== undefined && change.match !== undefined) setMatch(rule, change.match);
  if (rule?.app !== undefined) {
    const column = columnOf(draft, virtual, rule);
    if (column === null) {
      throw new Refused(
        `rule ${rule.name} names app ${rule.app}, which no matrix of virtual server ${printIdent(metadata)} has`,
      );
    }
    setCell(column, name, change.weight ?? 1);
    return;
  }
  const own = spec.servers?.find((each) => each.server === name);
  const weight = change.weight ?? (own === undefined ? 1 : effectiveWeight(own, found));
  if (rule === undefined) {
    rules.push(newRule(spec, change.pattern, change.match ?? 0, [{ server: name, weight }]));
    return;
  }
  const servers = (rule.servers ??= []);
  const destination = servers.find((each) => each.server === name);
  if (destination === undefined) servers.push({ server: name, weight });
  else destination.weight = weight;
}

/** With its last destination the rule goes. */
export function deleteRule(
  draft: Draft,
  virtual: VirtualObject,
  { pattern, server }: ServerName & { readonly pattern: string },
): void {
  const rules = virtual.spec.rules ?? [];
  const of = `virtual server ${printIdent(virtual.metadata)}`;
  const rule = rules.find((each) => patternOf(each)?.pattern === pattern);
  if (rule === undefined) {
    const patterns = rules.flatMap((each) => patternOf(each)?.pattern ?? []);
    const others = patterns.length === 0 ? 'it has none' : `it has ${patterns.slice(0, 8).join(' ')}`;
    throw new Refused(`no rule ${JSON.stringify(pattern)} in ${of}; ${others}`);
  }
  const { name } = theServer(draft, virtual, server).metadata;
  if (!destinationsOf(draft, virtual, rule).some((each) => each.server === name)) {
    throw new Refused(`rule ${JSON.stringify(pattern)} of ${of} does not lead to ${show(resolve(virtual, server))}`);
  }
  if (removeDestination(draft, virtual, rule, name)) virtual.spec.rules = rules.filter((each) => each !== rule);
}

/** Answers whether nothing is left. */
function removeDestination(draft: Draft, virtual: VirtualObject, rule: RuleSpec, server: string): boolean {
  const column = columnOf(draft, virtual, rule);
  if (column !== null) {
    removeCell(column, server);
    return cellsOf(column).length === 0;
  }
  rule.servers = (rule.servers ?? []).filter((each) => each.server !== server);
  return rule.servers.length === 0;
}

/** A server of the virtual server: one of its own, or one that a rule names. */
function theServer(draft: Draft, virtual: VirtualObject, given: GivenServer): RealObject {
  const book = new ServerBook(draft, virtual.metadata.namespace);
  const ref = resolve(virtual, given);
  const found = book.find(ref);
  const names = new Set([
    ...(virtual.spec.servers ?? []).map((each) => each.server),
    ...(virtual.spec.rules ?? []).flatMap((rule) => destinationsOf(draft, virtual, rule).map((each) => each.server)),
  ]);
  if (found !== undefined && names.has(found.metadata.name)) return found;
  const servers = [...names].slice(0, 8).map((name) => show(book.refOf(name)));
  throw new Refused(
    `${show(ref)} is not a server of virtual server ${printIdent(virtual.metadata)}; ` +
      (servers.length === 0
        ? 'it has none (-a adds one)'
        : `it has ${servers.join(', ')}${names.size > 8 ? ' …' : ''}`),
  );
}

function resolve(virtual: VirtualObject, given: GivenServer): ServerRef {
  if (given.kind === 'Object') return given;
  return { kind: 'Address', host: given.host, port: given.port ?? virtual.spec.listeners[0]?.port ?? 0 };
}

function show(ref: ServerRef): string {
  const host = ref.kind === 'Address' ? (ref.alias ?? ref.host) : '';
  return printServer(ref.kind === 'Address' ? { ...ref, host } : ref, { services: BUILT_IN_SERVICES, numeric: true });
}
