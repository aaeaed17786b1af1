/** The handshake with a client, by node:tls; afterwards its bytes are read and written on the handle (see tls-writer.ts). */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

import type { HandshakeFailure } from '../../model/handshakes.ts';
import { isValidNow, validityOf } from '../../tls/certificate.ts';

export interface Handshake {
  readonly socket: TLSSocket;
}

export interface HandshakeEvents {
  done(socket: TLSSocket, resumed: boolean): void;
  failed(why: HandshakeFailure): void;
  /** A fault of ours. */
  caught(error: unknown): void;
}

/**
 * @param first what has been read of the connection already
 * @param asks the client has to show a certificate that the context's authorities have signed
 */
export function shakeHands(
  raw: Socket,
  first: Buffer,
  context: SecureContext,
  asks: boolean,
  events: HandshakeEvents,
): Handshake {
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    requestCert: asks,
    // judged below: Node's own judgement tells nobody why
    rejectUnauthorized: false,
    ALPNProtocols: PROTOCOLS,
  });
  const guarded = (act: () => void) => {
    try {
      act();
    } catch (error) {
      events.caught(error);
    }
  };
  socket.on('error', (error: Error) => guarded(() => events.failed(failureOf(error))));
  socket.on('close', () => guarded(() => events.failed('client_gone')));
  socket.on('secure', () =>
    guarded(() => {
      const inner = socket as unknown as Inner;
      const handle = inner['_handle'];
      if (handle === null) return;
      // from here on its errors are whoever's listens
      inner['_releaseControl']();
      inner.secureConnecting = false;
      // a resumed session of TLS 1.3 may come without the certificate, and is no error then
      const resumed = socket.isSessionReused();
      if (asks && (handle.verifyError() || !handle.hasPeerCertificate() || (resumed && !isValid(socket)))) {
        events.failed('client_certificate');
        return;
      }
      events.done(socket, resumed);
    }),
  );
  // what was read already goes to TLS as if it had been read there
  (socket as unknown as Inner)['_handle']?.receive(first);
  return { socket };
}

/** Its certificate was judged when the session began, and may be over by now. */
function isValid(socket: TLSSocket): boolean {
  const certificate = socket.getPeerX509Certificate();
  return certificate !== undefined && isValidNow(validityOf(certificate));
}

/** What ALPN may agree on, as it is written on the wire; the first one that the client has. */
const PROTOCOLS = Buffer.from('\x02h2\x08http/1.1', 'latin1');

/** What node:tls does itself for the sockets of its own servers; it has no documented way for others. */
interface Inner {
  readonly _handle: {
    verifyError(): unknown;
    hasPeerCertificate(): boolean;
    receive(bytes: Buffer): void;
  } | null;
  _releaseControl(): void;
  /** HTTP/2 waits while it is true. */
  secureConnecting: boolean;
}

function failureOf(error: Error & { code?: string }): HandshakeFailure {
  const code = error.code ?? '';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'client_gone';
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL' || code.includes('VERSION')) return 'version';
  if (NO_OVERLAP.has(code)) return 'no_overlap';
  if (code.includes('_ALERT_')) return 'refused_by_client';
  if (code.includes('CERTIFICATE')) return 'client_certificate';
  return 'other';
}

const NO_OVERLAP = new Set([
  'ERR_SSL_NO_SHARED_CIPHER',
  'ERR_SSL_NO_SUITABLE_KEY_SHARE',
  'ERR_SSL_NO_SUITABLE_GROUPS',
  'ERR_SSL_NO_SHARED_GROUPS',
  'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
  'ERR_SSL_NO_APPLICATION_PROTOCOL',
]);
