/** How a connection to a server is lost. */
import { FORBIDDEN } from '../address-guard.ts';

/**
 * `refused`, `unreachable`, `connect_timeout`: before it stood; `forbidden`: the policy does not let it be connected to;
 * `exhausted`: it could not be made, for want of what is ours; `tls`: no handshake came about; `untrusted`: the server is
 * not shown to be who it should be; `no_http2`: it did not agree on h2.
 * `no_websocket`: it takes no tunnels over HTTP/2. `end`: the server ended it. `reset`: it broke. `malformed`: what the server said is not HTTP.
 */
export type Loss =
  | 'refused'
  | 'unreachable'
  | 'forbidden'
  | 'exhausted'
  | 'connect_timeout'
  | 'tls'
  | 'untrusted'
  | 'no_http2'
  | 'no_websocket'
  | 'end'
  | 'reset'
  | 'malformed'
  | 'timeout';

/** Nothing was sent over it. */
export const NEVER_STOOD: ReadonlySet<Loss> = new Set([
  'refused',
  'unreachable',
  'forbidden',
  'exhausted',
  'connect_timeout',
  'tls',
  'untrusted',
  'no_http2',
  'no_websocket',
]);

/** No descriptors, no memory, or no port left on our side. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** Of an error before the connection stood. */
export function notConnected(code: string | undefined): Loss {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === FORBIDDEN) return 'forbidden';
  return code !== undefined && EXHAUSTED.has(code) ? 'exhausted' : 'unreachable';
}
