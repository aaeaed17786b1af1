import type { CountsDocument } from '../model/counts.ts';
import { HANDSHAKE_FAILURES } from '../model/handshakes.ts';
import type { Figure, ProfilesDocument } from '../model/profiles.ts';
import type { TlsTotals, Totals } from '../proxy/serving-contract.ts';
import { APPLY_BOUNDS, Histogram } from './histogram.ts';
import type { MetricsInput } from './metrics.ts';

const noLimits = {
  clients: 0,
  header_bytes: 2,
  body_bytes: 0,
  requests_per_connection: 0,
  connections_per_server: 0,
  requests_per_cell: 0,
  pending_per_server: 0,
  rate: 0,
  adaptive_concurrency: 0,
  queue: 6,
  queue_time: 7,
  queue_deadline: 8,
  descriptors: 0,
  pipelined_bytes: 0,
  streams: 0,
  stream_resets: 0,
  http2_overhead: 0,
  http2_session: 0,
  memory: 0,
  event_loop: 0,
};

/** Made-up counts of `servers` x `apps` cells, for tests. */
export function sampleInput(servers: number, apps: number): MetricsInput {
  const rules: Totals['rules'] = Array.from({ length: apps }, (_, i) => ({
    virtualServer: `demo/http${i % 7}`,
    rule: `rule${i}`,
    app: `app${i}`,
    classes: [0, 0, 10 + i, 0, 1, 0],
    seconds: 0.5,
  }));
  const counts: CountsDocument = {
    rows: Array.from({ length: apps }, (_, i) => ({
      id: `matrix demo/eapac app${i}`,
      epoch: 1,
      cells: Array.from({ length: servers }, (__, j) => ({
        server: `demo/web${j}`,
        app: `app${i}`,
        weight: 1,
        available: true,
        ...(i === 0 && j === 0 ? { cap: 5, inFlight: 2 } : {}),
        asked: 1 / servers,
        askedAvailable: 1 / servers,
        delivered: j === 0 ? null : 1 / servers,
        epochRequests: 5,
        requests: 5,
        retries: 0,
        sticky: 0,
        failures: 0,
      })),
    })),
    endpoints: Array.from({ length: servers }, (_, j) => ({
      server: `demo/web${j}`,
      address: j % 2 === 0 ? '::1' : '127.0.0.1',
      port: 8080 + j,
      active: j,
      available: j !== 1,
      down: [],
    })),
  };
  const totals: Totals = {
    requests: 100,
    connectionsAccepted: 10,
    connectionsActive: 1,
    upstreamConnections: 5,
    upstreamActive: 5,
    queue: { waiting: 3, waited: 40, seconds: 2.5 },
    upstreamStreams: 70,
    upstreamFaults: 2,
    bytesReceived: 1e12,
    bytesSent: 2,
    retries: 1,
    limits: noLimits,
    reasons: { not_found: 3 },
    prefaceFailures: { untrusted: 1 },
    overload: { memory: { used: 100, limit: 200 }, step: 1, lateWorkers: 1 },
    tls: {
      handshakes: 4,
      resumptions: 2,
      failures: Object.fromEntries(HANDSHAKE_FAILURES.map((word) => [word, 0])) as TlsTotals['failures'],
      unframedAnswers: 1,
      certificates: [{ key: 'demo/tls', notAfter: 1_800_000_000 }],
    },
    http2: { connections: 2, failures: 1, streams: 9 },
    rules,
    concurrencyLimits: [{ server: 'demo/web1', address: '127.0.0.1', port: 8081, limit: 17 }],
    durations: Array.from({ length: 7 }, (_, i) => ({
      virtualServer: `demo/http${i}`,
      buckets: Array.from({ length: 32 }, () => 1),
    })),
    workers: [
      { index: 0, restarts: 0, alive: true },
      { index: 1, restarts: 2, alive: false },
    ],
  };
  return {
    version: '1.2.3',
    ready: true,
    config: {
      generation: 3,
      snapshot: '0123456789abcdef',
      lastApplySuccess: true,
      lastApplyAt: 1_700_000_000.5,
      faults: 0,
      applyDuration: new Histogram(APPLY_BOUNDS),
      propagation: new Histogram(APPLY_BOUNDS),
    },
    objects: [
      { kind: 'RealServer', ready: 'True' },
      { kind: 'RealServer', ready: 'False' },
    ],
    traffic: { totals, counts, profiles: sampleProfiles(apps) },
  };
}

function sampleProfiles(apps: number): ProfilesDocument {
  const figure: Figure = { value: 2, source: 'learned', count: 100, error: 0.5, upper: 2.42, age: 1 };
  return {
    at: 0,
    matrices: [
      {
        matrix: 'demo/eapac',
        apps: Array.from({ length: apps }, (_, i) => ({
          app: `app${i}`,
          demand: figure,
          cost: { cpu: figure },
          seconds: figure,
          failures: 0,
          concurrency: {
            inflight: 2,
            limit: figure,
            peaked: false,
            coefficients: [1, 0, 0],
            knee: 0,
            seen: { lowest: 1, highest: 2 },
            known: { lowest: 1, highest: 2 },
          },
          cells: [],
        })),
      },
    ],
  };
}
