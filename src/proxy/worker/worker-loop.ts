/** A worker: takes tables and connections, moves requests. Everything it has is in here; a thread or a test runs it. */
import type { Socket } from 'node:net';

import { giveBack } from '../../memory/give-back.ts';
import { AddressGuard } from '../address-guard.ts';
import type { FromWorker, ToWorker, WorkerData } from '../messages.ts';
import { SharedState, WorkerCounters } from '../shared.ts';
import { AccessLog } from './access-log.ts';
import { enterListener, flushLogs } from './accounting.ts';
import { admit } from './admit.ts';
import { input } from './buffers.ts';
import { Client } from './client.ts';
import { monotonic } from './clock.ts';
import { Tables } from './configure.ts';
import { Http2Connection } from './http2-connection.ts';
import type { Connection } from './io.ts';
import { Newcomer } from './newcomer.ts';
import { plainAddress, TrustedPeers } from './peers.ts';
import { PHASE } from './phases.ts';
import { Preface } from './preface.ts';
import { Queue } from './queue.ts';
import { Shedding } from './shedding.ts';
import { countLimit, type WorkerState } from './state.ts';
import { CookieSigner } from './sticky.ts';
import { StreamConnection } from './stream-connection.ts';
import { Sweeper } from './sweeper.ts';
import type { ListenerPlace } from './tables.ts';
import { TicketKeys } from './ticket-keys.ts';
import { Tracing } from './tracing.ts';
import { Upstream } from './upstream.ts';

/** How long a client may be quiet, while connections are to end, before its own is closed. */
const QUIET = 1000;

export class WorkerLoop {
  readonly state: WorkerState;
  readonly #tables: Tables;
  readonly #shedding: Shedding;
  #drainReported = false;

  constructor(data: WorkerData, report: (message: FromWorker) => void) {
    const { settings, buffers, index } = data;
    const shared = new SharedState(buffers);
    const accessLog = settings.accessLog > 0 ? new AccessLog(settings.accessLog) : null;
    const tracing =
      settings.tracing == null
        ? null
        : new Tracing(settings.tracing, (spans, dropped) => report({ type: 'spans', spans, dropped }));
    const sweeper = new Sweeper((now) => {
      this.state.now = now;
      Atomics.store(shared.heartbeat, index, now | 0);
      flushLogs(this.state);
      this.#shedding.look(now);
      if (this.state.closing) this.#closeQuiet(now);
    });
    const tickets = new TicketKeys(settings.ticketKeys);
    const guard = new AddressGuard(settings.admin ?? null);
    this.#tables = new Tables(data.workers, tickets, guard, shared);
    this.state = {
      index,
      workers: data.workers,
      settings,
      counters: new WorkerCounters(buffers, index),
      shared,
      inflight: shared.inflightOf(index),
      cellInflight: shared.cellInflightOf(index),
      pending: shared.pendingOf(index),
      sweeper,
      queue: new Queue(monotonic),
      trusted: new TrustedPeers(settings.trustedProxies),
      cookies: new CookieSigner(settings.cookieKeys),
      tickets,
      guard,
      accessLog,
      tracing,
      report,
      now: monotonic(),
      clockAhead: Number(process.hrtime.bigint()) / 1e6 - monotonic(),
      draining: false,
      closing: false,
      shedding: false,
      configured: false,
      retryBudget: 10,
      observeLatency: false,
    };
    this.#shedding = new Shedding(this.state);
    Atomics.store(shared.heartbeat, index, this.state.now | 0);
    sweeper.start();
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case 'configure':
        this.#tables.configure(message);
        this.state.configured = true;
        this.state.observeLatency = this.#tables.usesLatency;
        this.#acknowledge(message);
        return;
      case 'connection':
        this.#accept(message.listener, message.socket);
        return;
      case 'drain':
        this.state.draining = this.state.closing = true;
        flushLogs(this.state);
        return;
      case 'cookieKeys':
        this.state.cookies = new CookieSigner(message.keys);
        return;
      case 'ticketKeys':
        this.state.tickets.set(message.keys);
        return;
      case 'logLevel':
        return;
    }
  }

  #acknowledge({ generation, whole }: Extract<ToWorker, { type: 'configure' }>): void {
    const configured = () => this.state.report({ type: 'configured', generation });
    if (whole !== true) configured();
    else {
      // Not in this turn: the message itself is the most of what is to be given back.
      setImmediate(() => {
        giveBack();
        configured();
      });
    }
  }

  /** Ends everything at once. */
  close(): void {
    this.state.sweeper.stop();
    this.state.sweeper.each((connection) => {
      if (isClients(connection)) connection.destroy();
      else if (connection instanceof Upstream || connection instanceof StreamConnection) connection.destroy();
    });
  }

  #accept(key: string, socket: Socket): void {
    const listener = this.#tables.listener(key);
    const peer = plainAddress(socket.remoteAddress ?? '');
    enterListener(this.state, listener);
    if (listener.clients > listener.table.maxClients) this.#makeRoom(listener);
    if (listener.table.isPrefaced) new Preface(this.state, listener, socket, peer).start();
    else admit(this.state, listener, socket, peer, input, 0);
  }

  /** 111: over the limit, the client that has been idle longest makes way for the new one. */
  #makeRoom(listener: ListenerPlace): void {
    countLimit(this.state, 'clients');
    let oldest: ClientSide | null = null;
    let least = Infinity;
    this.state.sweeper.each((connection) => {
      if (!isIdle(connection) || connection.listener !== listener) return;
      const until = connection instanceof Http2Connection ? connection.idleUntil : connection.deadline;
      if (until >= least) return;
      least = until;
      oldest = connection;
    });
    (oldest as ClientSide | null)?.destroy();
  }

  /** Connections that have nothing under way end; in a drain, the last one is reported. */
  #closeQuiet(now: number): void {
    let clients = 0;
    this.state.sweeper.each((connection) => {
      if (!isClients(connection)) return;
      clients++;
      if (connection instanceof Http2Connection && now - connection.since > QUIET) connection.retire();
      if (!(connection instanceof Client)) return;
      if (connection.phase !== PHASE.head || connection.headBegun || connection.pending > 0) return;
      if (now - connection.idleSince > QUIET) connection.destroy();
    });
    if (!this.state.draining || clients > 0 || this.#drainReported) return;
    this.#drainReported = true;
    this.state.report({ type: 'drained' });
  }
}

type ClientSide = Client | Newcomer | Http2Connection;

function isClients(connection: Connection): connection is ClientSide {
  return connection instanceof Client || connection instanceof Newcomer || connection instanceof Http2Connection;
}

/** Has nothing under way: an idle client, or one of whom nothing is known yet. */
function isIdle(connection: Connection): connection is ClientSide {
  if (connection instanceof Newcomer) return true;
  if (connection instanceof Http2Connection) return connection.streams === 0;
  return connection instanceof Client && connection.phase === PHASE.head && !connection.headBegun;
}
