/**
 * A table in the syntax of the configuration file. Live counts stand where the reader skips them: `conns N` in rules, and
 * comments. With `numeric: false` ports and servers are printed by name, where the name is read back as the same.
 */
import { printHostPort, printIdent, printServer } from './host-port.ts';
import type { Naming } from './host-port.ts';
import type { PatternRule, Table, TableDestination, TableRule, TableServer, Virtual } from './table.ts';
import { quote } from './tokens.ts';

export function printTable(table: Table, naming: Naming): string {
  return table.virtuals.map((virtual) => printVirtual(virtual, naming)).join('\n');
}

/** Ends with a new line. */
export function printVirtual(virtual: Virtual, naming: Naming): string {
  const lines = [
    ...given('listen', printHostPort(virtual.listen, naming)),
    ...given('scheduler', virtual.scheduler),
    ...given('started', virtual.started === null ? null : virtual.started ? 'yes' : 'no'),
    ...given('startservers', virtual.startServers),
    ...given('maxclients', virtual.maxClients),
    ...given('minspareservers', virtual.minSpareServers),
    ...given('maxspareservers', virtual.maxSpareServers),
    ...given('redirect', virtual.redirect === null ? null : printHostPort(virtual.redirect, naming)),
    ...(virtual.remarks ?? []).map((remark) => `# ${remark}`),
    ...virtual.servers.map((server) => printTableServer(server, naming)),
    ...virtual.rules.flatMap((rule) => printRule(rule, naming)),
  ];
  return `Virtual ${printIdent(virtual.ident)} {\n${lines.map((line) => `    ${line}\n`).join('')}}\n`;
}

function given(keyword: string, value: number | string | null): string[] {
  return value === null ? [] : [`${keyword} = ${value}`];
}

function printTableServer({ ref, weight, byRulesOnly, live, active }: TableServer, naming: Naming): string {
  const remarks = [
    ...(active === undefined ? [] : [`active ${active}`]),
    ...(live === undefined || live.requests === 0 ? [] : [`conns ${live.requests}`]),
  ];
  const only = byRulesOnly === true ? ' rules-only' : '';
  return `server = ${printServer(ref, naming)} ${weight}${only}${remarks.length > 0 ? `    # ${remarks.join(', ')}` : ''}`;
}

function printRule(rule: TableRule, naming: Naming): string[] {
  if (rule.kind === 'Keep')
    return [`rule = keep ${rule.name}${rule.remark === undefined ? '' : `    # ${rule.remark}`}`];
  return rule.destinations.map((destination) => printDestination(rule, destination, naming));
}

function printDestination(rule: PatternRule, { ref, weight, live }: TableDestination, naming: Naming): string {
  const words = [
    `rule = pattern ${quote(rule.pattern)} match ${rule.match}`,
    ...(weight === null ? [] : [`weight ${weight}`]),
    ...(live === undefined ? [] : [`conns ${live.requests}`]),
    `use server ${printServer(ref, naming)}`,
  ];
  return words.join(' ');
}
