/** The snapshot server: every controller replica has one, every proxy talks to all of them. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { ServerCertificate, SnapshotServer, SnapshotServerOptions } from '../contract.ts';
import { type Connections, limitConnections } from './connections.ts';
import { HeldSyncs } from './held.ts';
import { serverFamilies } from './metrics.ts';
import { Offers } from './offers.ts';
import { Priors } from './priors.ts';
import { Replicas } from './replicas.ts';
import { REFUSAL_REASONS, type RefusalReason } from './requests.ts';
import { serve } from './routes.ts';
import { TokenGate } from './tokens.ts';

/** Milliseconds. */
export interface Deadlines {
  /** For a handshake, for the head of a request, for all of it. */
  readonly handshake: number;
  readonly head: number;
  readonly request: number;
  /** Without a byte in either direction; a held sync is silent for 25 s. */
  readonly silence: number;
  /** How often the others are looked at. */
  readonly look: number;
}

const DEADLINES: Deadlines = { handshake: 10_000, head: 10_000, request: 30_000, silence: 60_000, look: 5000 };
/** That connections have to take their last answer. */
const CLOSING = 1000;

/** Resolves when it listens. Errors: an address that cannot be bound, a certificate that TLS refuses. */
export async function createSnapshotServer(
  options: SnapshotServerOptions,
  deadlines = DEADLINES,
): Promise<SnapshotServer> {
  const { listen, certificate, reviewer, log, className } = options;
  const counts = { sent: 0, refused: new Map<RefusalReason, number>(REFUSAL_REASONS.map((reason) => [reason, 0])) };
  const sent = (bytes: number): void => void (counts.sent += bytes);
  const refused = (reason: RefusalReason): void =>
    void counts.refused.set(reason, (counts.refused.get(reason) ?? 0) + 1);
  const gate = new TokenGate({ reviewer, log });
  const offers = new Offers();
  const held = new HeldSyncs(offers, sent);
  const replicas = new Replicas(log);
  const priors = new Priors();
  const parts = { className, log, gate, offers, held, replicas, priors, sent, refused };
  const server = createServer(
    {
      ...tlsOptions(certificate),
      handshakeTimeout: deadlines.handshake,
      headersTimeout: deadlines.head,
      requestTimeout: deadlines.request,
      keepAliveTimeout: deadlines.silence,
      connectionsCheckingInterval: deadlines.look,
    },
    (request, response) => void serve(parts, request, response),
  );
  server.timeout = deadlines.silence;
  const connections = limitConnections(server, log);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.address, () => {
      server.off('error', reject);
      server.on('error', (error) => log.error({ err: error }, 'snapshot server'));
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    publish: (snapshot, versions, keys, seen) => {
      if (offers.publish({ snapshot, versions, keys }, seen)) void held.wake();
    },
    setCertificate: (next) => server.setSecureContext(tlsOptions(next)),
    setPriors: (known) => priors.set(known),
    replicas: () => replicas.all(),
    onAcknowledge: (listener) => replicas.onAcknowledge(listener),
    onReport: (listener) => replicas.onReport(listener),
    families: () =>
      serverFamilies({
        proxies: replicas.all().size,
        held: held.size,
        manifests: offers.made,
        sent: counts.sent,
        reviews: gate.reviews,
        refused: counts.refused,
      }),
    close: () => close(server, held, connections),
  };
}

const tlsOptions = ({ certificate, privateKey }: ServerCertificate) => ({
  cert: certificate,
  key: privateKey,
  minVersion: 'TLSv1.3' as const,
});

async function close(server: Server, held: HeldSyncs, connections: Connections): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  held.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => connections.destroy(), CLOSING);
  await closed;
  clearTimeout(timer);
}
