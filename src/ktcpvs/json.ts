/** A table as JSON for programs: numbers as numbers, all names spelt out, nothing left out that is known. */
import { printIdent } from './host-port.ts';
import type { Live, ServerRef, Table, TableDestination, Virtual } from './table.ts';

export function jsonOf(table: Table, version: string): Record<string, unknown> {
  return { version, virtuals: table.virtuals.map(virtualJson) };
}

function virtualJson(virtual: Virtual): Record<string, unknown> {
  const { ident, listen, scheduler, started, startServers, maxClients, minSpareServers, maxSpareServers, redirect } =
    virtual;
  return {
    ident: printIdent(ident),
    ...ident,
    listen: { address: listen.host, port: listen.port },
    scheduler,
    started,
    startServers,
    maxClients,
    minSpareServers,
    maxSpareServers,
    redirect: redirect === null ? null : { address: redirect.host, port: redirect.port },
    remarks: virtual.remarks ?? [],
    servers: virtual.servers.map(({ ref, weight, byRulesOnly = false, active = null, live }) => ({
      ...refJson(ref),
      weight,
      byRulesOnly,
      active,
      ...liveJson(live),
    })),
    rules: virtual.rules.map((rule) => ({
      ...(rule.kind === 'Pattern'
        ? { pattern: rule.pattern, match: rule.match }
        : { name: rule.name, description: rule.remark ?? null }),
      matrix: rule.column?.matrix ?? null,
      app: rule.column?.app ?? null,
      destinations: (rule.destinations ?? []).map(destinationJson),
    })),
  };
}

function destinationJson({ ref, weight, live }: TableDestination): Record<string, unknown> {
  return { ...refJson(ref), weight, ...liveJson(live) };
}

function refJson(ref: ServerRef): Record<string, unknown> {
  if (ref.kind === 'Object') return { name: ref.name };
  return { ...(ref.alias === undefined ? {} : { name: ref.alias }), address: ref.host, port: ref.port };
}

function liveJson(live: Live | undefined): Record<string, unknown> {
  if (live === undefined) return {};
  const { requests, asked, askedAvailable, delivered, available, rate, cap, inFlight = 0 } = live;
  return {
    requests,
    asked,
    askedAvailable,
    delivered,
    available,
    ...(rate === undefined ? {} : { requestsPerSecond: rate }),
    ...(cap === undefined ? {} : { cap, inFlight }),
  };
}
