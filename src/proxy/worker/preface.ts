/** A connection on a listener behind another proxy, until that has said whose it is (PROXY protocol; 117). */
import type { Socket } from 'node:net';

import { PREFACE_FAILURE_INDEX, type PrefaceFailure } from '../../model/prefaces.ts';
import { BAD_PROXY_HEADER, INCOMPLETE, readProxyHeader } from '../../proxy-protocol/read-header.ts';
import { GLOBAL } from '../shared.ts';
import { admit } from './admit.ts';
import { announce } from './ends.ts';
import { Newcomer } from './newcomer.ts';
import { plainAddress } from './peers.ts';
import type { WorkerState } from './state.ts';
import type { ListenerPlace } from './tables.ts';

/** From the connection to the end of its header; a proxy sends it at once. */
export const PREFACE_TIMEOUT = 10_000;

const FAILURES: PrefaceFailure[] = [];
FAILURES[-BAD_PROXY_HEADER.missing] = 'missing';
FAILURES[-BAD_PROXY_HEADER.malformed] = 'malformed';
FAILURES[-BAD_PROXY_HEADER.tooLong] = 'too_long';

export class Preface extends Newcomer {
  constructor(state: WorkerState, listener: ListenerPlace, socket: Socket, peer: string) {
    super(state, listener, socket, peer, PREFACE_TIMEOUT);
  }

  override start(): void {
    if (this.state.trusted.has(this.peer)) super.start();
    else this.fails('untrusted');
  }

  override received(bytes: Uint8Array, length: number): void {
    if (this.held !== null) this.hold(bytes, length);
    const header = this.held === null ? readProxyHeader(bytes, length) : readProxyHeader(this.held, this.heldLength);
    if (header === INCOMPLETE) {
      if (this.held === null) this.hold(bytes, length);
    } else if (typeof header === 'number') {
      this.fails(FAILURES[-header]!);
    } else {
      const rest = Math.max(this.heldLength, length) - header.length;
      // a header ends in the read that it was found whole in: what is behind it came by that as well
      bytes.copyWithin(0, length - rest, length);
      this.state.counters.global[GLOBAL.bytesReceived]! += header.length;
      this.handOver(false);
      this.leave();
      if (header.ends !== null) announce(this.socket, header.ends);
      const peer = plainAddress(header.ends?.source ?? this.peer);
      admit(this.state, this.listener, this.socket, peer, bytes, rest);
    }
  }

  override ended(): void {
    this.fails('client_gone');
  }

  override expired(): void {
    this.fails('timeout');
  }

  private fails(why: PrefaceFailure): void {
    if (this.gone) return;
    this.state.counters.global[GLOBAL.prefaceFailures + PREFACE_FAILURE_INDEX[why]]!++;
    this.destroy();
  }
}
