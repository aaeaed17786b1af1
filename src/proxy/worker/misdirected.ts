/**
 * 75: a virtual server that asks for clients' certificates answers only over connections that were made for it: those that
 * named the same host in their handshake, and whose certificate was judged by the authorities that it has now.
 */
import type { Client } from './client.ts';
import { head } from './heads.ts';
import type { VirtualServer } from './tables.ts';
import type { TlsSites } from './tables.ts';

/** Whether the request (`head`) must not be answered over this connection. */
export function isMisdirected(client: Client, virtualServer: VirtualServer, sites: TlsSites): boolean {
  const authority = sites.of.get(virtualServer)?.authority ?? '';
  if (authority === '') return false;
  const { secure } = client;
  return secure === null || secure.authority !== authority || !isHost(secure.serverName);
}

/** The request's host is `name` (lower case); who named no host was judged by the listener's first virtual server. */
function isHost(name: string): boolean {
  if (name === '') return true;
  const { bytes, hostStart, hostEnd } = head;
  if (hostEnd - hostStart !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[hostStart + i]!;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name.charCodeAt(i)) return false;
  }
  return true;
}
