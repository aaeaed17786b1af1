/**
 * Makes the objects what a table says. The table replaces all virtual servers; of one that exists already, what the table
 * says again is left exactly as it is written (a rule's filters, the matrix that its weights stand in), so that loading a
 * listing changes nothing, and loading a changed one changes just that.
 */
import { isIP } from 'node:net';

import { cellsOf, columnOf, removeCell, setCell } from './columns.ts';
import type { Column } from './columns.ts';
import type { Draft } from './draft.ts';
import { printIdent } from './host-port.ts';
import { effectiveWeight, patternOf } from './objects.ts';
import type { DestinationSpec, RuleSpec, VirtualObject } from './objects.ts';
import { faultText } from './parse.ts';
import { Refused } from './refused.ts';
import { ServerBook } from './servers.ts';
import {
  freshVirtual,
  newRule,
  setListen,
  setMatch,
  setRedirect,
  setScheduler,
  setSizes,
  setStarted,
} from './spec-edits.ts';
import { patternRules } from './table-of.ts';
import { refKey } from './table.ts';
import type { KeptRule, PatternRule, Position, ServerRef, Table, Virtual } from './table.ts';

export interface LoadOptions {
  /** Named in faults. */
  readonly file: string;
  /** Whether a new virtual server of which the table does not say so is started. */
  readonly startNew: boolean;
}

interface Loading extends LoadOptions {
  readonly draft: Draft;
  /** What has been set in matrices, so that two rules cannot ask for different weights of one cell. */
  readonly cells: Map<string, { readonly weight: number; readonly line: number | undefined }>;
}

/** Throws Refused, with all faults; the draft is void then. */
export function loadTable(draft: Draft, table: Table, options: LoadOptions): void {
  const loading: Loading = { ...options, draft, cells: new Map() };
  const named = new Set(table.virtuals.map(({ ident }) => `${ident.namespace}/${ident.name}`));
  for (const virtual of draft.virtuals()) {
    if (!named.has(`${virtual.metadata.namespace}/${virtual.metadata.name}`)) draft.remove(virtual);
  }
  for (const virtual of table.virtuals) loadVirtual(loading, virtual);
}

function loadVirtual(loading: Loading, wanted: Virtual): void {
  const { draft } = loading;
  const existing = draft.virtual(wanted.ident);
  const virtual = existing ?? freshVirtual(wanted.ident);
  if (existing === undefined) {
    setStarted(virtual.spec, wanted.started ?? loading.startNew);
    draft.put(virtual);
  } else if (wanted.started !== null) {
    setStarted(virtual.spec, wanted.started);
  }
  const { host } = wanted.listen;
  // Names are looked up before, at the edge; where nobody did, only the one that everybody has is known.
  const bind = host === 'localhost' ? '127.0.0.1' : host;
  if (bind !== '*' && isIP(bind) === 0) fail(loading, wanted.at, `listen ${host}`, 'an address to listen on');
  setListen(virtual.spec, { ...wanted.listen, host: bind });
  setScheduler(virtual, wanted.scheduler);
  setSizes(virtual.spec, wanted);
  setRedirect(virtual.spec, wanted.redirect);
  const book = new ServerBook(draft, wanted.ident.namespace);
  const names = new Map<string, string>();
  for (const { ref, at } of wanted.servers) names.set(refKey(ref), serverName(loading, wanted, book, ref, at));
  loadServers(wanted, virtual, book, names);
  loadRules(loading, wanted, virtual, names);
}

function serverName(loading: Loading, wanted: Virtual, book: ServerBook, ref: ServerRef, at?: Position): string {
  if (ref.kind === 'Address') return book.findOrCreate(ref).metadata.name;
  const found = book.byName(ref.name);
  if (found !== undefined) return found.metadata.name;
  return fail(
    loading,
    at,
    JSON.stringify(`@${ref.name}`),
    `the name of a real server in namespace ${wanted.ident.namespace}`,
  );
}

function loadServers(
  wanted: Virtual,
  virtual: VirtualObject,
  book: ServerBook,
  names: ReadonlyMap<string, string>,
): void {
  const { spec } = virtual;
  const before = new Map((spec.servers ?? []).map((each) => [each.server, each]));
  const servers = wanted.servers.flatMap(({ ref, weight, byRulesOnly }): DestinationSpec[] => {
    if (byRulesOnly === true) return [];
    const name = names.get(refKey(ref)) ?? '';
    const now = before.get(name);
    if (now === undefined) return [{ server: name, weight }];
    return [effectiveWeight(now, book.byName(name)) === weight ? now : { ...now, weight }];
  });
  if (servers.length > 0 || spec.servers !== undefined) spec.servers = servers;
}

