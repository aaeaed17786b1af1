/** HOST, HOST:PORT and PORT as people write them: names and numbers, IPv6 in brackets. */
import type { Services } from './services.ts';
import { DEFAULT_NAMESPACE } from './table.ts';
import type { HostPort, Ident, ServerRef } from './table.ts';

export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const good = <T>(value: T): Read<T> => ({ ok: true, value });
const bad = (expected: string): { readonly ok: false; readonly expected: string } => ({ ok: false, expected });

/** `NAME` (in the namespace that is given) or `NAMESPACE/NAME`. */
export function readIdent(text: string, home = DEFAULT_NAMESPACE): Read<Ident> {
  const parts = text.split('/');
  const [namespace, name] = parts.length === 1 ? [home, parts[0] ?? ''] : [parts[0] ?? '', parts[1] ?? ''];
  if (parts.length <= 2 && DNS_LABEL.test(namespace) && DNS_LABEL.test(name)) return good({ namespace, name });
  return bad(
    'a name of lower-case letters, digits and "-" that starts and ends with a letter or digit, at most 63 characters, or NAMESPACE/NAME',
  );
}

export function printIdent(ident: Ident): string {
  return ident.namespace === DEFAULT_NAMESPACE ? ident.name : `${ident.namespace}/${ident.name}`;
}

/** A whole number from `least` to `most`, in decimal digits. */
export function readNumber(text: string, least: number, most: number): Read<number> {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? good(value) : bad(`a whole number from ${least} to ${most}`);
}

export function readPort(text: string, services: Services): Read<number> {
  if (/^\d/.test(text)) {
    const number = readNumber(text, 1, 65_535);
    if (number.ok || /^\d+$/.test(text)) return number.ok ? number : bad('a port from 1 to 65535');
  }
  const port = services.ports.get(text.toLowerCase());
  return port === undefined ? bad('a port from 1 to 65535, or the name of a TCP service (such as http)') : good(port);
}

/** The port is null where it is left out. An IPv6 address with a port stands in brackets. */
export function readHostPort(text: string, services: Services): Read<{ host: string; port: number | null }> {
  const split = splitHost(text);
  if (mayEndInPort(text)) return bad('an IPv6 address in brackets: [::1]:80 with a port, [::1:80] without one');
  if (split === null) return bad('HOST or HOST:PORT (an IPv6 address with a port in brackets: [::1]:80)');
  const host = readHost(split.host, split.bracketed);
  if (!host.ok) return host;
  if (split.port === null) return good({ host: host.value, port: null });
  const port = readPort(split.port, services);
  return port.ok ? good({ host: host.value, port: port.value }) : port;
}

/** `HOST[:PORT]`, or `@NAME` for a real server by its object's name. */
export function readServer(
  text: string,
  services: Services,
): Read<{ kind: 'Address'; host: string; port: number | null } | { kind: 'Object'; name: string }> {
  if (text.startsWith('@')) {
    const name = text.slice(1);
    return name.length <= 253 && name.split('.').every((label) => DNS_LABEL.test(label))
      ? good({ kind: 'Object', name })
      : bad('@ and the name of a real server');
  }
  const read = readHostPort(text, services);
  if (!read.ok) return read;
  if (read.value.host === '*') return bad('one host, not any');
  return good({ kind: 'Address', ...read.value });
}

function splitHost(text: string): { host: string; bracketed: boolean; port: string | null } | null {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1] ?? '', bracketed: true, port: bracketed[2] ?? null };
  const colons = text.split(':').length - 1;
  if (colons > 1) return { host: text, bracketed: true, port: null };
  if (colons === 0) return { host: text, bracketed: false, port: null };
  const at = text.indexOf(':');
  return { host: text.slice(0, at), bracketed: false, port: text.slice(at + 1) };
}

/** `::1:80` is an address, and nearly always meant as one with a port; `fe80::1` cannot be. */
function mayEndInPort(text: string): boolean {
  const parts = /^([^[\]]*:[^[\]]*):(\d{1,5})$/.exec(text);
  return parts !== null && canonicalIpv6(parts[1] ?? '') !== null;
}

function readHost(host: string, bracketed: boolean): Read<string> {
  if (bracketed) {
    const canonical = canonicalIpv6(host);
    return canonical === null ? bad('an IPv6 address') : good(canonical);
  }
  if (host === '*') return good('*');
  if (/^[\d.]+$/.test(host)) return isIpv4(host) ? good(host) : bad('an IPv4 address of four numbers from 0 to 255');
  const name = host.toLowerCase();
  const labels = name.split('.');
  return name.length <= 253 && labels.every((label) => /^[a-z0-9]([-a-z0-9_]{0,61}[a-z0-9])?$/.test(label))
    ? good(name)
    : bad('a host name or address');
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** The one spelling of RFC 5952, so that the same address is the same text; null where it is none. */
function canonicalIpv6(text: string): string | null {
  if (!/^[\da-fA-F:.]+$/.test(text)) return null;
  try {
    return new URL(`http://[${text}]/`).hostname.slice(1, -1);
  } catch {
    return null;
  }
}

/** The same host is the same text: lower case, one spelling of an IPv6 address. */
export function canonicalHost(host: string): string {
  return host.includes(':') ? (canonicalIpv6(host) ?? host.toLowerCase()) : host.toLowerCase();
}

export interface Naming {
  readonly services: Services;
  readonly numeric: boolean;
}

export function printPort(port: number, { services, numeric }: Naming): string {
  return numeric ? String(port) : (services.names.get(port) ?? String(port));
}

export function printHostPort({ host, port }: HostPort, naming: Naming): string {
  return `${host.includes(':') ? `[${host}]` : host}:${printPort(port, naming)}`;
}

export function printServer(ref: ServerRef, naming: Naming): string {
  if (ref.kind === 'Object') return `@${ref.name}`;
  const host = naming.numeric ? ref.host : (ref.alias ?? ref.host);
  return printHostPort({ host, port: ref.port }, naming);
}
