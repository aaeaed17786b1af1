/**
 * A connection on a TLS listener, until it is known whom it asks for: its first message is read here, not by TLS. So the
 * virtual server is known before the handshake begins (whose certificate, whose authorities), what is no TLS costs none
 * of its memory, and what is passed through is never touched.
 */
import type { Socket } from 'node:net';

import type { HandshakeFailure } from '../../model/handshakes.ts';
import { HANDSHAKE_FAILURE_INDEX } from '../../model/handshakes.ts';
import { BAD_HELLO, type ClientHello, INCOMPLETE, readHello } from '../../tls/client-hello.ts';
import { GLOBAL } from '../shared.ts';
import { ClientConnection } from './client-connection.ts';
import { type Handshake, shakeHands } from './handshake.ts';
import { Http2Connection } from './http2-connection.ts';
import { Newcomer } from './newcomer.ts';
import { caught, type WorkerState } from './state.ts';
import type { ListenerPlace, Target, VirtualServer } from './tables.ts';
import { acceptTunnel } from './tunnel.ts';

/** From the connection to the end of its handshake. */
export const HANDSHAKE_TIMEOUT = 10_000;
/** How long a connection that was answered in plain text may stay. */
const LINGER = 2000;

const FAILURES: HandshakeFailure[] = [];
FAILURES[-BAD_HELLO.malformed] = 'not_tls';
FAILURES[-BAD_HELLO.plainHttp] = 'plain_http';
FAILURES[-BAD_HELLO.tooLarge] = 'hello_too_large';

const PLAIN_HTTP =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 27\r\nConnection: close\r\n\r\n' +
  '400 Bad Request: plain_http';
/** Alert: fatal, unrecognized_name (RFC 6066 §3). */
const UNKNOWN_NAME = Buffer.from([21, 3, 1, 0, 2, 2, 112]);

export class Arrival extends Newcomer {
  private handshake: Handshake | null = null;
  /** Its answer is on the way; what still comes is thrown away. */
  private closing = false;

  constructor(state: WorkerState, listener: ListenerPlace, socket: Socket, peer: string) {
    super(state, listener, socket, peer, HANDSHAKE_TIMEOUT);
  }

  override received(bytes: Uint8Array, length: number): void {
    this.state.counters.global[GLOBAL.bytesReceived]! += length;
    if (this.closing) return;
    if (this.held !== null) this.hold(bytes, length);
    const hello = this.held === null ? readHello(bytes, length) : readHello(this.held, this.heldLength);
    if (hello === INCOMPLETE) {
      if (this.held === null) this.hold(bytes, length);
    } else if (typeof hello === 'number') {
      this.refuse(FAILURES[-hello]!);
    } else {
      if (this.held === null) this.hold(bytes, length);
      this.greeted(hello);
    }
  }

  /** The whole first message is here. */
  private greeted({ serverName }: ClientHello): void {
    const { table } = this.listener;
    const name = Buffer.from(serverName, 'latin1');
    const virtualServer = table.hosts.find(name, 0, name.length);
    const first = this.held!.subarray(0, this.heldLength);
    this.held = null;
    if (table.protocol === 'TLS') {
      this.passThrough(virtualServer, serverName, first);
      return;
    }
    const { sites } = table;
    const site = (virtualServer === undefined ? undefined : sites?.of.get(virtualServer)) ?? sites?.fallback ?? null;
    let context = null;
    try {
      context = site?.contextFor(serverName) ?? null;
    } catch (error) {
      caught(this.state, error);
    }
    if (site === null || context === null) {
      this.refuse('unknown_name');
      return;
    }
    this.handOver(true);
    const { authority } = site;
    this.handshake = shakeHands(this.socket, first, context, authority !== '', {
      done: (socket, resumed) => {
        if (this.gone) return;
        this.state.counters.global[resumed ? GLOBAL.resumptions : GLOBAL.handshakes]!++;
        this.leave();
        const { state, listener, peer } = this;
        const secure = { raw: this.socket, serverName, authority };
        if (socket.alpnProtocol === 'h2') new Http2Connection(state, listener, socket, secure, peer).start();
        else new ClientConnection(state, listener, socket, secure, peer, null).start();
      },
      failed: (why) => this.fails(why),
      caught: (error) => this.fail(error),
    });
  }

  private passThrough(virtualServer: VirtualServer | undefined, serverName: string, first: Buffer): void {
    const target = virtualServer === undefined ? null : targetFor(virtualServer, serverName);
    if (virtualServer === undefined || target === null) {
      this.refuse('unknown_name');
      return;
    }
    this.handOver(false);
    this.leave();
    const client = new ClientConnection(
      this.state,
      this.listener,
      this.socket,
      { raw: this.socket, serverName, authority: '' },
      this.peer,
      null,
    );
    client.hold(first, 0, first.length);
    acceptTunnel(client, virtualServer, target);
  }

  override ended(error: boolean): void {
    if (this.gone) return;
    if (error || !this.closing) this.fails('client_gone');
    else this.destroy();
  }

  override expired(): void {
    if (this.closing) this.destroy();
    else this.fails('timeout');
  }

  /** Says why in a few bytes, where whoever sent that understands any, and closes. */
  private refuse(why: HandshakeFailure): void {
    const answer = why === 'plain_http' ? PLAIN_HTTP : why === 'unknown_name' ? UNKNOWN_NAME : null;
    if (answer === null) {
      this.fails(why);
      return;
    }
    this.count(why);
    this.closing = true;
    this.held = null;
    this.deadline = this.state.now + LINGER;
    this.socket.end(answer);
  }

  private fails(why: HandshakeFailure): void {
    if (this.gone) return;
    if (!this.closing) this.count(why);
    this.destroy();
  }

  private count(why: HandshakeFailure): void {
    this.state.counters.global[GLOBAL.handshakeFailures + HANDSHAKE_FAILURE_INDEX[why]]!++;
  }

  /** TLS first: it does not bear that the handle below goes away under it. */
  protected override closeSocket(): void {
    this.handshake?.socket.destroy();
    super.closeSocket();
  }
}

/** What is passed through is dispatched by the rules that ask for nothing but a host, in their order. */
function targetFor(virtualServer: VirtualServer, name: string): Target | null {
  const rule = virtualServer.byName.find(({ hosts }) => hosts.length === 0 || hosts.some((host) => isHost(host, name)));
  return rule?.target ?? virtualServer.fallback;
}

function isHost(host: string, name: string): boolean {
  if (!host.startsWith('*.')) return host === name || host === '*';
  return name.endsWith(host.slice(1)) && name.length >= host.length;
}