function loadRules(
  loading: Loading,
  wanted: Virtual,
  virtual: VirtualObject,
  names: ReadonlyMap<string, string>,
): void {
  const { spec } = virtual;
  const before = spec.rules;
  const byPattern = new Map(
    [...patternRules(loading.draft, virtual).keys()].map((rule) => [patternOf(rule)?.pattern, rule]),
  );
  const weights = new Map(wanted.servers.map(({ ref, weight }) => [refKey(ref), weight]));
  const rules = wanted.rules.map((rule): RuleSpec | PatternRule =>
    rule.kind === 'Keep' ? kept(loading, wanted, before ?? [], rule) : (byPattern.get(rule.pattern) ?? rule),
  );
  // Names of new rules must differ from those of all that stay.
  spec.rules = rules.filter((rule): rule is RuleSpec => !isPattern(rule));
  const made: RuleSpec[] = [];
  for (const [index, rule] of rules.entries()) {
    const line = wanted.rules[index];
    if (line?.kind !== 'Pattern') {
      made.push(rule as RuleSpec);
      continue;
    }
    const destinations = line.destinations.map(({ ref, weight, at }) => ({
      server:
        names.get(refKey(ref)) ??
        serverName(loading, wanted, new ServerBook(loading.draft, wanted.ident.namespace), ref, at),
      weight: weight ?? weights.get(refKey(ref)) ?? 1,
      at,
    }));
    if (isPattern(rule)) {
      const fresh = newRule(
        spec,
        rule.pattern,
        rule.match,
        destinations.map(({ server, weight }) => ({ server, weight })),
      );
      spec.rules.push(fresh);
      made.push(fresh);
    } else {
      setMatch(rule, line.match);
      setDestinations(loading, virtual, rule, destinations);
      made.push(rule);
    }
  }
  if (made.length > 0 || before !== undefined) spec.rules = made;
  else delete spec.rules;
}

function isPattern(rule: RuleSpec | PatternRule): rule is PatternRule {
  return 'kind' in rule;
}

function kept(loading: Loading, wanted: Virtual, rules: readonly RuleSpec[], { name, at }: KeptRule): RuleSpec {
  const rule = rules.find((each) => each.name === name);
  if (rule !== undefined) return rule;
  const names = rules.map((each) => each.name).slice(0, 8);
  const those = names.length === 0 ? 'which has none' : `which has ${names.join(', ')}`;
  return fail(
    loading,
    at,
    `keep ${name}`,
    `the name of a rule of virtual server ${printIdent(wanted.ident)}, ${those}`,
  );
}

interface Wanted {
  readonly server: string;
  readonly weight: number;
  readonly at: Position | undefined;
}

function setDestinations(loading: Loading, virtual: VirtualObject, rule: RuleSpec, wanted: readonly Wanted[]): void {
  const { draft } = loading;
  const column = columnOf(draft, virtual, rule);
  if (column !== null) {
    setColumn(loading, virtual, column, wanted);
    return;
  }
  const before = new Map((rule.servers ?? []).map((each) => [each.server, each]));
  const { namespace } = virtual.metadata;
  rule.servers = wanted.map(({ server, weight }) => {
    const now = before.get(server);
    if (now === undefined) return { server, weight };
    return effectiveWeight(now, draft.realServer({ namespace, name: server })) === weight ? now : { ...now, weight };
  });
}

function setColumn(loading: Loading, { metadata }: VirtualObject, column: Column, wanted: readonly Wanted[]): void {
  const prefix = `${metadata.namespace}/${column.matrix.metadata.name} ${column.app}`;
  const keep = new Set(wanted.map(({ server }) => server));
  for (const { server } of cellsOf(column)) {
    if (keep.has(server)) continue;
    const earlier = loading.cells.get(`${prefix} ${server}`);
    if (earlier !== undefined) {
      const expected = `server ${server} too, as line ${earlier.line} says of the same app (matrix ${prefix})`;
      fail(loading, wanted[0]?.at, 'a rule without it', expected);
    }
    removeCell(column, server);
  }
  for (const { server, weight, at } of wanted) {
    const key = `${prefix} ${server}`;
    const earlier = loading.cells.get(key);
    if (earlier !== undefined && earlier.weight !== weight) {
      const expected = `weight ${earlier.weight}, as line ${earlier.line} says of the same cell (matrix ${prefix})`;
      fail(loading, at, `weight ${weight}`, expected);
    }
    loading.cells.set(key, { weight, line: at?.line });
    setCell(column, server, weight);
  }
}

function fail({ file }: Loading, at: Position | undefined, read: string, expected: string): never {
  const place = { line: at?.line ?? 1, column: at?.column ?? 1 };
  throw new Refused(faultText(file, { ...place, read, expected }), `read ${read}, expected ${expected}`, place);
}
