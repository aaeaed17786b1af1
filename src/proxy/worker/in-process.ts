/** A worker in the process of the test itself: its connections and counters can be looked at. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';

import { WARM, type EndpointPlan, type RowPlan } from '../../model/plan.ts';
import type { Limits, Rule, ServerTls, VirtualServerPiece } from '../../model/snapshot.ts';
import { type CredentialsChange, listenerKey, NO_CREDENTIALS, type FromWorker } from '../messages.ts';
import { GLOBAL, allocateShared } from '../shared.ts';
import type { AccessLog } from './access-log.ts';
import { Client } from './client.ts';
import { rule, to, virtualServer } from './fixture.ts';
import type { Connection } from './io.ts';
import { StreamConnection } from './stream-connection.ts';
import { DIRECT } from './stream-state.ts';
import { Upstream } from './upstream.ts';
import { WorkerLoop } from './worker-loop.ts';

export interface InProcess {
  readonly port: number;
  readonly loop: WorkerLoop;
  readonly reports: FromWorker[];
  /** The connections that there are now. */
  clients(): Client[];
  upstreams(): Upstream[];
  streamConnections(): StreamConnection[];
  /** Serves `ports` by a new epoch of the row. */
  swap(ports: readonly number[]): void;
  /** Removes the virtual server and its row. */
  remove(): void;
  /** Waits until nothing is on its way, then checks that nothing has been left anywhere. */
  settled(): Promise<void>;
  close(): void;
}

export interface InProcessOptions {
  /** Ports of the real servers, on 127.0.0.1. */
  readonly servers: readonly number[];
  readonly limits?: Partial<Limits>;
  readonly rule?: Partial<Rule>;
  readonly protocol?: 'HTTP' | 'TCP';
  readonly accessLog?: AccessLog;
  /** How the servers are spoken to. */
  readonly speak?: EndpointPlan['protocol'];
  /** By which terms, where it is by TLS. */
  readonly tls?: ServerTls;
  readonly credentials?: CredentialsChange;
}

export async function startInProcess(options: InProcessOptions): Promise<InProcess> {
  const reports: FromWorker[] = [];
  const loop = new WorkerLoop(
    {
      index: 0,
      workers: 1,
      buffers: allocateShared(1),
      settings: {
        trustedProxies: [],
        cookieKeys: [],
        ticketKeys: [],
        accessLog: 0,
        logLevel: 'silent',
        maxConnections: 1024,
      },
    },
    (message) => reports.push(message),
  );
  if (options.accessLog !== undefined) Object.assign(loop.state, { accessLog: options.accessLog });
  const places = new Set<{ clients: number }>();
  const server = net.createServer({ pauseOnConnect: DIRECT, allowHalfOpen: true, noDelay: true }, (socket) => {
    loop.handle({ type: 'connection', listener: key, socket });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const key = listenerKey('127.0.0.1', port);
  const { protocol = 'HTTP', limits = {} } = options;
  const names = to('s');
  const piece: VirtualServerPiece = virtualServer(port, {
    protocol,
    limits,
    rules: protocol === 'HTTP' ? [rule('all', names, {}, options.rule)] : [],
    servers: names,
  });
  let epoch = 0;
  const place = { row: 'row', slot: 0 };
  const configure = (rows: readonly RowPlan[], removed: boolean) =>
    loop.handle({
      type: 'configure',
      generation: epoch,
      virtualServers: removed
        ? []
        : [{ piece, slot: 0, rules: piece.rules.map(() => place), fallback: place, redirect: null, mirrors: [] }],
      removedVirtualServers: removed ? [piece.key] : [],
      rows,
      removedRows: removed ? ['row'] : [],
      credentials: options.credentials ?? NO_CREDENTIALS,
    });
  const slots = new Map<number, number>();
  const swap = (ports: readonly number[]) => {
    // an endpoint keeps its slot over all swaps
    for (const at of ports) if (!slots.has(at)) slots.set(at, slots.size);
    configure([rowOf(++epoch, ports, slots, options)], false);
  };
  swap(options.servers);
  const all = () => {
    const found: Connection[] = [];
    loop.state.sweeper.each((connection) => found.push(connection));
    for (const connection of found) {
      if (!(connection instanceof Client)) continue;
      places.add(connection.listener);
      if (connection.load !== null) places.add(connection.load);
    }
    return found;
  };
  return {
    port,
    loop,
    reports,
    clients: () => all().filter((connection) => connection instanceof Client),
    upstreams: () => all().filter((connection) => connection instanceof Upstream),
    streamConnections: () => all().filter((connection) => connection instanceof StreamConnection),
    swap,
    remove: () => configure([], true),
    async settled() {
      const { counters, shared, inflight, sweeper } = loop.state;
      await until(() => !all().some(isBusy), 'connections are left');
      assert.equal(counters.global[GLOBAL.connectionsActive], 0, 'connectionsActive');
      assert.ok(
        shared.inflight.subarray(0, 64).every((count) => count === 0),
        `in flight: ${shared.inflight[0]}`,
      );
      assert.ok(
        inflight.subarray(0, 64).every((count) => count === 0),
        'in flight of this worker',
      );
      for (const counted of places) assert.equal(counted.clients, 0, 'clients of a virtual server or listener');
      for (const connection of all()) (connection as Upstream).destroy();
      assert.equal(sweeper.size, 0, 'connections in the sweeper');
      assert.equal(counters.global[GLOBAL.upstreamActive], 0, 'upstreamActive');
      const faults = reports.filter((message) => message.type === 'fault');
      assert.deepEqual(faults, []);
    },
    close() {
      loop.close();
      server.close();
    },
  };
}

function isBusy(connection: Connection): boolean {
  if (connection instanceof StreamConnection) return connection.load > 0;
  return !(connection instanceof Upstream) || connection.user !== null;
}

/** Weights 1 each, one cell and one slot per port. */
function rowOf(
  epoch: number,
  ports: readonly number[],
  slots: ReadonlyMap<number, number>,
  { speak = 'HTTP1', tls = null }: { speak?: EndpointPlan['protocol']; tls?: ServerTls | null },
): RowPlan {
  return {
    id: 'row',
    epoch,
    app: null,
    cells: ports.map((_, i) => ({ server: 'test/s', weight: 1, scaled: 1, available: true, first: i, count: 1 })),
    counters: [...ports.keys()],
    cellCursors: ports.map((_, i) => 100 + i),
    endpoints: ports.map((port, i) => ({
      cell: i,
      slot: slots.get(port)!,
      address: '127.0.0.1',
      port,
      available: true,
      warmth: WARM,
      maxConnections: 1000,
      maxPending: 0,
      isAdaptive: false,
      protocol: speak,
      tls,
      proxyProtocol: null,
      guard: null,
    })),
    schedule: { kind: 'Table', table: Uint16Array.from(ports.keys()) },
    cursor: 2 * epoch,
    retryCursor: 2 * epoch + 1,
  };
}

/** Looks again until `condition` holds: for what happens inside, of which no event tells. */
export async function until(condition: () => boolean, problem: string): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (condition()) return;
    await sleep(10);
  }
  assert.fail(problem);
}

/** A server that says what it wants by hand. @param secure through TLS, on these terms */
export async function rawServer(
  serve: (socket: net.Socket) => void,
  secure: TlsOptions | null = null,
): Promise<{ readonly port: number; readonly sockets: Set<net.Socket>; close(): void }> {
  const sockets = new Set<net.Socket>();
  const accept = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  };
  const server =
    secure === null ? net.createServer({ allowHalfOpen: true }, accept) : createSecureServer(secure, accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
