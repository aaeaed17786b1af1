/** TLS to one endpoint: on which terms, and the session that the next connection resumes. */
import type { Socket } from 'node:net';
import { connect, type ConnectionOptions, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';

import type { ServerProtocol, ServerTls } from '../../model/snapshot.ts';
import { isValidNow, type Validity, validityOf } from '../../tls/certificate.ts';
import type { ConnectTo } from '../address-guard.ts';
import { connectionOptions, hasAgreed, type ServerContexts, speaksAnother } from '../server-contexts.ts';
import type { Loss } from './loss.ts';
import { caught, type WorkerState } from './state.ts';

export class EndpointTls {
  private readonly settings: ServerTls;
  private readonly protocol: ServerProtocol;
  private readonly contexts: ServerContexts;
  private identity = '';
  private context: SecureContext | null = null;
  private session: Kept | null = null;

  constructor(settings: ServerTls, protocol: ServerProtocol, contexts: ServerContexts) {
    this.settings = settings;
    this.protocol = protocol;
    this.contexts = contexts;
  }

  /** Certificates or authorities have changed. @returns true: connections that there are were made on other terms */
  renew(): boolean {
    if (this.context === null || this.contexts.identity(this.settings) === this.identity) return false;
    this.context = null;
    this.session = null;
    return true;
  }

  /** `to.socket`: a connection that stands. 'secureConnect' comes only where the server is who it should be. */
  connect(state: WorkerState, address: string, to: ConnectTo | { readonly socket: Socket }): TLSSocket {
    const context = (this.context ??= this.make(state));
    const options: ConnectionOptions & { noDelay: true; allowHalfOpen: true } = {
      ...to,
      noDelay: true,
      allowHalfOpen: true,
      ...connectionOptions(this.settings, address, context, this.protocol),
      ...(this.session !== null && isValidNow(this.session.validity) ? { session: this.session.session } : {}),
    };
    const socket = connect(options);
    socket.on('session', (session) => {
      if (this.context === context) this.session = kept(session, socket);
    });
    return socket;
  }

  /** Null: the handshake is over, and what is to be spoken was agreed on. */
  objection(socket: TLSSocket): Loss | null {
    return hasAgreed(socket, this.protocol) ? null : 'no_http2';
  }

  /** Of an error in the handshake. */
  lossBy(socket: TLSSocket, error: NodeJS.ErrnoException): Loss {
    if (socket.authorizationError) return 'untrusted';
    return this.protocol === 'H2' && speaksAnother(error) ? 'no_http2' : 'tls';
  }

  private make(state: WorkerState): SecureContext {
    this.identity = this.contexts.identity(this.settings);
    try {
      return this.contexts.contextFor(this.settings);
    } catch (error) {
      // what was judged good is not: nobody is trusted by that
      caught(state, error);
      return createSecureContext({ ca: [] });
    }
  }
}

/** Resuming looks at no certificate: a session is worth as much as the one that it began with. */
interface Kept {
  readonly session: Buffer;
  readonly validity: Validity;
}

function kept(session: Buffer, socket: TLSSocket): Kept | null {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? null : { session, validity: validityOf(certificate) };
}
