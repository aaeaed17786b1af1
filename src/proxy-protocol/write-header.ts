/** Writes the header of the PROXY protocol for a server (HAProxy's `doc/proxy-protocol.txt`; sections are of that). */
import { isIPv4, isIPv6 } from 'node:net';

/** Between whom a client's connection is: numeric addresses, and ports. */
export interface Ends {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n');
/** Version 2; the connection is the proxy's own, or is made for somebody (§2.2). */
const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;

/**
 * @param ends null: the connection is the proxy's own (a health check), or nothing is known of it: LOCAL of version 2,
 * UNKNOWN of version 1, which the receiver takes for a connection of the sender itself
 */
export function proxyHeader(version: 'V1' | 'V2', ends: Ends | null): Buffer {
  const known = ends === null ? null : alike(ends);
  return version === 'V1' ? line(known) : binary(known);
}

/** §2.1 */
function line(ends: Ends | null): Buffer {
  if (ends === null) return Buffer.from('PROXY UNKNOWN\r\n');
  const { source, sourcePort, destination, destinationPort } = ends;
  const family = isIPv4(source) ? 'TCP4' : 'TCP6';
  return Buffer.from(`PROXY ${family} ${source} ${destination} ${sourcePort} ${destinationPort}\r\n`);
}

/** §2.2 */
function binary(ends: Ends | null): Buffer {
  if (ends === null) return Buffer.concat([SIGNATURE, Buffer.of(LOCAL, 0, 0, 0)]);
  const { source, sourcePort, destination, destinationPort } = ends;
  const block = Buffer.concat([bytesOf(source), bytesOf(destination), Buffer.alloc(4)]);
  block.writeUInt16BE(sourcePort, block.length - 4);
  block.writeUInt16BE(destinationPort, block.length - 2);
  const family = isIPv4(source) ? TCP4 : TCP6;
  return Buffer.concat([SIGNATURE, Buffer.of(PROXY, family, 0, block.length), block]);
}

/** A header has addresses of one family: an IPv4 one beside one of IPv6 is written as that (§2.1). Null: no addresses. */
function alike(ends: Ends): Ends | null {
  const source = unzoned(ends.source);
  const destination = unzoned(ends.destination);
  if ((!isIPv4(source) && !isIPv6(source)) || (!isIPv4(destination) && !isIPv6(destination))) return null;
  if (isIPv4(source) === isIPv4(destination)) return { ...ends, source, destination };
  return { ...ends, source: asIPv6(source), destination: asIPv6(destination) };
}

/** What a zone means, only this machine knows. */
const unzoned = (address: string): string => address.replace(/%.*$/, '');
const asIPv6 = (address: string): string => (isIPv4(address) ? `::ffff:${address}` : address);

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const groups = expanded(address);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * index);
  return bytes;
}

/** The eight groups of an IPv6 address. */
function expanded(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const left = groupsOf(head);
  if (tail === undefined) return left;
  const right = groupsOf(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function groupsOf(text: string): number[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) => {
      if (!group.includes('.')) return [Number.parseInt(group, 16)];
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
      return [(a << 8) | b, (c << 8) | d];
    });
}
