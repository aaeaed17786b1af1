/**
 * How real servers are spoken to by TLS: whom we trust, what we show. Contexts are shared by all servers that are spoken to
 * alike; workers and health checks use the same.
 */
import { isIP } from 'node:net';
import {
  checkServerIdentity,
  type ConnectionOptions,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  setDefaultCACertificates,
  type TLSSocket,
} from 'node:tls';

import type { AuthorityPiece, CertificatePiece, ServerProtocol, ServerTls } from '../model/snapshot.ts';
import { pemCertificates } from '../tls/certificate.ts';
import { CIPHERS } from './ciphers.ts';

/** What a connection is made with; it is refused where the server does not show who it should be. */
export function connectionOptions(
  tls: ServerTls,
  address: string,
  secureContext: SecureContext,
  protocol: ServerProtocol,
): ServerConnection {
  const name = tls.hostname ?? address;
  return {
    secureContext,
    // SNI has no place for addresses (RFC 6066 §3)
    servername: isIP(name) === 0 ? name : '',
    ALPNProtocols: protocol === 'H2' ? H2 : HTTP1,
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  };
}

export type ServerConnection = Pick<
  ConnectionOptions,
  'secureContext' | 'ALPNProtocols' | 'rejectUnauthorized' | 'checkServerIdentity'
> & { readonly servername: string };

/** What ALPN may agree on, as it is written on the wire: whoever asks for HTTP/2 is offered nothing else. */
const HTTP1 = Buffer.from('\x08http/1.1', 'latin1');
const H2 = Buffer.from('\x02h2', 'latin1');

/** Of a connection whose handshake is over: may the protocol be spoken? A server that knows no ALPN chooses none. */
export function hasAgreed(socket: TLSSocket, protocol: ServerProtocol): boolean {
  return protocol !== 'H2' || socket.alpnProtocol === 'h2';
}

/** The handshake failed because the server speaks nothing of what it was offered (RFC 7301 §3.2). */
export function speaksAnother({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';
}

/** Looks up what there is by key. */
export interface CredentialsStore {
  certificatesOf(keys: readonly string[]): readonly CertificatePiece[];
  authoritiesOf(keys: readonly string[]): readonly AuthorityPiece[];
}

export class ServerContexts {
  private readonly store: CredentialsStore;
  private readonly contexts = new Map<string, SecureContext>();

  constructor(store: CredentialsStore) {
    this.store = store;
  }

  /** Equal for equal terms: what they are made from, by its hashes. */
  identity({ ca, clientCertificate }: ServerTls): string {
    return JSON.stringify([
      ca === null ? null : hashesOf(this.store.authoritiesOf(ca)),
      clientCertificate === null ? null : hashesOf(this.store.certificatesOf([clientCertificate])),
    ]);
  }

  /** Errors: what OpenSSL finds wrong. */
  contextFor(tls: ServerTls): SecureContext {
    const id = this.identity(tls);
    let context = this.contexts.get(id);
    if (context === undefined) this.contexts.set(id, (context = this.make(tls)));
    return context;
  }

  /** Something is not what it was: contexts that are in use live on with their connections. */
  clear(): void {
    this.contexts.clear();
  }

  private make({ ca, clientCertificate }: ServerTls): SecureContext {
    if (ca === null) trustSystem();
    const [shown] = clientCertificate === null ? [] : this.store.certificatesOf([clientCertificate]);
    return createSecureContext({
      // an empty list trusts nobody; none at all is the system's
      ...(ca === null
        ? {}
        : { ca: this.store.authoritiesOf(ca).flatMap((each) => pemCertificates(each.certificates)) }),
      ...(shown === undefined ? {} : { cert: shown.certificate, key: shown.privateKey }),
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
    });
  }
}

let isSystemTrusted = false;

/** The authorities that this system trusts; where it has none (a bare container), those that Node brings along. */
function trustSystem(): void {
  if (isSystemTrusted) return;
  isSystemTrusted = true;
  const system = getCACertificates('system');
  if (system.length > 0) setDefaultCACertificates([...system, ...getCACertificates('extra')]);
}

const hashesOf = (pieces: readonly { readonly hash: string }[]): string[] => pieces.map(({ hash }) => hash);
