/** The objects as a table: what a listing shows, and what loading it brings back. */
import { cellsOf, columnOf } from './columns.ts';
import type { Draft } from './draft.ts';
import { effectiveWeight, patternOf } from './objects.ts';
import type { RuleSpec, VirtualObject, VirtualSpec } from './objects.ts';
import { judgePattern } from './patterns.ts';
import { ServerBook } from './servers.ts';
import { listenOf } from './spec-edits.ts';
import { DEFAULT_SCHEDULER } from './table.ts';
import type { Ident, Live, Table, TableDestination, TableRule, TableServer, Virtual } from './table.ts';

/** Live figures, where there are any; `row` is a row id of the admin API's counts, servers are `namespace/name`. */
export interface Figures {
  readonly cell: (row: string, server: string) => Live | undefined;
  readonly active: (server: string) => number | undefined;
}

const NO_FIGURES: Figures = { cell: () => undefined, active: () => undefined };

/** All virtual servers, or the one of that name (none where there is no such). */
export function tableOf(draft: Draft, only: Ident | null = null, figures: Figures = NO_FIGURES): Table {
  const books = new Map<string, ServerBook>();
  const virtuals = draft
    .virtuals()
    .filter(({ metadata }) => only === null || (metadata.namespace === only.namespace && metadata.name === only.name));
  return {
    virtuals: virtuals.map((virtual) => {
      const { namespace } = virtual.metadata;
      const book = books.get(namespace) ?? new ServerBook(draft, namespace);
      books.set(namespace, book);
      return virtualOf(draft, virtual, book, figures);
    }),
  };
}

export function virtualOf(draft: Draft, virtual: VirtualObject, book: ServerBook, figures = NO_FIGURES): Virtual {
  const { metadata, spec } = virtual;
  const { namespace, name } = metadata;
  const patterns = patternRules(draft, virtual);
  const rules = (spec.rules ?? []).map((rule): TableRule => {
    const column = columnOf(draft, virtual, rule);
    const row =
      column === null
        ? `rule ${namespace}/${name} ${rule.name}`
        : `matrix ${namespace}/${column.matrix.metadata.name} ${column.app}`;
    const shown = {
      destinations: destinationsOf(draft, virtual, rule).map(({ server, weight }): TableDestination => ({
        ref: book.refOf(server),
        weight,
        ...optional('live', figures.cell(row, `${namespace}/${server}`)),
      })),
      ...(column === null ? {} : { column: { matrix: column.matrix.metadata.name, app: column.app } }),
    };
    const matched = patterns.has(rule) ? patternOf(rule) : null;
    if (matched !== null) return { kind: 'Pattern', ...matched, ...shown };
    const label = rule.match?.path?.value ?? rule.name;
    return { kind: 'Keep', name: rule.name, remark: describe(rule), label, ...shown };
  });
  const servers = serversOf(virtual, patterns, book).map(({ server, weight, byRulesOnly }): TableServer => ({
    ref: book.refOf(server),
    weight,
    ...(byRulesOnly ? { byRulesOnly } : {}),
    ...optional('live', figures.cell(`servers ${namespace}/${name}`, `${namespace}/${server}`)),
    ...optional('active', figures.active(`${namespace}/${server}`)),
  }));
  return {
    ident: { namespace, name },
    listen: listenOf(spec),
    scheduler: spec.scheduler ?? DEFAULT_SCHEDULER,
    started: spec.suspend !== true,
    startServers: spec.startServers ?? null,
    maxClients: spec.limits?.maxClients ?? null,
    minSpareServers: spec.minSpareServers ?? null,
    maxSpareServers: spec.maxSpareServers ?? null,
    redirect: spec.redirect === undefined ? null : { host: spec.redirect.address, port: spec.redirect.port },
    servers,
    rules,
    remarks: [
      ...spec.listeners
        .slice(1)
        .map(
          ({ name: listener, address = '::', port, protocol = 'HTTP' }) =>
            `also listens: ${listener} ${protocol} ${address.includes(':') ? `[${address}]` : address}:${port}`,
        ),
      ...(spec.queue === undefined ? [] : [queueText(spec.queue)]),
    ],
  };
}

function queueText({ requests, timeout }: NonNullable<VirtualSpec['queue']>): string {
  const most = requests === undefined ? '' : `, ${requests} of them at most`;
  return `queue: requests wait for room${most}${timeout === undefined ? '' : `, for up to ${timeout}`}`;
}

/**
 * The rules that the file can say, with their cells: a good Pattern and nothing else, not said by an earlier rule,
 * with at least one destination.
 */
export function patternRules(
  draft: Draft,
  virtual: VirtualObject,
): Map<RuleSpec, { server: string; weight: number }[]> {
  const rules = new Map<RuleSpec, { server: string; weight: number }[]>();
  const seen = new Set<string>();
  for (const rule of virtual.spec.rules ?? []) {
    const matched = patternOf(rule);
    if (matched === null || seen.has(matched.pattern)) continue;
    // A manifest may have a pattern that cannot be served; a file that says it would be refused.
    if (judgePattern(matched.pattern, matched.match) !== null) continue;
    const cells = destinationsOf(draft, virtual, rule);
    if (cells.length === 0) continue;
    seen.add(matched.pattern);
    rules.set(rule, cells);
  }
  return rules;
}

export function destinationsOf(
  draft: Draft,
  virtual: VirtualObject,
  rule: RuleSpec,
): { server: string; weight: number }[] {
  const { namespace } = virtual.metadata;
  const column = columnOf(draft, virtual, rule);
  if (column !== null) return cellsOf(column);
  return (rule.servers ?? []).map((destination) => {
    const server = draft.realServer({ namespace, name: destination.server });
    return { server: destination.server, weight: effectiveWeight(destination, server) };
  });
}

/** The virtual server's own servers, and behind them those that its rules alone name. */
function serversOf(
  virtual: VirtualObject,
  patterns: ReadonlyMap<RuleSpec, { server: string }[]>,
  book: ServerBook,
): { server: string; weight: number; byRulesOnly: boolean }[] {
  const own = (virtual.spec.servers ?? []).map((destination) => ({
    server: destination.server,
    weight: effectiveWeight(destination, book.byName(destination.server)),
    byRulesOnly: false,
  }));
  const names = new Set(own.map(({ server }) => server));
  const others = new Set(
    [...patterns.values()]
      .flat()
      .map(({ server }) => server)
      .filter((name) => !names.has(name)),
  );
  return [...own, ...[...others].map((server) => ({ server, weight: 0, byRulesOnly: true }))];
}

function describe(rule: RuleSpec): string {
  const { path, ...others } = rule.match ?? {};
  const conditions = Object.keys(others).filter((key) => key !== 'hashGroup');
  const parts = [
    path === undefined ? 'any path' : `${path.type} ${JSON.stringify(path.value)}`,
    ...(conditions.length > 0 ? [`with ${conditions.join(', ')}`] : []),
    rule.app === undefined
      ? `to ${(rule.servers ?? []).map(({ server }) => server).join(', ') || 'no server'}`
      : `to app ${rule.app}`,
  ];
  return parts.join(' ');
}

function optional<K extends string, T>(key: K, value: T | undefined): { [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: T });
}
